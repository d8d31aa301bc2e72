"""What schemathesis cannot know from the document: pictures with ink, and a model's own columns.

It draws the bytes that stand for a picture or a table; from these follow its contents here, so that
a case that fails can be repeated. Only requests that should be good are changed. What is changed in
their parameters is what OpenAPI has no words for: which of them go together.
"""

import csv
import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO, StringIO
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, HookContext

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
FORM = "multipart/form-data"
FIELDS = "application/x-www-form-urlencoded"
IMAGES = {f"image/{kind.lower()}": kind for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")}
BINARY = "application/octet-stream"
_FILES = (CSV, ARROW, PARQUET, BINARY, *IMAGES)
_LEAST_SECONDS = 5.0
_MOST_EXPLAINED = 64
_MOST_COVERAGE = 0.99
_LENGTH = "Inference-Header-Content-Length"
# Answers where a request names no model.
_DEFAULT_MODEL = "housing"
# A version, a label and a file that every model has, for this share of the requests.
_KNOWN = {"version": 1, "label": "stable", "file": "CARD.md"}
_KNOWN_SHARE = 0.7

_SEED_BYTES = 8
_seeds = st.binary(min_size=1, max_size=_SEED_BYTES)


def picture(seed: object, kind: str = "PNG") -> bytes:
    """Draw some strokes, as a file."""
    random = Random(repr(seed))
    height, width = random.randint(20, 60), random.randint(20, 60)
    pixels = np.zeros((height, width), np.uint8)
    for _ in range(random.randint(1, 3)):
        top, left = random.randint(2, height // 3), random.randint(2, width - 6)
        pixels[top : random.randint(top + 8, height - 2), left : left + 3] = 255
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def _encoded(seed: bytes) -> str:
    text = b64encode(picture(seed)).decode()
    return text if seed[0] % 2 else f"data:image/png;base64,{text}"


def _levels(seed: object) -> list[list[int]]:
    levels: list[list[int]] = np.array(Image.open(BytesIO(picture(seed)))).tolist()
    return levels


schemathesis.openapi.format("picture", _seeds.map(_encoded))
schemathesis.openapi.format("csv", _seeds.map(bytes.hex))
schemathesis.openapi.format("decimal", st.floats(-1e9, 1e9).map(str))
for _media_type in _FILES:
    schemathesis.openapi.media_type(_media_type, _seeds)


def rows(row: dict[str, Any], seed: object) -> list[dict[str, Any]]:
    """Make up some rows that fit a schema."""
    random = Random(repr(seed))
    return [
        {name: _value(column, random) for name, column in row["properties"].items()}
        for _ in range(random.randint(1, 5))
    ]


def _value(column: dict[str, Any], random: Random) -> Any:
    if random.random() < 0.1:
        return None
    if "x-training-categories" in column:
        return random.choice([*column["x-training-categories"], "something new"])
    lowest, highest = column["x-training-minimum"], column["x-training-maximum"]
    return round(random.uniform(lowest - 1, highest + 1), 3)


def as_csv(table: list[dict[str, Any]], *, delimiter: str = ",", decimal: str = ".") -> str:
    """Write rows with these marks."""
    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(table[0])
    for row in table:
        writer.writerow(
            "" if value is None else str(value).replace(".", decimal) for value in row.values()
        )
    return stream.getvalue()


def as_arrow(table: list[dict[str, Any]]) -> bytes:
    """Write rows as an Arrow IPC stream."""
    columns = pa.Table.from_pylist(table)
    stream = BytesIO()
    with pa.ipc.new_stream(stream, columns.schema) as writer:
        writer.write_table(columns)
    return stream.getvalue()


def as_parquet(table: list[dict[str, Any]]) -> bytes:
    """Write rows as a Parquet file."""
    stream = BytesIO()
    pq.write_table(pa.Table.from_pylist(table), stream)
    return stream.getvalue()


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Turn the examples of files, which stand in the document as texts, into bytes."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                if media_type in _FILES and "example" in body:
                    body["example"] = body["example"].encode()


@schemathesis.hook
def filter_headers(context: HookContext, headers: dict[str, Any]) -> bool:
    """Leave out an empty length: a header without a value is as good as none."""
    length = (headers or {}).get(_LENGTH, "0")
    return isinstance(length, str) and bool(length.strip())


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Make a request that should be good one that is."""
    _mend_timeout(case)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    _mend_path(case)
    if case.operation.tags == ["predictions"]:
        _mend_prediction(case, kwargs)
    elif case.operation.method == "patch":
        _mend_change(case)
    elif case.operation.path.endswith("/infer"):
        _mend_inference(case, kwargs)
    elif case.operation.path.startswith("/v1/") and case.media_type == JSON:
        _mend_serving(case)
    elif case.operation.path == "/invocations":
        _mend_invocations(case, kwargs)


def _mend_change(case: Case) -> None:
    """Write versions without a point, where JSON Schema takes 2.0 for a whole number as well."""
    labels = case.body.get("labels")
    if labels:
        case.body["labels"] = {name: _whole(version) for name, version in labels.items()}
    if "shadow" in case.body:
        case.body["shadow"] = _whole(case.body["shadow"])
    if case.body.get("canary_share"):
        # There is nothing to share where no version is a canary.
        case.body["labels"] = {**(case.body.get("labels") or {}), "canary": 1}


def _whole(version: float | None) -> int | None:
    return None if version is None else int(version)


def _mend_timeout(case: Case) -> None:
    """Leave the service some time; less than it takes is refused with 504, as it should be."""
    with suppress(KeyError, TypeError, ValueError):
        if 0 < float(case.headers["X-Request-Timeout"]) < _LEAST_SECONDS:
            case.headers["X-Request-Timeout"] = str(_LEAST_SECONDS)


def _mend_path(case: Case) -> None:
    parameters = case.path_parameters
    # TensorFlow Serving refuses an unknown label with 400, as if it were written wrongly.
    is_strict = case.operation.path.startswith("/v1/")
    if parameters and (is_strict or Random(repr(parameters)).random() < _KNOWN_SHARE):
        case.path_parameters |= {name: _KNOWN[name] for name in parameters.keys() & _KNOWN}


def _models(case: Case) -> dict[str, dict[str, Any]]:
    """Return what our own route of predictions takes for each model."""
    paths = case.operation.schema.raw_schema["paths"]
    return {
        path.split("/")[2]: methods["post"]
        for path, methods in paths.items()
        if path.startswith("/models/") and path.endswith("/predict") and "{" not in path
    }


def _mend_prediction(case: Case, kwargs: dict[str, Any]) -> None:
    """Send a body that the model reads, and parameters that go together."""
    models = _models(case)
    rows_of = {name: _row(operation) for name, operation in models.items()}
    name = case.operation.path.split("/")[2]
    if name == "{name}":
        name = _choose(case, rows_of)
        case.path_parameters["name"] = name
        known = {each["name"]: each["schema"] for each in models[name]["parameters"]}
        _drop(case, *case.query.keys() - known)
        if "coverage" in case.query:
            most = known["coverage"].get("maximum", 1.0)
            case.query["coverage"] = min(float(case.query["coverage"]), most)
    row = rows_of[name]
    if case.media_type == JSON and len(case.body["instances"]) > _MOST_EXPLAINED:
        _drop(case, "explain")
    if case.media_type not in {CSV, FORM} or row is None:
        _drop(case, "delimiter", "decimal", "thousands", "echo")
    if row is None:
        _mend_pictures(case, kwargs)
    else:
        _mend_marks(case)
        _mend_table(case, kwargs, row)


def _row(operation: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of a row; None for a model of pictures."""
    content = operation["requestBody"]["content"]
    items: dict[str, Any] = content[JSON]["schema"]["properties"]["instances"]["items"]
    return items if items.get("type") == "object" else None


def _choose(case: Case, rows_of: dict[str, dict[str, Any] | None]) -> str:
    """Return a model that reads such a body, where the path may name any."""
    of_tables = case.media_type in {CSV, ARROW, PARQUET, JSON}
    fitting = [name for name, row in rows_of.items() if (row is not None) is of_tables]
    return Random(repr(case.body)).choice(fitting)


def _drop(case: Case, *names: str) -> None:
    for name in names:
        case.query.pop(name, None)


def _mend_pictures(case: Case, kwargs: dict[str, Any]) -> None:
    if case.media_type in IMAGES:
        _send_file(case, kwargs, lambda: picture(case.body, IMAGES[str(case.media_type)]))
    elif case.media_type == JSON:
        instances = case.body["instances"]
        case.body = {
            "instances": [_levels(each) if isinstance(each, list) else each for each in instances]
        }
    elif "{name}" in case.operation.path:
        case.body = {"picture": _encoded(b"1")}


def _mend_marks(case: Case) -> None:
    """Write numbers without groups, and no two marks with one character."""
    _drop(case, "thousands")
    if case.query.get("decimal") == "," and case.query.get("delimiter", ",") == ",":
        _drop(case, "decimal", "delimiter")
    if case.media_type != JSON:
        _drop(case, "explain")


def _mend_table(case: Case, kwargs: dict[str, Any], row: dict[str, Any]) -> None:
    marks = {name: case.query[name] for name in ("delimiter", "decimal") if name in case.query}
    table = rows(row, case.body)
    match case.media_type:
        case "text/csv":
            _send_file(case, kwargs, lambda: as_csv(table, **marks).encode())
        case "multipart/form-data":
            case.body = {"rows": as_csv(table, **marks)}
        case "application/vnd.apache.arrow.stream":
            _send_file(case, kwargs, lambda: as_arrow(table))
        case "application/vnd.apache.parquet":
            _send_file(case, kwargs, lambda: as_parquet(table))
        case "application/json" if "{name}" in case.operation.path:
            case.body = {"instances": table}


def _send_file(case: Case, kwargs: dict[str, Any], make: Callable[[], bytes]) -> None:
    """Send a file in the place of the bytes that stand for it; an example is sent as it is."""
    if len(case.body) <= _SEED_BYTES:
        kwargs["data"] = make()


def _mend_inference(case: Case, kwargs: dict[str, Any]) -> None:
    """Send tensors whose elements are as many as their shapes say."""
    models = _models(case)
    name = case.operation.path.split("/")[3]
    if name == "{name}":
        name = Random(repr(case.body)).choice(sorted(models))
        case.path_parameters["name"] = name
    row = _row(models[name])
    case.headers.pop(_LENGTH, None)
    if case.media_type == JSON:
        tensors = _picture_tensors(case.body) if row is None else _tensors(rows(row, case.body))
        case.body = {**case.body, "inputs": tensors}
        _mend_parameters(case)
    elif row is None:
        case.headers[_LENGTH] = "0"
        kwargs["data"] = picture(case.body)
    else:
        header, data = _with_bytes(_tensors(rows(row, case.body)))
        case.headers[_LENGTH] = str(len(header))
        kwargs["data"] = header + data


def _mend_parameters(case: Case) -> None:
    """Ask for no coverage beyond that of the calibration, and leave the service some time."""
    parameters = case.body.get("parameters") or {}
    if parameters.get("coverage"):
        parameters["coverage"] = min(parameters["coverage"], _MOST_COVERAGE)
    if parameters.get("timeout"):
        parameters["timeout"] += int(_LEAST_SECONDS * 1e6)
    if "{name}" in case.operation.path:
        case.body.pop("outputs", None)
    elif case.body.get("outputs"):  # each once
        case.body["outputs"] = list({each["name"]: each for each in case.body["outputs"]}.values())


def _picture_tensors(seed: object) -> list[dict[str, Any]]:
    data = [b64encode(picture(seed)).decode()]
    return [{"name": "image", "datatype": "BYTES", "shape": [1], "data": data}]


def _tensors(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write rows as a tensor for each column."""
    return [
        {
            "name": name,
            "datatype": "BYTES" if any(isinstance(row[name], str) for row in table) else "FP64",
            "shape": [len(table), 1],
            "data": [row[name] for row in table],
        }
        for name in table[0]
    ]


def _with_bytes(tensors: list[dict[str, Any]]) -> tuple[bytes, bytes]:
    """Return the JSON of tensors, and the bytes of those of numbers."""
    data = b""
    for tensor in tensors:
        if tensor["datatype"] == "FP64":
            part = np.array(tensor.pop("data"), "<f8").tobytes()
            tensor["parameters"] = {"binary_data_size": len(part)}
            data += part
    return json.dumps({"inputs": tensors}).encode(), data


def _mend_serving(case: Case) -> None:
    """Send pictures whose rows have one length; to any model, the example of one that is fit."""
    path = case.operation.path
    if "{name}" not in path:
        case.body = _with_levels(case.body)
        return
    paths = case.operation.schema.raw_schema["paths"]
    verb = path.rpartition(":")[2]
    fitting = [name for name in _models(case) if f"/v1/models/{name}:{verb}" in paths]
    name = Random(repr(case.body)).choice(fitting)
    case.path_parameters["name"] = name
    content = paths[f"/v1/models/{name}:{verb}"]["post"]["requestBody"]["content"]
    case.body = content[JSON]["example"]


def _with_levels(body: dict[str, Any]) -> dict[str, Any]:
    """Replace the levels of all pictures in a body."""

    def mend(instance: Any) -> Any:
        if isinstance(instance, list):
            return _levels(instance)
        if isinstance(instance, dict):
            return {name: mend(value) for name, value in instance.items()}
        return instance

    lists = {name: body[name] for name in ("instances", "inputs", "examples") if name in body}
    return body | {name: [*map(mend, instances)] for name, instances in lists.items()}


def _mend_invocations(case: Case, kwargs: dict[str, Any]) -> None:
    row = _row(_models(case)[_DEFAULT_MODEL])
    if case.media_type == CSV and row is not None:
        table = rows(row, case.body)
        _send_file(case, kwargs, lambda: as_csv(table).encode())
