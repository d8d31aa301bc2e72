"""What the routes take and give, for the description of the service.

It describes bodies in rows. What JSON Schema cannot say stands in words: that columns have one
length, or that features of the context are in no example.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.http.dialects.tensorflow_serving import signatures
from service.http.dialects.tensorflow_serving.signatures import STRING, Tensor
from service.http.examples import drawing, usual_value
from service.http.openapi.parts import JSON, Schema, answer, array, record
from service.http.openapi.schemas import instance_schema
from vitrine.model import Model
from vitrine.signature import ColumnSpec, DateInput, NumberInput
from vitrine.tables.cells import MAX_CATEGORY_CHARACTERS

_LARGEST = float(np.finfo(np.float32).max)
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_COLUMNS = (
    "Instead of `instances`, the body may have `inputs`: the values of the only input, or an "
    "object with a list of values for each input, all of one length. The answer has `outputs` then."
)
_CONTEXT = "Features that all examples share may stand in `context`, and in no example then."
_STATUS: Schema = record(error_code=_TEXT, error_message=_TEXT)
_STATE: Schema = {"enum": ["AVAILABLE", "END"]}
_MALFORMED = answer("The path is malformed.", record(error=_TEXT), status=400)
STATUS = _MALFORMED | answer(
    "The versions, the newest first.",
    record(
        model_version_status=array(record(version=_TEXT, state=_STATE, status=_STATUS)),
        name=_TEXT,
        ready={"type": "boolean", "description": "Whether some version is served."},
    ),
)
METADATA = _MALFORMED | answer(
    "The signatures, each with its inputs, its outputs and its method.",
    record(
        model_spec=record(name=_TEXT, signature_name=_TEXT, version=_TEXT),
        metadata=record(signature_def=record(signature_def={"type": "object"})),
    ),
)


def describe_predict(model: Model | None, limit: int) -> Mapping[str, Any]:
    """Describe what `predict` takes and gives.

    Args:
        model: The model; None for any.
        limit: Number of instances that there may be.
    """
    names = [signatures.DEFAULT, signatures.DETAILED]
    predictions: Schema = {"type": "array"}
    if model is not None:
        predictions["items"] = {"anyOf": [*_own(model), _detailed(model)]}
    return _described(
        _COLUMNS,
        _body(names, "instances", _instances(model, limit)),
        None if model is None else {"instances": [_example(model)]},
        record(predictions=predictions),
    )


def describe_results(verb: str, model: Model | None, limit: int) -> Mapping[str, Any] | None:
    """Describe what `classify` or `regress` takes and gives.

    Args:
        verb: The method.
        model: The model; None for any.
        limit: Number of examples that there may be.

    Returns:
        Members of the operation; None where the model has no signature for the method.
    """
    own = signatures.CLASSIFY if verb == "classify" else signatures.REGRESS
    if model is not None and own not in signatures.methods(model):
        return None
    example: Schema = {"type": "object"} if model is None else _feature_schema(model)
    scored = {**array({"type": ["string", "number"]}), "minItems": 2, "maxItems": 2}
    return _described(
        _CONTEXT,
        _body([signatures.DEFAULT, own], "examples", [_list(example, limit)]),
        None if model is None else {"examples": [_named_example(model)]},
        record(results=array(array(scored) if verb == "classify" else _NUMBER)),
    )


def _described(words: str, body: Schema, example: Schema | None, answered: Schema) -> Schema:
    content: Schema = {"schema": body} | ({} if example is None else {"example": example})
    return {
        "requestBody": {"description": words, "required": True, "content": {JSON: content}},
        "responses": answer("One answer for each, in their order.", answered),
    }


def _body(names: list[str], key: str, lists: list[Schema]) -> Schema:
    return {
        "type": "object",
        "required": [key],
        "properties": {
            "signature_name": {"enum": names, "default": signatures.DEFAULT},
            key: lists[0] if len(lists) == 1 else {"anyOf": lists},
        },
    }


def _list(items: Schema, limit: int) -> Schema:
    return {**array(items), "minItems": 1, "maxItems": limit}


def _instances(model: Model | None, limit: int) -> list[Schema]:
    """Describe the list of instances in each way in which all of them may be written."""
    if model is None:
        return [_list({}, limit)]
    columns = model.manifest.signature.columns
    if not columns:
        name, picture = model.manifest.signature.inputs[0].name, instance_schema(model)
        return [_list(each, limit) for each in (picture, record(**{name: picture}))]
    values = {spec.name: _value(spec) for spec in columns}
    lists = {name: _list(value, 1) for name, value in values.items()}
    # In all rows, a column is written in one way.
    either = {name: {"anyOf": [value, lists[name]]} for name, value in values.items()}
    plain = [*values.values(), *lists.values()] if len(values) == 1 else []
    several = [record(**values), record(**lists), *plain]
    return [*(_list(each, limit) for each in several), _list(record(**either), 1)]


def _value(spec: ColumnSpec) -> Schema:
    if isinstance(spec, NumberInput):
        return {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
    if isinstance(spec, DateInput):
        return {"type": "string", "x-date-format": spec.format}
    return {"type": "string", "maxLength": MAX_CATEGORY_CHARACTERS}


def _feature_schema(model: Model) -> Schema:
    columns = model.manifest.signature.columns
    if not columns:
        features = {model.manifest.signature.inputs[0].name: instance_schema(model)}
    else:
        values = {spec.name: _value(spec) for spec in columns}
        features = {name: {"anyOf": [each, _list(each, 1)]} for name, each in values.items()}
    return {"type": "object", "required": list(features), "properties": features}


def _example(model: Model) -> Any:
    return _named_example(model) if model.manifest.signature.columns else _drawn()


def _named_example(model: Model) -> Schema:
    columns = model.manifest.signature.columns
    if not columns:
        return {model.manifest.signature.inputs[0].name: _drawn()}
    return {spec.name: _usual(spec) for spec in columns}


def _drawn() -> Schema:
    return {"b64": drawing().rpartition(",")[2]}


def _usual(spec: ColumnSpec) -> Any:
    """Return the usual value of a column, for which a blank is no null here."""
    value = usual_value(spec)
    if value is None:
        return 0.0 if isinstance(spec, NumberInput) else ""
    return value


def _own(model: Model) -> list[Schema]:
    """Describe the network's own output for one instance, in each way in which it is written."""
    output = signatures.own_output(model)
    width = int(np.prod(output.shape[1:]))
    listed = {**array(_NUMBER), "minItems": width, "maxItems": width}
    return [_NUMBER, listed] if width == 1 else [listed]


def _detailed(model: Model) -> Schema:
    outputs = {each.name: _output(each) for each in signatures.detailed_outputs(model)}
    return {
        "type": "object",
        "description": f"With the signature `{signatures.DETAILED}`.",
        "required": list(outputs),
        "properties": outputs,
    }


def _output(tensor: Tensor) -> Schema:
    value = _TEXT if tensor.dtype == STRING else _NUMBER
    return value if len(tensor.shape) == 1 else array(value)
