"""What the routes take and give, for the description of the service.

What JSON Schema cannot say stands in words: that a tensor has as many elements as its shape says,
and that all tensors have as many instances.
"""

from collections.abc import Mapping
from typing import Any

from service.errors import (
    ChangedMeanwhile,
    InvalidInferenceRequest,
    ManagementForbidden,
    ModelNotFound,
    ModelUnavailable,
    NotAgreed,
    NotKept,
    NotShared,
    SourceFailed,
    VersionNotFound,
    VersionRefused,
)
from service.http.dialects.open_inference.datatypes import BYTES, DTYPES
from service.http.dialects.open_inference.inputs import datatype_of
from service.http.dialects.open_inference.messages import HEADER_LENGTH
from service.http.dialects.open_inference.outputs import BINARY_TYPE, Output, outputs_of
from service.http.examples import drawing, usual_value
from service.http.openapi.parts import JSON, Schema, answer, array, header, mapping, record
from service.http.operations import PREDICTION_ERRORS
from vitrine.errors import MalformedBody, VitrineError
from vitrine.model import Model
from vitrine.predictions import TrustOptions
from vitrine.signature import InputSpec, PictureInput

Errors = tuple[type[VitrineError], ...]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_OPTIONAL_FLAG: Schema = {"type": ["boolean", "null"]}
_OBJECT: Schema = {"type": "object"}
_SHAPE = array({"type": "integer"})
# Those that JSON can hold.
_DATATYPES = [*(name for name in DTYPES if name != "FP16"), BYTES]

INFER_ERRORS: Errors = (*PREDICTION_ERRORS, InvalidInferenceRequest)
MODEL_ERRORS: Errors = (ModelNotFound, ModelUnavailable)
VERSION_ERRORS: Errors = (ModelNotFound, VersionNotFound)
BODY_ERRORS: Errors = (InvalidInferenceRequest, MalformedBody)
MANAGEMENT_ERRORS: Errors = (
    *BODY_ERRORS,
    *(ModelNotFound, ManagementForbidden, NotShared, NotKept, NotAgreed),
    *(SourceFailed, ChangedMeanwhile),
)
LOAD_ERRORS: Errors = (VersionRefused,)


def describe_infer(model: Model | None, trust: TrustOptions | None) -> Mapping[str, Any]:
    """Describe a route of predictions.

    Args:
        model: The model that it names; None where it may be any.
        trust: Trust options that the model fulfils; None where it may be any.
    """
    length = header(
        HEADER_LENGTH.title(),
        "Length of the JSON before the bytes of tensors; 0 for a body of nothing but such bytes.",
        _COUNT,
    )
    message = _message(model, trust)
    example = {} if model is None else {"example": _example(model)}
    content: Schema = {JSON: {"schema": message, **example}, BINARY_TYPE: {}}
    return {
        "parameters": [length],
        "requestBody": {
            "required": True,
            "description": (
                "All tensors have as many instances, and each as many elements as its shape says. "
                "A tensor whose `binary_data_size` is given follows the JSON as bytes."
            ),
            "content": content,
        },
        "responses": {"200": _answer(model)},
    }


def _message(model: Model | None, trust: TrustOptions | None) -> Schema:
    inputs: Schema = {"type": "array", "items": _tensor(_TEXT)}
    outputs: Schema = {"type": ["array", "null"], "items": _OBJECT}
    if model is not None and trust is not None:
        specs = model.manifest.signature.inputs
        inputs = {
            "type": "array",
            "minItems": len(specs),
            "maxItems": len(specs),
            "prefixItems": [_input(spec) for spec in specs],
            "description": "One tensor for each input, in any order.",
        }
        wanted = [_wanted(output) for output in outputs_of(model, trust).values()]
        outputs["items"] = {"anyOf": wanted}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"]},
            "inputs": inputs,
            "outputs": {**outputs, "description": "The outputs that are wanted; by default all."},
            "parameters": _PARAMETERS,
        },
    }


_PARAMETERS: Schema = {
    "type": ["object", "null"],
    "properties": {
        "binary_data_output": {**_OPTIONAL_FLAG, "description": "Whether outputs come as bytes."},
        "coverage": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "exclusiveMaximum": 1,
            "description": "Probability with which sets and intervals hold the truth.",
        },
        "timeout": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Microseconds after which nobody waits for the answer; 0 for no limit.",
        },
    },
}


def _tensor(name: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": name,
            "shape": array(_COUNT),
            "datatype": {"enum": _DATATYPES},
            "data": {"type": "array", "description": "The elements in row-major order."},
        },
    }


def _input(spec: InputSpec) -> Schema:
    also = (
        "Levels of pictures of any size, or encoded pictures as BYTES of the shape [-1]."
        if isinstance(spec, PictureInput)
        else "Other datatypes of numbers, and texts, are read as well."
    )
    tensor = _tensor({"const": spec.name})
    return {**tensor, "description": f"{datatype_of(spec)} by default. {also}"}


def _wanted(output: Output) -> Schema:
    number: Schema = {"type": ["integer", "null"], "minimum": 1}
    classes: Schema = {"type": "null"} if output.datatype == BYTES else number
    members: Schema = {"binary_data": _OPTIONAL_FLAG, "classification": classes}
    return {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"const": output.name},
            "parameters": {"type": ["object", "null"], "properties": members},
        },
    }


def _example(model: Model) -> Schema:
    return {"inputs": [_example_input(spec) for spec in model.manifest.signature.inputs]}


def _example_input(spec: InputSpec) -> Schema:
    if isinstance(spec, PictureInput):
        return {"name": spec.name, "datatype": BYTES, "shape": [1], "data": [drawing()]}
    return {
        "name": spec.name,
        "datatype": datatype_of(spec),
        "shape": [1, 1],
        "data": [usual_value(spec)],
    }


def _answer(model: Model | None) -> Schema:
    output: Schema = {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": _TEXT,
            "datatype": _TEXT,
            "shape": _SHAPE,
            "data": {"type": "array"},
            "parameters": _OBJECT,
        },
        "additionalProperties": False,
    }
    schema: Schema = {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": _TEXT if model is None else {"const": model.name},
            "model_version": _TEXT,
            "id": _TEXT,
            "parameters": _OBJECT,
            "outputs": array(output),
        },
        "additionalProperties": False,
    }
    return {
        "description": "The outputs; as bytes behind the JSON where that was asked for.",
        "content": {JSON: {"schema": schema}, BINARY_TYPE: {}},
    }


_READY = record(ready=_FLAG)
_MODEL_READY = record(name=_TEXT, ready=_FLAG)
_METADATA_TENSOR = record(name=_TEXT, datatype=_TEXT, shape=_SHAPE)
_CONFIGURED = array(_OBJECT)

LIVE = answer("It is.", record(live=_FLAG))
READY = {**answer("It does.", _READY), **answer("It does not.", _READY, status=503)}
MODEL_READY = {
    **answer("It can.", _MODEL_READY),
    **answer("It was unloaded.", _MODEL_READY, status=503),
}
SERVER = answer("The server.", record(name=_TEXT, version=_TEXT, extensions=array(_TEXT)))
METADATA = answer(
    "The model.",
    record(
        name=_TEXT,
        versions=array(_TEXT),
        platform=_TEXT,
        inputs=array(_METADATA_TENSOR),
        outputs=array(_METADATA_TENSOR),
    ),
)
CONFIGURATION = answer(
    "The configuration, as Triton names its parts.",
    record(
        name=_TEXT,
        platform=_TEXT,
        backend=_TEXT,
        version_policy=_OBJECT,
        max_batch_size=_COUNT,
        input=_CONFIGURED,
        output=_CONFIGURED,
        parameters=mapping(_OBJECT),
    ),
)
_DURATION = record(count=_COUNT, ns=_COUNT)
STATISTICS = answer(
    "What was counted of each version.",
    record(
        model_stats=array(
            record(
                name=_TEXT,
                version=_TEXT,
                last_inference=_COUNT,
                inference_count=_COUNT,
                execution_count=_COUNT,
                inference_stats=mapping(_DURATION),
                response_stats=_OBJECT,
                batch_stats={"type": "array"},
                memory_usage={"type": "array"},
            )
        )
    ),
)
_INDEX = answer(
    "The versions.",
    array(
        record(name=_TEXT, version=_TEXT, state={"enum": ["READY", "UNAVAILABLE"]}, reason=_TEXT)
    ),
)


def describe_index(_: Model | None) -> Mapping[str, Any]:
    """Describe the list of versions."""
    only = {**_OPTIONAL_FLAG, "description": "Whether only those are listed that are ready."}
    return {"requestBody": _optional_body({"ready": only}), "responses": _INDEX}


def describe_load(_: Model | None) -> Mapping[str, Any]:
    """Describe how a model is loaded: from where it is, so that nothing can be said of it."""
    none: Schema = {"type": ["object", "null"], "maxProperties": 0}
    return {"requestBody": _optional_body({"parameters": none}), "responses": _DONE}


def describe_unload(_: Model | None) -> Mapping[str, Any]:
    """Describe how a model is unloaded; no other one depends on it, whatever the body says."""
    return {"requestBody": _optional_body({}), "responses": _DONE}


_DONE: Schema = {"200": {"description": "It is done; there is nothing more to say."}}


def _optional_body(properties: Schema) -> Schema:
    return {"content": {JSON: {"schema": {"type": "object", "properties": properties}}}}
