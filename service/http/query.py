"""The query parameters of a prediction."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from vitrine.errors import InvalidParameter, nearest
from vitrine.options import Options

_MAX_TOP = 10**6
# Python's own reading of numbers takes underlines, signs and "nan" as well.
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)(e-?\d{1,3})?", re.ASCII | re.IGNORECASE)


# Clients send the same few queries again and again.
@lru_cache(maxsize=256)
def read_options(query: str, *, csv_body: bool, table_body: bool, table_answer: bool) -> Options:
    """Read the options from a query.

    Args:
        query: The query, without its question mark.
        csv_body: Whether the body is CSV, which some options are about.
        table_body: Whether the body is a table, be it CSV or not.
        table_answer: Whether the answer has columns.

    Raises:
        InvalidParameter: A name is unknown or comes twice, or has a value out of its range or no
            effect on this request.
    """
    options: dict[str, Any] = {}
    given: set[str] = set()
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        if name not in _READERS:
            hint = nearest(name, _READERS)
            rule = "is not known" + (f" ({hint.strip()})" if hint else "")
            raise InvalidParameter(name, value, rule)
        if name in given:
            raise InvalidParameter(name, value, "may be given once")
        if name in {"delimiter", "decimal", "thousands"} and not csv_body:
            raise InvalidParameter(name, value, "is for CSV bodies only")
        if name == "echo" and not (table_body and table_answer):
            rule = "is for bodies and answers in CSV, Arrow or Parquet only"
            raise InvalidParameter(name, value, rule)
        if name == "explain" and table_answer:
            raise InvalidParameter(name, value, "is for JSON answers only")
        given.add(name)
        options |= _READERS[name](name, value)
    return Options(**options)


def _read_top(name: str, text: str) -> dict[str, Any]:
    if text == "all":
        return {"top": None}
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= _MAX_TOP):
        raise InvalidParameter(name, text, "must be 'all' or a whole number from 1 on")
    return {"top": int(text[:10])}


def _read_share(name: str, text: str) -> dict[str, Any]:
    share = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not 0 < share < 1:
        raise InvalidParameter(name, text, "must be a number between 0 and 1, both left out")
    return {name: share}


def _choice(field: str, choices: Mapping[str, bool]) -> Callable[[str, str], dict[str, Any]]:
    def read(name: str, text: str) -> dict[str, Any]:
        if text not in choices:
            raise InvalidParameter(name, text, f"must be {' or '.join(map(repr, choices))}")
        return {field: choices[text]}

    return read


def _read_text(name: str, text: str) -> dict[str, Any]:
    return {name: text}


_READERS: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "top": _read_top,
    "errors": _choice("report", {"fail": False, "report": True}),
    "echo": _choice("echo", {"false": False, "true": True}),
    "coverage": _read_share,
    "abstain_below": _read_share,
    "explain": _choice("explain", {"false": False, "true": True}),
    "delimiter": _read_text,
    "decimal": _read_text,
    "thousands": _read_text,
}
