"""Requests that are small to write and costly to answer."""

import base64
import io
import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.servers.load import post
from tests.servers import ROOT

# Of a picture that is just below the largest number of pixels that is allowed.
SIDE = 7000
DIGITS, HOUSING = "/models/digits/predict", "/models/housing/predict"
_BOUNDARY = "boundary-of-the-attack"
_FLAT_OPTIONS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "WEBP": {"lossless": True, "method": 0},
        "TIFF": {"compression": "tiff_lzw"},
        "JPEG": {"quality": 30},
    }
)
_JSON, _CSV = "application/json", "text/csv"


@cache
def flat_picture(file_format: str, side: int = SIDE) -> bytes:
    """Write a picture of one colour, which a file holds in few bytes."""
    return _write(
        Image.new("RGB", (side, side), (200, 10, 10)),
        file_format,
        **_FLAT_OPTIONS.get(file_format, {}),
    )


@cache
def larger_picture() -> bytes:
    """Write the example's seven as large as a photograph on a web page."""
    with Image.open(ROOT / "examples/seven.png") as seven:
        return _write(seven.resize((640, 640)), "PNG")


@cache
def slow_png(side: int) -> bytes:
    """Write an interlaced picture of 16 bits a channel."""
    return _write(Image.new("I;16", (side, side), 30_000), "PNG")


@cache
def progressive_jpeg(side: int) -> bytes:
    """Write a picture that is sent in many passes over all of its pixels."""
    noise = Image.effect_noise((side // 8, side // 8), 60).resize((side, side))
    return _write(noise.convert("RGB"), "JPEG", progressive=True, quality=30)


@cache
def noise_png(side: int) -> bytes:
    """Write a picture of noise, which is full of ink."""
    return _write(Image.effect_noise((side, side), 90), "PNG")


def written(levels: NDArray[np.uint8]) -> bytes:
    """Write a grey picture as PNG."""
    return _write(Image.fromarray(levels), "PNG")


def _write(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def picture_request(file: bytes, path: str = DIGITS) -> bytes:
    """Write a request with one picture."""
    return post(path, "application/octet-stream", file)


def form_of(file: bytes, number: int, path: str = DIGITS) -> bytes:
    """Write a form that holds a picture many times."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    body = (head.encode() + file + b"\r\n") * number + f"--{_BOUNDARY}--\r\n".encode()
    return post(path, f"multipart/form-data; boundary={_BOUNDARY}", body)


def json_of(instances: object, path: str) -> bytes:
    """Write a body of instances as JSON."""
    return json_body(json.dumps({"instances": instances}, separators=(",", ":")).encode(), path)


def json_body(body: bytes, path: str) -> bytes:
    """Write a request with a body that is said to be JSON."""
    return post(path, _JSON, body)


def tiny_pictures(number: int = 10_000) -> bytes:
    """Write pictures of one pixel each."""
    return json_of([[[7]]] * number, DIGITS)


def drawn_pictures(number: int, path: str = DIGITS) -> bytes:
    """Write pictures as lists of pixels: a stroke off the centre, which must be fitted."""
    levels = [[255 if 9 < x < 13 and 2 < y < 22 else 0 for x in range(28)] for y in range(28)]
    return json_of([levels] * number, path)


def embedded_pictures(file: bytes, number: int) -> bytes:
    """Write picture files as texts of JSON."""
    text = "data:image/webp;base64," + base64.b64encode(file).decode()
    return json_of([text] * number, DIGITS)


def houses(number: int) -> bytes:
    """Write rows as JSON."""
    names, rows = _houses()
    row = {
        name: text if name == "ocean_proximity" else float(text)
        for name, text in zip(names, rows[0], strict=True)
    }
    return json_of([row] * number, HOUSING)


def csv_of(number: int, path: str = HOUSING) -> bytes:
    """Write rows as CSV."""
    return post(path, _CSV, table(number))


def table(number: int, *, quoted: bool = False) -> bytes:
    """Write rows as CSV, with a header.

    Args:
        number: Of rows.
        quoted: Whether cells stand in quotes with spaces, so that each must be read on its own.
    """
    names, rows = _houses()
    lines = [",".join(names)]
    lines += [_line(rows[index % len(rows)], quoted=quoted) for index in range(number)]
    return ("\n".join(lines) + "\n").encode()


def _line(cells: list[str], *, quoted: bool) -> str:
    return ",".join(cells) if not quoted else ",".join(f'" {cell} "' for cell in cells)


def odd_csv(number: int) -> bytes:
    """Write rows as CSV that must be read cell by cell."""
    return post(HOUSING, _CSV, table(number, quoted=True))


def _houses() -> tuple[list[str], list[list[str]]]:
    header, *rows = (ROOT / "examples/houses.csv").read_text().splitlines()
    return header.split(","), [row.split(",") for row in rows]


def csv_head() -> bytes:
    """Write the beginning of a request with a table that never ends."""
    names, rows = _houses()
    fields = f"Host: test\r\nContent-Type: {_CSV}\r\nContent-Length: 1000000000\r\n"
    text = f"POST {HOUSING} HTTP/1.1\r\n{fields}\r\n" + ",".join(names) + "\n"
    return (text + ",".join(rows[0]) + "\n").encode()


def head(path: str, *fields: str, method: str = "POST") -> bytes:
    """Write a head alone."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: test", *fields, "", ""]).encode()
