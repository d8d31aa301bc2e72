"""Everything that is known of a version -> its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from vitrine import bundle
from vitrine.bundle import Batching, Calibration, File, Manifest, Origin, Reference
from vitrine.signature import Dialect, Signature, Task

# Another processor sums in another order; wrong weights differ by far more.
GOLDEN_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is known of a version before its network is exported and it gets its number.

    Attributes:
        name: Name of the model.
        task: What kind of prediction it makes.
        signature: What goes in and what comes out.
        target: Name of what is predicted.
        origin: How the version was made.
        parameters: Number of trainable parameters.
        scores: Scores by part of the data and by measure.
        calibration: Scores of the calibration part; None where nothing was calibrated.
        reference: Distribution over the training instances, by feature.
        dialect: Dialect of the training file; None where there is none.
        ignored_columns: Columns of the training file that are not inputs, with the reason.
    """

    name: str
    task: Task
    signature: Signature
    target: str
    origin: Origin
    parameters: int
    reference: Mapping[str, Reference]
    scores: Mapping[str, dict[str, float]] = field(default_factory=dict)
    calibration: Calibration | None = None
    dialect: Dialect | None = None
    ignored_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was measured of the exported file.

    Attributes:
        multiply_adds: Multiply-adds of an instance; None where they cannot be counted.
        onnx_difference: Largest difference from Keras; None where there is no exported file, or no
            Keras network.
        batching: How it gains from several instances in one call; None where it does not.
    """

    multiply_adds: int | None = None
    onnx_difference: float | None = None
    batching: Batching | None = None


def build_manifest(
    description: Description, folder: Path, export: Export, version: int
) -> Manifest:
    """Return the manifest of a version.

    Args:
        description: What is known of the version.
        folder: Folder that contains its files.
        export: What was measured of the exported file.
        version: Number of the version.
    """
    return Manifest(
        format=bundle.FORMAT,
        name=description.name,
        version=version,
        task=description.task,
        signature=description.signature,
        target=description.target,
        files=_describe_files(folder),
        origin=description.origin,
        scores=dict(description.scores),
        multiply_adds=export.multiply_adds,
        parameters=description.parameters,
        onnx_difference=export.onnx_difference,
        golden_tolerance=GOLDEN_TOLERANCE,
        calibration=description.calibration,
        reference=dict(description.reference),
        dialect=description.dialect,
        ignored_columns=dict(description.ignored_columns),
        batching=export.batching,
    )


def _describe_files(folder: Path) -> dict[str, File]:
    """Describe the files that are served from; an imported version may lack one network."""
    names = (bundle.KERAS_NAME, bundle.ONNX_NAME, bundle.GOLDEN_NAME)
    return {name: bundle.describe_file(folder / name) for name in names if (folder / name).exists()}


def count_parameters(network: keras.Model) -> int:
    """Count the parameters of a network that training sets."""
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
