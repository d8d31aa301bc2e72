"""Publish a saved network: open it, read its interface, plan, adapt, export, compare, describe."""

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
from training.card import render
from training.errors import CannotTrain
from training.evaluation.multiply_adds import count_multiply_adds
from training.evaluation.references import table_references
from training.importing.card_limits import limits_section
from training.importing.keras_files import open_network
from training.importing.keras_networks import adapt_network, read_interface
from training.importing.made_up_instances import make_up_instances
from training.importing.onnx_networks import adapt_onnx_network, read_onnx_interface
from training.importing.options import ImportOptions
from training.importing.plans import Plan, make_plan
from training.importing.predictions import OutputKind
from training.importing.saved_models import convert_saved_model, hash_folder
from training.progress import console
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.engines import Engine, load_engine
from vitrine.loading import largest_difference
from vitrine.model import Model
from vitrine.signature import Instances, Task

# The ONNX file is compared with Keras on at most this number of rows of a sample.
_COMPARED_ROWS = 1000
_TASKS: dict[OutputKind, Task] = {
    "softmax": "classification",
    "logits": "classification",
    "sigmoid": "classification",
    "logit": "classification",
    "sigmoids": "multi-label classification",
    "value": "regression",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of an import.

    Attributes:
        file: `.keras` file, `.h5` file, or folder of a SavedModel.
        name: Name of the model.
        models: Folder to publish in.
        command: Command as typed, for the record.
        options: What the user says about the network beyond its file.
        began: Reading of the monotonic clock at the start.
    """

    file: Path
    name: str
    models: Path
    command: str
    options: ImportOptions
    began: float = field(default_factory=time.monotonic)


def import_network(config: Config) -> Path:
    """Publish a network that was trained elsewhere.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The file contains something that is not served, or an option is missing.
    """
    with publishing.Draft(config.models, config.name) as draft:
        if config.file.is_dir():
            return _import_saved_model(draft, config)
        return _import_keras(draft, config)


def _import_keras(draft: publishing.Draft, config: Config) -> Path:
    original = open_network(config.file)
    plan = make_plan(read_interface(original), config.options)
    network = adapt_network(original, plan)
    manifest = _describe(plan, config, network)
    expected = _write_golden(publishing.keras_engine(network), manifest, draft, plan)
    manifest = _export(network, manifest, draft, plan)
    _check_keras_engine(draft.folder, manifest, expected)
    return _publish(draft, manifest, plan, network)


def _import_saved_model(draft: publishing.Draft, config: Config) -> Path:
    """Publish a SavedModel as ONNX. It is never run, so there is no Keras network of it."""
    converted = convert_saved_model(config.file)
    plan = make_plan(read_onnx_interface(converted), config.options)
    onnx.save(adapt_onnx_network(converted, plan), str(draft.folder / bundle.ONNX_NAME))
    manifest = _count_multiply_adds(_describe(plan, config, None), draft)
    described = _with_files(manifest, draft.folder, bundle.ONNX_NAME)
    try:
        engine = load_engine(draft.folder, described, threads=1)
    except InvalidBundle as error:
        raise CannotTrain(f"{config.file} does not run as ONNX, so it is not served.") from error
    _write_golden(engine, manifest, draft, plan)
    return _publish(draft, manifest, plan, None)


def _describe(plan: Plan, config: Config, network: keras.Model | None) -> Manifest:
    return Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task=_TASKS[plan.output_kind],
        signature=plan.signature,
        target=plan.target,
        files={},
        origin=publishing.describe_origin(
            command=config.command,
            seed=0,
            data=config.file.name,
            data_sha256=_hash(config.file),
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


def _hash(file: Path) -> str:
    return hash_folder(file) if file.is_dir() else bundle.describe_file(file).sha256


def _export(
    network: keras.Model, manifest: Manifest, draft: publishing.Draft, plan: Plan
) -> Manifest:
    """Write the network as Keras, and as ONNX where that gives the same predictions."""
    compared = _compared_instances(plan)
    try:
        publishing.export(network, manifest.signature, draft.folder)
        difference = publishing.measure_export(network, manifest, draft.folder, compared)
    except Exception as error:  # noqa: BLE001 - whatever a converter cannot do, TensorFlow can
        (draft.folder / bundle.ONNX_NAME).unlink(missing_ok=True)
        console.print(
            f"The network cannot be exported as ONNX ({type(error).__name__}). TensorFlow will run "
            "it."
        )
        return manifest
    described = msgspec.structs.replace(manifest, onnx_difference=difference)
    return _count_multiply_adds(described, draft)


def _compared_instances(plan: Plan) -> Instances:
    """Return made-up instances, followed by rows of the sample without missing values."""
    made_up = make_up_instances(plan)
    if not plan.sample:
        return made_up
    known = np.all([_is_known(values) for values in plan.sample.values()], axis=0)
    return {
        name: np.concatenate([values, plan.sample[name][known][:_COMPARED_ROWS]])
        for name, values in made_up.items()
    }


def _is_known(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype == object:
        return np.array([text is not None for text in values], bool)
    return np.asarray(~np.isnan(values))


def _count_multiply_adds(manifest: Manifest, draft: publishing.Draft) -> Manifest:
    exported = onnx.load(str(draft.folder / bundle.ONNX_NAME))
    try:
        count = count_multiply_adds(exported, manifest.signature)
    except KeyError:  # the network has an operation whose cost is not known
        return manifest
    return msgspec.structs.replace(manifest, multiply_adds=count)


def _write_golden(
    engine: Engine, manifest: Manifest, draft: publishing.Draft, plan: Plan
) -> NDArray[np.float32]:
    """Write made-up instances with their predictions, and return the predictions."""
    instances = make_up_instances(plan)
    expected = Model(manifest, engine).predict(instances).values
    if not np.isfinite(expected).all():
        raise CannotTrain(
            "The network does not predict finite numbers for made-up instances. Give --sample with "
            "a file that shows what its columns contain."
        )
    bundle.write_golden(draft.folder, instances, expected)
    return expected


def _check_keras_engine(folder: Path, manifest: Manifest, expected: NDArray[np.float32]) -> None:
    """Load the written network as a service without an ONNX file does, and compare predictions.

    Raises:
        CannotTrain: The network cannot be loaded, or its predictions differ.
    """
    if (folder / bundle.ONNX_NAME).exists():
        return
    described = _with_files(manifest, folder, bundle.KERAS_NAME)
    try:
        model = Model(described, load_engine(folder, described, threads=1))
        predicted = model.predict(bundle.read_golden(folder)[0]).values
    except Exception as error:  # a layer can fail in any way outside of Keras' predict
        raise CannotTrain(f"The network cannot be served: {type(error).__name__}.") from error
    if not largest_difference(predicted, expected) <= publishing.GOLDEN_TOLERANCE:
        raise CannotTrain("The saved network predicts other numbers each time: it is not served.")


def _with_files(manifest: Manifest, folder: Path, *names: str) -> Manifest:
    files = {name: bundle.describe_file(folder / name) for name in names}
    return msgspec.structs.replace(manifest, files=files)


def _publish(
    draft: publishing.Draft, manifest: Manifest, plan: Plan, network: keras.Model | None
) -> Path:
    draft.plots.rmdir()
    limits = limits_section(manifest, plan, is_keras=network is not None)
    card: Callable[[Manifest], str] = partial(render, network=network, sections=(limits,))
    return draft.publish(manifest, card)
