"""Publish a saved network: open it, read its interface, plan, adapt, export, compare, describe."""

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from training.cards.card import write_card
from training.cards.templates import fill
from training.evaluation.multiply_adds import count_multiply_adds
from training.evaluation.references import table_references
from training.importing.card_limits import limits_text
from training.importing.export_failures import explain_failure
from training.importing.interfaces import NetworkInterface
from training.importing.keras_files import open_network
from training.importing.keras_networks import adapt_network, read_interface, simplify
from training.importing.made_up_instances import make_up_instances
from training.importing.onnx_networks import adapt_onnx_network, read_onnx_interface
from training.importing.options import ImportOptions
from training.importing.plans import Plan, make_plan
from training.importing.predictions import OutputKind
from training.importing.refusals import EXPORT, SAVE_AGAIN, CannotImport, first_line
from training.importing.saved_losses import read_loss
from training.importing.saved_models import convert_saved_model, hash_folder
from training.progress import console
from training.publishing.batching import measure_batching
from training.publishing.draft import Draft
from training.publishing.manifest import (
    GOLDEN_TOLERANCE,
    Description,
    Export,
    build_manifest,
    count_parameters,
)
from training.publishing.onnx_export import export_network
from training.publishing.origin import describe_origin
from training.publishing.report import print_report
from training.publishing.verification import (
    compare_export,
    keras_engine,
    predict_raw,
    unnumbered_manifest,
)
from vitrine import bundle
from vitrine.bundle import InvalidBundle
from vitrine.engines import Engine, load_engine
from vitrine.loading import largest_difference
from vitrine.signature import Instances, Signature, Task

# The ONNX file is compared with Keras on at most this number of rows of a sample.
_COMPARED_ROWS = 1000
# How far ONNX may be from Keras. The values of a network that was trained elsewhere may be near 0,
# and its layers may have amplified what both round differently.
_TOLERANCES: dict[Task, float] = {
    "classification": 1e-4,
    "multi-label classification": 1e-4,
    "regression": 1e-3,
}
_TASKS: dict[OutputKind, Task] = {
    "softmax": "classification",
    "shares": "classification",
    "logits": "classification",
    "sigmoid": "classification",
    "logit": "classification",
    "sigmoids": "multi-label classification",
    "label logits": "multi-label classification",
    "value": "regression",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportConfig:
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


def import_network(config: ImportConfig) -> Path:
    """Publish a network that was trained elsewhere.

    Returns:
        The published folder.

    Raises:
        CannotImport: The file contains something that is not served, or an option is missing.
    """
    with Draft(config.models, config.name) as draft:
        is_folder = config.file.is_dir()
        folder = (_import_saved_model if is_folder else _import_keras)(draft, config)
    print_report(folder, config.options.sample)
    return folder


def _import_keras(draft: Draft, config: ImportConfig) -> Path:
    original = simplify(open_network(config.file))
    plan = _plan(read_interface(original, read_loss(config.file)), config.options)
    network = adapt_network(original, plan)
    description = _describe(plan, config, parameters=count_parameters(network))
    expected = _write_golden(keras_engine(network), description, draft.folder, plan)
    export = _export(network, description, draft.folder, plan)
    if (draft.folder / bundle.ONNX_NAME).exists():
        # The golden answers are those of the engine that is going to serve.
        manifest = unnumbered_manifest(description, draft.folder)
        engine = load_engine(draft.folder, manifest, threads=1)
        _write_golden(engine, description, draft.folder, plan)
    else:
        _check_keras_engine(draft.folder, description, expected)
    return _publish(draft, description, export, plan, network)


def _plan(interface: NetworkInterface, options: ImportOptions) -> Plan:
    """Plan how a network is served, and print what the user should know about it."""
    plan = make_plan(interface, options)
    for note in plan.notes:
        console.print(note)
    return plan


def _import_saved_model(draft: Draft, config: ImportConfig) -> Path:
    """Publish a SavedModel as ONNX. It is never run, so there is no Keras network of it."""
    converted = convert_saved_model(config.file)
    plan = _plan(read_onnx_interface(converted), config.options)
    adapted = adapt_onnx_network(converted, plan)
    onnx.save(adapted, str(draft.folder / bundle.ONNX_NAME))
    description = _describe(plan, config, parameters=0)
    try:
        manifest = unnumbered_manifest(description, draft.folder)
        engine = load_engine(draft.folder, manifest, threads=1)
    except InvalidBundle as error:
        raise CannotImport(
            f"{config.file} was converted to ONNX, but does not run.", way_out=SAVE_AGAIN
        ) from error
    _write_golden(engine, description, draft.folder, plan)
    export = Export(
        multiply_adds=_count_if_known(adapted, plan.signature),
        batching=measure_batching(draft.folder, manifest, _compared_instances(plan)),
    )
    return _publish(draft, description, export, plan, None)


def _describe(plan: Plan, config: ImportConfig, *, parameters: int) -> Description:
    return Description(
        name=config.name,
        task=_TASKS[plan.output_kind],
        signature=plan.signature,
        target=plan.target,
        origin=describe_origin(
            command=config.command,
            seed=0,
            data=config.file.name,
            data_sha256=_hash(config.file),
            split={},
            began=config.began,
        ),
        parameters=parameters,
        reference=table_references(plan.sample, plan.signature.columns),
        dialect=plan.dialect,
    )


def _hash(file: Path) -> str:
    return hash_folder(file) if file.is_dir() else bundle.describe_file(file).sha256


def _export(network: keras.Model, description: Description, folder: Path, plan: Plan) -> Export:
    """Write the network as Keras, and as ONNX where that gives the same predictions."""
    compared = _compared_instances(plan)
    try:
        exported = export_network(network, description.signature, folder)
        difference = compare_export(network, description, folder, compared, _TOLERANCES)
    except Exception as error:  # noqa: BLE001 - whatever a converter cannot do, TensorFlow can
        reason = explain_failure(error, network, folder)
        (folder / bundle.ONNX_NAME).unlink(missing_ok=True)
        console.print(
            f"The network cannot be exported as ONNX. {reason} Only TensorFlow can run this "
            "version: `make serve` has no TensorFlow and refuses it; `.venv/training/bin/vitrine "
            "serve` serves it."
        )
        return Export()
    count = _count_if_known(exported, description.signature)
    manifest = unnumbered_manifest(description, folder)
    batching = measure_batching(folder, manifest, compared)
    return Export(multiply_adds=count, onnx_difference=difference, batching=batching)


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


def _count_if_known(exported: onnx.ModelProto, signature: Signature) -> int | None:
    try:
        return count_multiply_adds(exported, signature)
    except KeyError:  # the network has an operation whose cost is not known
        return None


def _write_golden(
    engine: Engine, description: Description, folder: Path, plan: Plan
) -> NDArray[np.float32]:
    """Write made-up instances with their predictions, and return the predictions."""
    instances = make_up_instances(plan)
    expected = predict_raw(engine, description, folder, instances)
    if not np.isfinite(expected).all():
        raise CannotImport(
            "The network does not predict finite numbers for made-up instances.",
            way_out="Give --sample with a file that shows what its columns contain. If the network "
            "takes pictures, train it again: its weights are not finite.",
        )
    bundle.write_golden(folder, instances, expected)
    return expected


def _check_keras_engine(
    folder: Path, description: Description, expected: NDArray[np.float32]
) -> None:
    """Load the written network as a service with TensorFlow does, and compare predictions.

    Raises:
        CannotImport: The network cannot be loaded, or its predictions differ.
    """
    try:
        engine = load_engine(folder, unnumbered_manifest(description, folder), threads=1)
        predicted = predict_raw(engine, description, folder, bundle.read_golden(folder)[0])
    except Exception as error:  # a layer can fail in any way outside of Keras' predict
        raise CannotImport(
            f"The network cannot be served: {first_line(error)}.", way_out=EXPORT
        ) from error
    if not largest_difference(predicted, expected) <= GOLDEN_TOLERANCE:
        raise CannotImport(
            "The saved network predicts other numbers each time, so it is not served.",
            way_out="Call its layers without training=True, and save it again.",
        )


def _publish(
    draft: Draft,
    description: Description,
    export: Export,
    plan: Plan,
    network: keras.Model | None,
) -> Path:
    draft.plots.rmdir()
    limits = limits_text(description.origin, export, plan, is_keras=network is not None)
    sections = fill("imported", limits=limits)
    return draft.publish(
        partial(build_manifest, description, draft.folder, export),
        partial(write_card, network=network, sections=sections),
    )
