"""A model -> a line of curl that asks it for a prediction, and works as it is."""

import shlex
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from vitrine.images import encode_png
from vitrine.model import Model
from vitrine.signature import CategoryInput, ColumnSpec, DateInput
from vitrine.tables.dates import date_of

# A row of more columns is no example that anybody reads.
_MAX_COLUMNS = 50


def predict_path(model: Model) -> str:
    """Return the path, without a slash before it, to which instances of a model are posted."""
    return f"models/{quote(model.name, safe='')}/predict"


def example(model: Model, root: str, *, needs_key: bool = False) -> str:
    """Return a line that sends a small instance within itself.

    Args:
        model: The model that is asked.
        root: Address of the service, with a slash at its end.
        needs_key: Whether the line sends the API key that a variable of the shell holds.
    """
    columns = model.manifest.signature.columns
    if len(columns) > _MAX_COLUMNS:
        return file_example(model, root, needs_key=needs_key)
    body = orjson.dumps({"instances": [example_row(columns)]}).decode() if columns else drawing()
    return _curl(f"-d {shlex.quote(body)}", model, root, needs_key=needs_key)


def file_example(model: Model, root: str, *, needs_key: bool = False) -> str:
    """Return a line that sends a file of the reader's own; the arguments are those of `example`."""
    file = "rows.csv" if model.manifest.signature.picture is None else "picture.png"
    return _curl(f"--data-binary @{file}", model, root, needs_key=needs_key)


def _curl(options: str, model: Model, root: str, *, needs_key: bool) -> str:
    key = '-H "Authorization: Bearer $VITRINE_KEY" ' if needs_key else ""
    return f"curl {key}{options} {root}{predict_path(model)}"


@cache
def drawing() -> str:
    """Draw a stroke, as a data URI."""
    pixels = np.zeros((28, 28, 1), np.uint8)
    pixels[4:24, 13:15] = 255
    return f"data:image/png;base64,{b64encode(encode_png(pixels)).decode()}"


def example_row(columns: Sequence[ColumnSpec]) -> dict[str, Any]:
    """Return a row with the usual value of every column."""
    return {spec.name: usual_value(spec) for spec in columns}


def usual_value(spec: ColumnSpec) -> Any:
    """Return the median of training, or the first category.

    Where there is neither, it is 1 for a number, which a network may need, and else None.
    """
    if isinstance(spec, CategoryInput):
        return next(iter(spec.vocabulary), None)
    if spec.median is None:
        return None if isinstance(spec, DateInput) else 1
    if isinstance(spec, DateInput):
        return date_of(spec.median).strftime(spec.format)
    # The shortest number that float32 rounds to the median.
    median = float(str(np.float32(spec.median)))
    return int(median) if median.is_integer() else median
