"""Golden examples, and the exported file compared with Keras: through the code that serves."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.errors import CannotTrain
from training.evaluation.multiply_adds import count_multiply_adds
from training.progress import stretch
from training.publishing.batching import measure_batching
from training.publishing.manifest import GOLDEN_TOLERANCE, Description, Export, build_manifest
from training.publishing.onnx_export import export_network
from vitrine import bundle
from vitrine.bundle import Manifest
from vitrine.engines import Engine, Tensors, load_engine
from vitrine.loading import largest_difference
from vitrine.model import Model
from vitrine.signature import Instances, QuantilesOutput, Task

# How far the exported file may be from Keras: of a probability, or relative to a value or score.
_TOLERANCES: Mapping[Task, float] = {
    "classification": 1e-4,
    "multi-label classification": 1e-4,
    "regression": 1e-5,
    "anomaly detection": 1e-5,
}
_BATCH = 1024
# A manifest is needed to serve, but the version gets its number last.
_UNNUMBERED = 0


def export_and_verify(
    network: keras.Model, description: Description, folder: Path, instances: Instances
) -> Export:
    """Write a network as Keras' own file and as ONNX, and compare the two.

    Args:
        network: The network.
        description: What is known of the version.
        folder: Folder of the bundle.
        instances: Raw instances that are compared.

    Raises:
        CannotTrain: The exported file is too far from Keras.
    """
    with stretch("Exporting the network as ONNX"):
        exported = export_network(network, description.signature, folder)
    with stretch("Comparing the exported file with Keras"):
        return Export(
            multiply_adds=count_multiply_adds(exported, description.signature),
            onnx_difference=compare_export(network, description, folder, instances),
            batching=measure_batching(folder, unnumbered_manifest(description, folder), instances),
        )


def unnumbered_manifest(description: Description, folder: Path) -> Manifest:
    """Return a manifest that networks can be served with before the version has its number."""
    return build_manifest(description, folder, Export(), _UNNUMBERED)


def keras_engine(network: keras.Model) -> Engine:
    """Return an engine that runs a network of this process."""

    def run(feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        outputs: dict[str, NDArray[np.float32]] = network.predict(
            dict(feeds), batch_size=_BATCH, verbose=0
        )
        return outputs

    return run


def predict_raw(
    engine: Engine, description: Description, folder: Path, instances: Instances
) -> NDArray[np.float32]:
    """Return what an engine predicts for raw instances.

    Shapes:
        result: (n, classes), (n, labels) or (n,).
    """
    manifest = unnumbered_manifest(description, folder)
    return Model(manifest, engine).predict(instances).values


def write_golden_examples(
    network: keras.Model, description: Description, folder: Path, instances: Instances
) -> NDArray[np.float32]:
    """Write raw instances with the predictions of Keras, and return these.

    Shapes:
        result: (n, classes), (n, labels) or (n,).
    """
    expected = predict_raw(keras_engine(network), description, folder, instances)
    bundle.write_golden(folder, instances, expected)
    return expected


def compare_export(
    network: keras.Model,
    description: Description,
    folder: Path,
    instances: Instances,
    tolerances: Mapping[Task, float] = _TOLERANCES,
) -> float:
    """Return the largest difference between the exported file and Keras on raw instances.

    Args:
        network: The network.
        description: What is known of the version.
        folder: Folder of the bundle.
        instances: Raw instances that are compared.
        tolerances: How far the exported file may be from Keras, for each task.

    Raises:
        CannotTrain: The difference is larger than is allowed.
    """
    manifest = unnumbered_manifest(description, folder)
    in_onnx, in_keras = load_engine(folder, manifest, threads=1), keras_engine(network)
    predicted = Model(manifest, in_keras).predict(instances)
    exported = Model(manifest, in_onnx).predict(instances)
    difference = largest_difference(exported.values, predicted.values)
    _refuse_beyond(tolerances[manifest.task], difference)
    _compare_trust_outputs(manifest, in_onnx(predicted.tensors), in_keras(predicted.tensors))
    return difference


def _compare_trust_outputs(
    manifest: Manifest,
    exported: Mapping[str, NDArray[np.float32]],
    expected: Mapping[str, NDArray[np.float32]],
) -> None:
    """Compare the outputs after the prediction.

    They are calibrated by what Keras says, and the calibration is applied to what ONNX says.
    """
    for spec in manifest.signature.outputs[1:]:
        one, other = exported[spec.name], expected[spec.tensor]
        if isinstance(spec, QuantilesOutput):  # in the target's unit, hence compared relatively
            one, other = one.ravel(), other.ravel()
        _refuse_beyond(GOLDEN_TOLERANCE, largest_difference(one, other))


def _refuse_beyond(allowed: float, difference: float) -> None:
    if not difference <= allowed:
        raise CannotTrain(
            f"Not published: the exported file may differ from Keras by {allowed:g}. "
            f"Received: {difference:.2g}."
        )
