"""What our own routes of predictions take and give."""

from collections.abc import Mapping
from typing import Any

from service.http.content import ARROW_TYPE, CSV_TYPE, FORM_TYPE, PARQUET_TYPE
from service.http.deadlines import TIMEOUT_HEADER
from service.http.examples import drawing, example_row
from service.http.openapi.parts import JSON, Schema, header, query
from service.http.openapi.schemas import PICTURE_FORMAT, instances_schema, predictions_schema
from service.settings import Settings
from vitrine.model import Model
from vitrine.signature import LabelsOutput, ProbabilitiesOutput
from vitrine.tables.writer import write_csv

_FIELDS = "application/x-www-form-urlencoded"
_COLUMNS = (ARROW_TYPE, PARQUET_TYPE)
_IMAGES = tuple(f"image/{kind}" for kind in ("png", "jpeg", "webp", "gif", "bmp", "tiff"))
_MAX_TOP = 10**6
_ENCODED: Schema = {"type": "string", "format": PICTURE_FORMAT}
_FOR_CSV = "For CSV bodies only"
_FLAG: Schema = {"type": "boolean", "default": False}


def describe_predictions(model: Model | None, settings: Settings) -> Mapping[str, Any]:
    """Describe a route of predictions.

    Args:
        model: The model that it names; None where it may be any.
        settings: Limits on bodies.
    """
    return {
        "parameters": [*_options(model, settings), _timeout(settings)],
        "requestBody": {"required": True, "content": _bodies(model, settings)},
        "responses": {"200": _answer(model)},
    }


def _timeout(settings: Settings) -> Schema:
    return header(
        TIMEOUT_HEADER,
        "Seconds after which nobody waits for the answer any more: it is refused with 504 then.",
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": settings.request_timeout_seconds,
        },
    )


def _options(model: Model | None, settings: Settings) -> list[Schema]:
    """Describe the parameters of the query that a model understands."""
    is_table = model is None or model.manifest.signature.picture is None
    return [
        *_label_options(model),
        *_trust_options(model),
        query(
            "explain",
            f"Say what decided, of up to {settings.max_explained} instances; only in JSON.",
            _FLAG,
        ),
        query(
            "errors",
            "`report` answers a faulty instance with its error, in its place.",
            {"enum": ["fail", "report"], "default": "fail"},
        ),
        *(_CSV_OPTIONS if is_table else []),
    ]


def _label_options(model: Model | None) -> list[Schema]:
    if model is not None and not isinstance(
        model.manifest.signature.prediction, ProbabilitiesOutput | LabelsOutput
    ):
        return []
    number = {"type": "integer", "minimum": 1, "maximum": _MAX_TOP}
    return [
        query(
            "top",
            "How many of the most probable labels `probabilities` lists.",
            {"anyOf": [number, {"const": "all"}], "default": 3},
        )
    ]


def _trust_options(model: Model | None) -> list[Schema]:
    largest = 1.0 if model is None else model.largest_coverage
    most = {"maximum": largest} if largest is not None and largest < 1 else {"exclusiveMaximum": 1}
    options = []
    if largest is not None:
        options.append(
            query(
                "coverage",
                "Probability with which sets and intervals hold the truth.",
                {"type": "number", "exclusiveMinimum": 0, **most},
            )
        )
    if model is None or model.can_abstain:
        options.append(
            query(
                "abstain_below",
                "Credibility below which an answer has no class label, but a `reason`.",
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            )
        )
    return options


_CSV_OPTIONS = [
    query(
        "echo",
        "For bodies and answers in CSV, Arrow or Parquet only: repeat the columns of the body "
        "before the predictions.",
        _FLAG,
    ),
    query("delimiter", f"{_FOR_CSV}: the mark between columns.", {"enum": [",", ";", "|", "\t"]}),
    query("decimal", f"{_FOR_CSV}: the decimal mark.", {"enum": [".", ","]}),
    query(
        "thousands",
        f"{_FOR_CSV}: the mark between groups of three digits.",
        {"enum": ["", ".", ",", "'", " "]},
    ),
]


def _bodies(model: Model | None, settings: Settings) -> Schema:
    """Describe the bodies that a model reads, by their media types."""
    if model is None:
        bodies = {**_json(None, settings), **_picture_bodies(settings), **_table_bodies()}
        return {media_type: _without_example(body) for media_type, body in bodies.items()}
    if model.manifest.signature.picture is not None:
        return {**_json(model, settings), **_picture_bodies(settings)}
    return {**_json(model, settings), **_table_bodies(model)}


def _without_example(body: Schema) -> Schema:
    return {name: value for name, value in body.items() if name != "example"}


def _json(model: Model | None, settings: Settings) -> Schema:
    schema = instances_schema(model, limit=settings.max_instances)
    if model is None:
        return {JSON: {"schema": schema}}
    columns = model.manifest.signature.columns
    instance = example_row(columns) if columns else drawing()
    return {JSON: {"schema": schema, "example": {"instances": [instance]}}}


def _picture_bodies(settings: Settings) -> Schema:
    """Describe a picture as it is, and pictures in the fields of a form."""
    fields: Schema = {
        "schema": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": settings.max_files,
            "additionalProperties": _ENCODED,
        },
        "example": {"picture": drawing()},
    }
    files: Schema = {kind: {} for kind in _IMAGES}
    # A picture may come as text, too, which an example can hold.
    return {**files, "image/png": {"example": drawing()}, FORM_TYPE: fields, _FIELDS: fields}


def _table_bodies(model: Model | None = None) -> Schema:
    """Describe rows as CSV, and a file of them in a form."""
    in_columns: Schema = {media_type: {} for media_type in _COLUMNS}
    if model is None:
        return {CSV_TYPE: {"schema": {"type": "string"}}, **in_columns, FORM_TYPE: {}}
    text = example_csv(model)
    columns = [spec.name for spec in model.manifest.signature.columns]
    rows = {
        "type": "string",
        "format": "csv",
        "description": f"Rows with a header, which names {', '.join(columns)} in any order.",
    }
    form = {"type": "object", "required": ["rows"], "properties": {"rows": rows}}
    return {
        CSV_TYPE: {"schema": rows, "example": text},
        **in_columns,
        FORM_TYPE: {"schema": form, "example": {"rows": text}},
    }


def example_csv(model: Model) -> str:
    """Return a header and a row that a model of tables answers."""
    row = example_row(model.manifest.signature.columns)
    cells = {name: ["" if value is None else str(value)] for name, value in row.items()}
    return write_csv(cells, header=True).decode()


def _answer(model: Model | None) -> Schema:
    text: Schema = {"type": "string"}
    name = text if model is None else {"const": model.name}
    return {
        "description": "One prediction for each instance, in their order.",
        "headers": {
            "X-Model-Name": {"required": True, "schema": name},
            "X-Model-Version": {"required": True, "schema": {"type": "integer", "minimum": 1}},
        },
        "content": {
            JSON: {"schema": predictions_schema(model)},
            CSV_TYPE: {"schema": text},
            **{media_type: {} for media_type in _COLUMNS},
        },
    }
