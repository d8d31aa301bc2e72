"""What the routes beside predictions answer, and take, as JSON Schema."""

from service.http.openapi.parts import Schema, array, mapping, nullable, record
from service.rollout.desired import LABEL_PATTERN
from service.version_policy import POLICY_PATTERN

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBER: Schema = {"type": "number"}
_OBJECT: Schema = {"type": "object"}
_VERSION: Schema = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
_TASK: Schema = {
    "enum": ["classification", "regression", "multi-label classification", "anomaly detection"]
}

SERVING: Schema = record(
    loaded={**_FLAG, "description": "Whether operators want the model served."},
    default={
        **nullable(_VERSION),
        "description": "Version that answers requests that name none.",
    },
    by_number={
        **array(_VERSION),
        "description": "Versions that answer only requests that name them.",
    },
    policy={**_TEXT, "description": "Policy by which versions are chosen."},
    labels={**mapping(_VERSION), "description": "Version by label."},
    canary_share={**_SHARE, "description": "Share of the requests that the canary answers."},
    shadow={
        **nullable(_VERSION),
        "description": "Version that is compared with the one that answers.",
    },
    refused={**mapping(_TEXT), "description": "Versions that cannot be served, with the reason."},
)
SERVED = record(name=_TEXT, versions=array(_VERSION), serving=SERVING)

_SUMMARY = {"name": _TEXT, "version": _VERSION, "versions": array(_VERSION), "task": _TASK}
MODELS = record(models=array(record(**_SUMMARY)))
MODEL = record(
    **_SUMMARY,
    serving=SERVING,
    target=_TEXT,
    inputs={**array(_OBJECT), "description": "A picture, or the columns of a table."},
    outputs={
        **array(_OBJECT),
        "description": "The prediction, and how far to trust it.",
    },
    dialect={
        **nullable(_OBJECT),
        "description": "Marks of the columns and numbers of the training file.",
    },
    ignored_columns={
        **mapping(_TEXT),
        "description": "Columns of the training file that the model does not use, with the reason.",
    },
    trust={**nullable(_OBJECT), "description": "How the model was calibrated."},
    scores={**_OBJECT, "description": "Its scores on data that it was not trained on."},
    parameters=_COUNT,
    multiply_adds=_COUNT,
    data=_TEXT,
    created=_TEXT,
)
_BIN = record(bin=_TEXT, expected=_SHARE, found=_SHARE)
DRIFT = record(
    model=_TEXT,
    version=_VERSION,
    features=array(
        record(
            feature=_TEXT,
            verdict=_TEXT,
            population_stability_index=_NUMBER,
            more_blanks=_NUMBER,
            instances=_COUNT,
            bins=array(_BIN),
        )
    ),
)

REPORT = record(
    model=_TEXT,
    version=_VERSION,
    files=array(record(path=_TEXT, media_type=_TEXT, size_bytes=_COUNT)),
)

_WELCOMED = record(
    name=_TEXT,
    version=_VERSION,
    task=_TASK,
    takes=_TEXT,
    predicts=_TEXT,
    describe=_TEXT,
    predict=_TEXT,
    example=_TEXT,
    file_example=_TEXT,
)
WELCOME = record(status=_TEXT, service=_TEXT, models=array(_WELCOMED), links=mapping(_TEXT))

LIVE = record(status=_TEXT)
READY: Schema = {
    "type": "object",
    "required": ["status", "models"],
    "properties": {
        "status": {"enum": ["ready", "draining", "no models", "models lost"]},
        "models": mapping(array(_VERSION)),
        "lost": mapping(_TEXT),
    },
    "additionalProperties": False,
}

_LABELS: Schema = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": f"^(?:{LABEL_PATTERN.pattern})$"},
    "additionalProperties": nullable(_VERSION),
    "description": "Versions of the labels that are to change; null takes a label away.",
}
PATCH: Schema = {
    "type": "object",
    "description": "A merge patch (RFC 7396): null resets a member.",
    "properties": {
        "policy": {
            "type": ["string", "null"],
            "pattern": f"^(?:{POLICY_PATTERN.pattern})$",
            "description": "Policy by which versions are chosen.",
        },
        "labels": _LABELS,
        "canary_share": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "description": "Share of the requests that the canary answers.",
        },
        "shadow": {
            **nullable(_VERSION),
            "description": "Version to compare with the one that answers.",
        },
    },
    "additionalProperties": False,
}
