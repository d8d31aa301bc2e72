"""What a model takes and gives, as JSON Schema.

A schema says what is refused. The ranges and categories of the training data are no such limits: a
value beyond them is predicted on, with a warning. They stand in members that begin with `x-`.
"""

from typing import Any

from service.http.examples import usual_value
from vitrine.model import Model
from vitrine.signature import (
    AnomalyOutput,
    CategoryInput,
    ColumnSpec,
    DateInput,
    LabelsOutput,
    NumberInput,
    PictureInput,
    ProbabilitiesOutput,
)
from vitrine.tables.cells import MAX_CATEGORY_CHARACTERS
from vitrine.tables.dates import date_of

Schema = dict[str, Any]

# From here on, a number is rounded to infinity in float32.
_BEYOND = 2.0**128 - 2.0**103
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBER: Schema = {"type": "number"}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}

# What a text must be to be a picture: no standard format of JSON Schema says it.
PICTURE_FORMAT = "picture"
_ENCODED: Schema = {
    "type": "string",
    "format": PICTURE_FORMAT,
    "description": "The base64 of a picture's file, or the file as a data URI.",
}
_LEVEL: Schema = {"type": "number", "minimum": 0, "maximum": 255}
_COLOUR: Schema = {"type": "array", "items": _LEVEL, "minItems": 3, "maxItems": 3}
_LEVELS: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "array", "minItems": 1, "items": {"anyOf": [_LEVEL, _COLOUR]}},
    "description": "Levels of grey or of red, green and blue: rows of equal length.",
}
_WRAPPED: Schema = {
    "type": "object",
    "required": ["b64"],
    "properties": {"b64": _ENCODED},
    "additionalProperties": False,
}


def instances_schema(model: Model | None, *, limit: int) -> Schema:
    """Describe a body of JSON that a model takes.

    Args:
        model: The model; None for any.
        limit: Number of instances that there may be.
    """
    return {
        "type": "object",
        "required": ["instances"],
        "properties": {
            "instances": {
                "type": "array",
                "maxItems": limit,
                "items": {} if model is None else instance_schema(model),
            }
        },
        "additionalProperties": False,
    }


def instance_schema(model: Model) -> Schema:
    """Describe an instance, as JSON has it."""
    picture = model.manifest.signature.picture
    return _row(model.manifest.signature.columns) if picture is None else _picture(picture)


def _picture(spec: PictureInput) -> Schema:
    height, width, channels = spec.shape
    return {
        "title": spec.name,
        "description": (
            f"A picture of any size. The model sees {height} x {width} pixels, "
            f"{'in grey' if channels == 1 else 'in colour'}."
        ),
        "anyOf": [_ENCODED, _WRAPPED, _LEVELS],
    }


def _row(columns: tuple[ColumnSpec, ...]) -> Schema:
    return {
        "type": "object",
        "required": [spec.name for spec in columns],
        "properties": {spec.name: column_schema(spec) for spec in columns},
        "additionalProperties": True,
    }


def column_schema(spec: ColumnSpec) -> Schema:
    """Describe a value of a column, as JSON has it."""
    usual = usual_value(spec)
    examples = {} if usual is None else {"examples": [usual]}
    match spec:
        case NumberInput():
            return _number(spec) | examples
        case DateInput():
            return _date(spec) | examples
        case CategoryInput():
            return _category(spec)


def _number(spec: NumberInput) -> Schema:
    # A column of nothing but 0 and 1 takes true and false as well.
    flags = [{"type": "boolean"}] if {spec.minimum, spec.maximum} <= {0.0, 1.0} else []
    number: Schema = {"type": "number", "exclusiveMinimum": -_BEYOND, "exclusiveMaximum": _BEYOND}
    in_unit = f"In {spec.unit}. " if spec.unit else ""
    return {
        "description": f"{in_unit}{_range(spec.minimum, spec.maximum)}{_blanks(spec)}",
        "anyOf": [number, {"type": "string", "format": "decimal"}, {"type": "null"}, *flags],
        **_training(spec.minimum, spec.median, spec.maximum),
        **({"x-unit": spec.unit} if spec.unit else {}),
    }


def _date(spec: DateInput) -> Schema:
    def written(days: float | None) -> str | None:
        return None if days is None else date_of(days).strftime(spec.format)

    lowest, highest = written(spec.minimum), written(spec.maximum)
    return {
        "description": (
            f"A date like {spec.format!r}, or in ISO 8601. {_range(lowest, highest)}{_blanks(spec)}"
        ),
        "type": ["string", "null"],
        "x-date-format": spec.format,
        **_training(lowest, written(spec.median), highest),
    }


def _category(spec: CategoryInput) -> Schema:
    return {
        "description": f"A category; `x-training-categories` lists the known ones.{_blanks(spec)}",
        "type": ["string", "number", "boolean", "null"],
        "maxLength": MAX_CATEGORY_CHARACTERS,
        "examples": list(spec.vocabulary[:1]) or [None],
        "x-training-categories": list(spec.vocabulary),
    }


def _range(lowest: object, highest: object) -> str:
    if lowest is None:
        return "Training had no value of it."
    return f"From {_written(lowest)} to {_written(highest)} in training."


def _written(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _blanks(spec: ColumnSpec) -> str:
    return " Training had blanks." if spec.blanks else " Training had no blanks."


def _training(lowest: object, median: object, highest: object) -> Schema:
    members = {
        "x-training-minimum": lowest,
        "x-training-median": median,
        "x-training-maximum": highest,
    }
    return {name: value for name, value in members.items() if value is not None}


def predictions_schema(model: Model | None) -> Schema:
    """Describe an answer in JSON.

    Args:
        model: The model; None for any.
    """
    record: Schema = {"type": "object"} if model is None else prediction_schema(model)
    properties: Schema = {
        "model": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "unit": {"type": ["string", "null"]},
        "coverage": {
            **_SHARE,
            "description": "Probability that sets and intervals hold the truth.",
        },
        "ignored_columns": _TEXTS,
        "predictions": {"type": "array", "items": record},
    }
    if model is not None:
        properties["model"]["const"] = model.name
    return {
        "type": "object",
        "required": ["model", "version", "predictions"],
        "properties": properties,
    }


_FAULTY: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
    "additionalProperties": False,
}
_INTERVAL: Schema = {
    "type": "object",
    "required": ["lower", "upper", "coverage"],
    "properties": {"lower": _NUMBER, "upper": _NUMBER, "coverage": _SHARE},
}


def prediction_schema(model: Model) -> Schema:
    """Describe the prediction for one instance, or what is wrong with the instance."""
    own = _outcome(model)
    prediction = {
        "type": "object",
        "required": [name for name in own if name not in _OPTIONAL],
        "properties": {
            **own,
            "credibility": _SHARE,
            "warnings": _TEXTS,
            "explanation": _explanation(model),
        },
        "additionalProperties": False,
    }
    return {"anyOf": [prediction, _FAULTY]}


_OPTIONAL = frozenset(("set", "interval", "reason"))


def _outcome(model: Model) -> Schema:
    output = model.manifest.signature.prediction
    match output:
        case ProbabilitiesOutput():
            labels = list(output.labels)
            return {
                "label": {"type": ["string", "null"], "enum": [*labels, None]},
                "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "probabilities": _probabilities(labels),
                "set": {"type": "array", "items": {"enum": labels}},
                "reason": {"type": "string"},
            }
        case LabelsOutput():
            labels = list(output.labels)
            return {
                "labels": {"type": "array", "items": {"enum": labels}},
                "probabilities": _probabilities(labels),
            }
        case AnomalyOutput():
            return {"anomaly_score": _NUMBER}
    unit = {"x-unit": output.unit} if output.unit else {}
    return {"value": {**_NUMBER, **unit}, "interval": _INTERVAL}


def _probabilities(labels: list[str]) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"enum": labels},
        "additionalProperties": _SHARE,
    }


def _explanation(model: Model) -> Schema:
    if model.manifest.signature.picture is None:
        contributions = {"type": "object", "additionalProperties": _NUMBER}
        return {"type": "object", "properties": {"contributions": contributions}}
    uri = {"type": "string", "description": "A PNG as a data URI."}
    return {"type": "object", "properties": {"image": uri, "steps": _TEXTS, "saliency": uri}}
