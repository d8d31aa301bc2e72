"""A saved network -> a published version: open, look, plan, put together, compare, describe."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from training import publishing
from training.card import Section, render
from training.drawing.digits import golden_digits
from training.errors import CannotTrain
from training.evaluation.multiply_adds import count_multiply_adds
from training.evaluation.references import table_references
from training.importing.files import open_network
from training.importing.graphs import convert_saved_model, hash_folder
from training.importing.networks import look_at, serve
from training.importing.nodes import look_at_nodes, serve_nodes
from training.importing.plans import Ending, Plan, Told, made_up_rows, make_plan
from training.progress import console
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.engines import Engine, load_engine
from vitrine.loading import largest_difference
from vitrine.model import Model
from vitrine.signature import Instances, Task

_GOLDEN_PICTURES = 8
# Of a sample, the exported file is compared on so many rows.
_COMPARED = 1000
_TASKS: dict[Ending, Task] = {
    "softmax": "classification",
    "logits": "classification",
    "sigmoid": "classification",
    "logit": "classification",
    "sigmoids": "multi-label classification",
    "value": "regression",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one import is made with.

    Attributes:
        file: `.keras`, `.h5`, or the folder of a SavedModel.
        name: Of the model.
        models: Folder to publish under.
        command: As typed, for the record.
        told: What the person says beyond the file.
        began: Reading of the monotonic clock at the start.
    """

    file: Path
    name: str
    models: Path
    command: str
    told: Told
    began: float = field(default_factory=time.monotonic)


def import_network(config: Config) -> Path:
    """Publish a network that somebody else trained.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The file holds what is not served, or something must be told first.
    """
    with publishing.Draft(config.models, config.name) as draft:
        if config.file.is_dir():
            return _import_graph(draft, config)
        original = open_network(config.file)
        plan = make_plan(look_at(original), config.told)
        network = serve(original, plan)
        manifest = _describe(plan, config, network)
        expected = _add_golden(publishing.keras_engine(network), manifest, draft, plan)
        manifest = _export(network, manifest, draft, plan)
        _check_engine(draft.folder, manifest, expected)
        return _publish(draft, manifest, plan, network)


def _import_graph(draft: publishing.Draft, config: Config) -> Path:
    """Publish a SavedModel, which is converted without being run: there is no Keras of it."""
    converted = convert_saved_model(config.file)
    plan = make_plan(look_at_nodes(converted), config.told)
    onnx.save(serve_nodes(converted, plan), str(draft.folder / bundle.ONNX_NAME))
    manifest = _counted(_describe(plan, config, None), draft)
    described = _with_files(manifest, draft.folder, bundle.ONNX_NAME)
    try:
        engine = load_engine(draft.folder, described, threads=1)
    except InvalidBundle as error:
        raise CannotTrain(f"{config.file} does not run as ONNX, so it is not served.") from error
    _add_golden(engine, manifest, draft, plan)
    return _publish(draft, manifest, plan, None)


def _describe(plan: Plan, config: Config, network: keras.Model | None) -> Manifest:
    return Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task=_TASKS[plan.ending],
        signature=plan.signature,
        target=plan.target,
        files={},
        origin=publishing.describe_origin(
            command=config.command,
            seed=0,
            data=config.file.name,
            data_sha256=hash_folder(config.file)
            if config.file.is_dir()
            else bundle.describe_file(config.file).sha256,
            split={},
            began=config.began,
        ),
        scores={},
        multiply_adds=None,
        parameters=0 if network is None else publishing.trainable_parameters(network),
        onnx_difference=None,
        golden_tolerance=publishing.GOLDEN_TOLERANCE,
        calibration=None,
        reference=table_references(plan.sample, plan.signature.columns),
        dialect=plan.dialect,
    )


def _instances(plan: Plan) -> Instances:
    """Make raw instances up."""
    picture = plan.signature.picture
    if picture is None:
        return made_up_rows(plan.signature.columns, plan.sample)
    if picture.geometry != "fit":
        return {"image": golden_digits()[0]}
    return {"image": _blocks(picture.shape)}


def _blocks(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Draw pictures of a few even blocks each."""
    height, width, channels = shape
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (_GOLDEN_PICTURES, 4, 4, channels), dtype=np.uint8)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return coarse[:, rows][:, :, columns]


def _export(
    network: keras.Model, manifest: Manifest, draft: publishing.Draft, plan: Plan
) -> Manifest:
    """Write the network, as ONNX too where that gives the same answers."""
    compared: dict[str, Any] = dict(_instances(plan))
    if plan.sample:
        known = np.all([_is_known(raw) for raw in plan.sample.values()], axis=0)
        compared = {
            name: np.concatenate([raw, plan.sample[name][known][:_COMPARED]])
            for name, raw in compared.items()
        }
    try:
        publishing.export(network, manifest.signature, draft.folder)
        difference = publishing.measure_export(network, manifest, draft.folder, compared)
    except Exception as error:  # noqa: BLE001 - whatever a converter cannot do, TensorFlow can
        (draft.folder / bundle.ONNX_NAME).unlink(missing_ok=True)
        console.print(f"No ONNX file: {type(error).__name__}. TensorFlow will run the network.")
        return manifest
    return _counted(msgspec.structs.replace(manifest, onnx_difference=difference), draft)


def _is_known(raw: NDArray[Any]) -> NDArray[np.bool_]:
    if raw.dtype == object:
        return np.array([text is not None for text in raw], bool)
    return np.asarray(~np.isnan(raw))


def _counted(manifest: Manifest, draft: publishing.Draft) -> Manifest:
    exported = onnx.load(str(draft.folder / bundle.ONNX_NAME))
    try:
        count = count_multiply_adds(exported, manifest.signature)
    except KeyError:  # an operation whose cost is not known
        return manifest
    return msgspec.structs.replace(manifest, multiply_adds=count)


def _add_golden(
    engine: Engine, manifest: Manifest, draft: publishing.Draft, plan: Plan
) -> NDArray[np.float32]:
    """Write made-up instances with what the network answers."""
    instances = _instances(plan)
    expected = Model(manifest, engine).predict(instances).values
    if not np.isfinite(expected).all():
        raise CannotTrain(
            "The network gives no finite answer about made-up instances; say with --sample what "
            "its columns hold."
        )
    bundle.write_golden(draft.folder, instances, expected)
    return expected


def _check_engine(folder: Path, manifest: Manifest, expected: NDArray[np.float32]) -> None:
    """See the written network alone give its golden answers, as the service will where no ONNX is.

    Raises:
        CannotTrain: It does not.
    """
    if (folder / bundle.ONNX_NAME).exists():
        return
    described = _with_files(manifest, folder, bundle.KERAS_NAME)
    try:
        model = Model(described, load_engine(folder, described, threads=1))
        found = model.predict(bundle.read_golden(folder)[0]).values
    except Exception as error:  # a layer can fail outside of Keras' own predict in any way
        raise CannotTrain(f"The network cannot be served: {type(error).__name__}.") from error
    if not largest_difference(found, expected) <= publishing.GOLDEN_TOLERANCE:
        raise CannotTrain("The network does not give the same answers again: it is not served.")


def _with_files(manifest: Manifest, folder: Path, *names: str) -> Manifest:
    files = {name: bundle.describe_file(folder / name) for name in names}
    return msgspec.structs.replace(manifest, files=files)


def _publish(
    draft: publishing.Draft, manifest: Manifest, plan: Plan, network: keras.Model | None
) -> Path:
    draft.plots.rmdir()
    sections = (Section("Limits", _limits(manifest, plan, network)),)
    card: Callable[[Manifest], str] = partial(render, network=network, sections=sections)
    return draft.publish(manifest, card)


def _limits(manifest: Manifest, plan: Plan, network: keras.Model | None) -> str:
    limits = [
        f"- Imported from `{manifest.origin.data}`: what it was trained on is not known, so "
        "nothing was scored and nothing calibrated. Its probabilities may be far too sure."
    ]
    if plan.signature.picture is not None:
        levels = "0 to 1" if plan.scale != 1.0 else "0 to 255"
        limits.append(
            f"- Its pictures are taken to have levels from {levels} where the saved network "
            "begins. Were they prepared in another way, its answers are wrong."
        )
    else:
        limits.append(
            "- Rows enter as they are sent. What was done to them outside of the network before "
            "training, such as scaling, is not done here; nor does it know blanks."
        )
    if plan.sample:
        limits.append("- Ranges are those of a sample, which need not be what it was trained on.")
    if network is None:
        limits.append("- It was a SavedModel: there is no Keras network to compare with.")
    elif manifest.onnx_difference is None:
        limits.append("- It could not be exported as ONNX: only a service with TensorFlow runs it.")
    return "\n".join(limits)
