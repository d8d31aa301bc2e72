"""What the server and its models are, in the words of the protocol."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.http.dialects.open_inference.inputs import datatype_of, shape_of
from service.http.dialects.open_inference.outputs import labels_of, outputs_of
from service.rollout.repository import Entry
from vitrine import __version__
from vitrine.model import Model
from vitrine.predictions import TrustOptions
from vitrine.signature import PictureInput

SERVER = {
    "name": "vitrine",
    "version": __version__,
    "extensions": [
        "binary_tensor_data",
        "classification",
        "model_configuration",
        "model_repository",
        "statistics",
    ],
}
_ONNX_FILE = "model.onnx"


def trust_of(model: Model, coverage: float) -> TrustOptions:
    """Return the trust options of a request that asks for none.

    Args:
        model: The model.
        coverage: Coverage by default.
    """
    return model.trust_options(coverage=None, default=coverage, abstain_below=None)


def describe(model: Model, entry: Entry, trust: TrustOptions) -> dict[str, Any]:
    """Return the metadata of a model."""
    return {
        "name": model.name,
        "versions": [str(version) for version in sorted({*entry.versions, model.version})],
        "platform": _platform(model),
        "inputs": [
            {"name": spec.name, "datatype": datatype_of(spec), "shape": shape_of(spec)}
            for spec in model.manifest.signature.inputs
        ],
        "outputs": [
            {"name": output.name, "datatype": output.datatype, "shape": [-1, output.size]}
            for output in outputs_of(model, trust).values()
        ],
    }


def _platform(model: Model) -> str:
    has_onnx = not model.manifest.files or _ONNX_FILE in model.manifest.files
    return "onnx_onnxv1" if has_onnx else "keras_keras"


def configure(
    model: Model, entry: Entry, trust: TrustOptions, *, max_instances: int
) -> dict[str, Any]:
    """Return the configuration of a model, as Triton names its parts."""
    inputs = [
        {
            "name": spec.name,
            "data_type": _type(datatype_of(spec)),
            "format": "FORMAT_NHWC" if isinstance(spec, PictureInput) else "FORMAT_NONE",
            "dims": shape_of(spec)[1:],
        }
        for spec in model.manifest.signature.inputs
    ]
    outputs = [
        {"name": output.name, "data_type": _type(output.datatype), "dims": [output.size]}
        for output in outputs_of(model, trust).values()
    ]
    return {
        "name": model.name,
        "platform": _platform(model),
        "backend": SERVER["name"],
        "version_policy": _policy(entry),
        "max_batch_size": max_instances,
        "input": inputs,
        "output": outputs,
        "parameters": _parameters(model),
    }


def _type(datatype: str) -> str:
    return "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"


def _policy(entry: Entry) -> Mapping[str, Any]:
    policy = entry.serving.policy
    if not isinstance(policy, str):
        return {"specific": {"versions": list(policy)}}
    name, _, number = policy.partition(":")
    return {"latest": {"num_versions": int(number)}} if name == "latest" else {"all": {}}


def _parameters(model: Model) -> dict[str, Any]:
    """Return what has no other place in a configuration; its values are texts."""
    labels = labels_of(model)
    texts = {"task": model.manifest.task, "target": model.manifest.target}
    if labels:
        texts["labels"] = orjson.dumps(labels).decode()
    return {name: {"string_value": text} for name, text in texts.items()}
