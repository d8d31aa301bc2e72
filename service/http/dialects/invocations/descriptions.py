"""What the routes take and give, for the description of the service."""

from collections.abc import Mapping
from typing import Any

from service.errors import NoDefaultModel, UnreadableContentType
from service.http.content import CSV_TYPE, JSON_TYPE
from service.http.examples import drawing, example_row
from service.http.openapi.parts import Schema, answer, array, record
from service.http.openapi.predictions import example_csv
from service.http.openapi.schemas import instance_schema, prediction_schema
from service.http.operations import PREDICTION_ERRORS
from vitrine.errors import VitrineError
from vitrine.model import Model

ERRORS: tuple[type[VitrineError], ...] = (
    *PREDICTION_ERRORS,
    NoDefaultModel,
    UnreadableContentType,
)

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_PARAMETERS: Schema = {
    "type": ["object", "null"],
    "description": "Parameters of our own routes, `coverage` and `abstain_below` among them.",
    "properties": {
        "top": {"type": ["integer", "null"], "minimum": 1, "maximum": 1_000_000},
        "errors": {"enum": ["fail", "report", None]},
        "explain": {"type": ["boolean", "null"]},
    },
    "additionalProperties": False,
}
_FIELDS = ("dataframe_records", "dataframe_split", "inputs", "instances")

VERSION = {"200": {"description": "The version, as it is.", "content": {JSON_TYPE: {}}}}
_LINE: Schema = {"content": {JSON_TYPE: {}}}  # which is empty
PING: Schema = {
    "200": {"description": "They are.", **_LINE},
    "404": {"description": "No model answers here, or the service stops.", **_LINE},
}
TRANSFORM = answer(
    "How much a request may have, and how many may be sent at a time.",
    record(MaxConcurrentTransforms=_COUNT, BatchStrategy=_TEXT, MaxPayloadInMB=_COUNT),
)


def describe_invocations(model: Model | None) -> Mapping[str, Any]:
    """Describe the route of predictions.

    Args:
        model: The model that answers; None where it is not settled which one does.
    """
    return {
        "requestBody": {
            "required": True,
            "description": (
                "JSON with exactly one of `dataframe_split`, `dataframe_records`, `inputs` and "
                "`instances`; rows as CSV, or a picture."
            ),
            "content": _bodies(model),
        },
        "responses": {"200": _answer(model)},
    }


def _bodies(model: Model | None) -> Schema:
    if model is None:
        return {JSON_TYPE: {"schema": {"type": "object"}}, CSV_TYPE: {}, "image/*": {}}
    item = instance_schema(model)
    if model.manifest.signature.picture is not None:
        body = {"schema": _one_of([_field("instances", item), _field("inputs", item)])}
        example = {"instances": [drawing()]}
        return {JSON_TYPE: {**body, "example": example}, "image/png": {"example": drawing()}}
    fields = [_field(name, item) for name in ("dataframe_records", "inputs", "instances")]
    names = [spec.name for spec in model.manifest.signature.columns]
    row = example_row(model.manifest.signature.columns)
    split = {"columns": names, "data": [[row[name] for name in names]]}
    text: Schema = {"type": "string", "format": "csv"}
    return {
        JSON_TYPE: {
            "schema": _one_of([_split(item, names), *fields]),
            "example": {"dataframe_split": split},
        },
        CSV_TYPE: {"schema": text, "example": example_csv(model)},
    }


def _one_of(schemas: list[Schema]) -> Schema:
    return {"oneOf": schemas}


def _field(name: str, item: Schema) -> Schema:
    """Describe a body whose instances are a list in one member."""
    return _body(name, array(item))


def _body(name: str, schema: Schema) -> Schema:
    others: Schema = {other: False for other in _FIELDS if other != name}
    return {
        "type": "object",
        "required": [name],
        "properties": {name: schema, "params": _PARAMETERS, **others},
    }


def _split(item: Schema, names: list[str]) -> Schema:
    """Describe a data frame of named columns and a list of rows."""
    row: Schema = {
        "type": "array",
        "prefixItems": [item["properties"][name] for name in names],
        "minItems": len(names),
        "maxItems": len(names),
    }
    frame: Schema = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "columns": {"enum": [names, None], "description": "Their names, in any order."},
            "data": array(row),
            "index": {"type": ["array", "null"]},
        },
        "additionalProperties": False,
    }
    return _body("dataframe_split", frame)


def _answer(model: Model | None) -> Schema:
    item: Schema = {"type": "object"} if model is None else prediction_schema(model)
    return {
        "description": "One prediction for each instance, in their order.",
        "content": {
            JSON_TYPE: {"schema": record(predictions=array(item))},
            CSV_TYPE: {"schema": _TEXT},
        },
    }
