"""What is fed, and what may come of it: an answer, or an error that is meant for the caller."""

import asyncio
import gzip
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from flask.testing import FlaskClient
from PIL import Image
from prometheus_client import CollectorRegistry
from pyarrow import ipc

from service.http.app import create_app
from service.http.query import read_options
from service.rollout.model_patch import read_patch
from service.server.connection import Connection
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.arrow_tables import parquet_file
from tests.bundles import table_manifest, write_table_bundle
from tests.fakes import FakeControlPlane, fake_repository, picture
from tests.service.server.test_connection import Host, Wire
from tests.tensors import HEADER, binary, message, size_and_colour, with_lengths
from vitrine import bundle
from vitrine.block_stream import open_arrow, open_csv, open_parquet
from vitrine.bundle import InvalidBundle
from vitrine.errors import VitrineError
from vitrine.geometry import GEOMETRIES
from vitrine.images import declared_size, decode
from vitrine.options import Options
from vitrine.tables.limits import ArrowLimits

_MAX_PIXELS = 2**16
_BOUNDARY = "b"
_PATIENCE_SECONDS = 1000.0  # more than any client is given
_SETTINGS = Settings(max_body_bytes=2**20, max_files=5, max_instances=50, max_pixels=_MAX_PIXELS)


@dataclass(frozen=True, slots=True)
class Target:
    """A decoder.

    Attributes:
        feed: Feeds it; whatever this raises is a find.
        seeds: Makes inputs to begin with.
    """

    feed: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


# Pictures.


def _feed_picture(data: bytes) -> None:
    with suppress(VitrineError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        declared_size(data)
        decode(data, max_pixels=_MAX_PIXELS)


def _picture_seeds(file_format: str) -> Iterable[bytes]:
    for mode in ("L", "RGB", "RGBA", "P", "1", "I;16", "CMYK", "LA"):
        for options in _SAVE_OPTIONS.get(file_format, ({},)):
            file = io.BytesIO()
            with suppress(OSError, ValueError):
                _gradient(mode).save(file, file_format, **options)
                yield file.getvalue()


def _gradient(mode: str) -> Image.Image:
    grey = Image.fromarray(np.arange(0, 240, dtype=np.uint8).reshape(12, 20))
    return grey.convert("RGB").convert(mode) if mode not in {"I;16", "L"} else grey.convert(mode)


_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0"
_SAVE_OPTIONS: Mapping[str, tuple[dict[str, Any], ...]] = MappingProxyType(
    {
        "JPEG": ({}, {"progressive": True}, {"quality": 10, "exif": _EXIF}),
        "PNG": ({}, {"optimize": True}, {"compress_level": 0}),
        "TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "packbits"},
                 {"compression": "tiff_adobe_deflate"}, {"compression": "group4"}),
        "WEBP": ({}, {"lossless": True}, {"save_all": True}),
        "GIF": ({}, {"interlace": 1}, {"save_all": True}),
    }
)  # fmt: skip


def _feed_geometry(data: bytes) -> None:
    """Fit a picture of these levels: two bytes say how wide it is and how many channels it has."""
    if len(data) < 3:
        return
    name = sorted(GEOMETRIES)[data[0] % len(GEOMETRIES)]
    channels = 3 if data[0] & 128 else 1
    width = data[1] % 96 + 1
    levels = np.frombuffer(data[2:], np.uint8)
    height = len(levels) // (width * channels)
    if not height:
        return
    pixels = levels[: height * width * channels].reshape(height, width, channels)
    with suppress(VitrineError):
        GEOMETRIES[name].fit(pixels, (28, 28, 1))


def _geometry_seeds() -> Iterable[bytes]:
    with Image.open(io.BytesIO(picture())) as image:
        levels = np.asarray(image.convert("L"))
    for first in (0, 1, 2):
        yield bytes([first, levels.shape[1] - 1]) + levels.tobytes()
        yield bytes([first | 128, levels.shape[1] - 1]) + np.repeat(levels, 3).tobytes()


# Tables.


def _feed_csv(data: bytes) -> None:
    with suppress(VitrineError):
        options = Options(echo=True, report=True) if data[:1] == b"e" else Options()
        stream = open_csv(
            table_manifest(), io.BytesIO(data), options, max_row_bytes=4096, max_rows=1000
        )
        for block in stream.blocks:
            del block


def _csv_seeds() -> Iterable[bytes]:
    yield b"size,colour\n1,red\n2.5,blue\n,\n"
    yield b'size;colour\r\n1.234,5;red\r\n1,5;"blue"\r\n'
    yield b"\xef\xbb\xbfsep=;\nsize;colour\n1;red\n"
    yield b'# a comment\n"size"\t"colour"\t"more"\n"1e3"\t"re""d"\t"\n"\n'
    yield "size,colour\n1'000,röt\n5 %,2024-01-01\n".encode()
    yield "size,colour\n1,red\n".encode("utf-16")


def _feed_table(data: bytes, *, is_stream: bool) -> None:
    """Read a table with types, its texts and its cells too where the last byte is odd."""
    echo = bool(data) and data[-1] % 2 == 1
    options = Options(echo=echo, report=True)
    with suppress(VitrineError):
        stream = (
            open_arrow(table_manifest(), io.BytesIO(data), options, _LIMITS)
            if is_stream
            else open_parquet(table_manifest(), data, options, _LIMITS)
        )
        for block in stream.blocks:
            for cells in block.echo.values():
                list(cells)


def _typed_tables() -> Iterable[pa.Table]:
    sizes = (
        pa.array([1, None], pa.int16()),
        pa.array(["1.5", "x"]).dictionary_encode(),
        pa.array([1.5, None], pa.float16()),
        pa.array([Decimal("1.5"), None], pa.decimal128(5, 2)),
    )
    colours = (
        pa.array(["red", None]),
        pa.array(["red", "a text that is no short one"], pa.string_view()),
        pa.array([b"red", b"\xff"]),
        pa.array([0, None], pa.timestamp("ms", "UTC")),
    )
    for size, colour in zip(sizes, colours, strict=True):
        yield pa.table({"size": size, "colour": colour})
        yield pa.table(
            {"more": [[1], None], "size": size, "colour": colour, "other": [{"a": 1}, None]}
        )


def _arrow_seeds() -> Iterable[bytes]:
    for table in _typed_tables():
        for compression in (None, "lz4", "zstd"):
            sink = io.BytesIO()
            options = ipc.IpcWriteOptions(compression=compression)
            with ipc.new_stream(sink, table.schema, options=options) as stream:
                stream.write_table(table)
                stream.write_table(table)
            yield sink.getvalue()


def _parquet_seeds() -> Iterable[bytes]:
    for table in _typed_tables():
        for options in _PARQUET_OPTIONS:
            yield parquet_file(table, **options)


_LIMITS = ArrowLimits(max_rows=1000, max_row_bytes=4096, max_batch_bytes=2**16, max_bytes=2**20)
_PARQUET_OPTIONS: tuple[dict[str, Any], ...] = (
    {"compression": "none"},
    {"compression": "none", "use_dictionary": False},
    {"compression": "zstd", "data_page_version": "2.0", "row_group_size": 1},
)


# Bodies of requests, through the routes.


@cache
def _client() -> FlaskClient:
    logging.disable(logging.CRITICAL)
    repository = fake_repository()
    app = create_app(
        _SETTINGS, repository, Metrics(CollectorRegistry()), FakeControlPlane(repository)
    )
    return app.test_client()


def _feed_body(data: bytes, *, path: str, media_type: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        response = _client().post(path, data=data, content_type=media_type)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise AssertionError(response.get_data(as_text=True))


def _row_seeds() -> Iterable[bytes]:
    yield b'{"instances": [{"size": 1, "colour": "red"}]}'
    yield b'{"instances": [{"size": null, "colour": null, "more": [1]}, {"size": 1e300}]}'
    yield b'{"instances": [[1, "red"], "x", 1, true, {"size": "1,5"}]}'
    yield b'{"instances": [], "more": {}}'


def _pixel_seeds() -> Iterable[bytes]:
    levels = [[0] * 5 + [255] * 3 + [0] * 6] * 12
    yield json.dumps({"instances": [levels]}).encode()
    yield json.dumps({"instances": [[[[1, 2, 3]]], [[0.5]], [[]], [], 7]}).encode()
    yield b'{"instances": [{"b64": "iVBORw0KGgo="}, "data:image/png;base64,iVBO"]}'


def _form_seeds() -> Iterable[bytes]:
    head = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    part = f"--{_BOUNDARY}\r\n{head}".encode()
    end = f"\r\n--{_BOUNDARY}--\r\n".encode()
    yield part + picture() + end
    yield part + picture() + b"\r\n" + part + b"x" + end
    yield f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"\r\n\r\n'.encode() + end


def _field_seeds() -> Iterable[bytes]:
    yield b"image=data%3Aimage%2Fpng%3Bbase64%2CiVBORw0KGgo%3D&more=1"
    yield b"image=iVBORw0KGgo=;a=b&&=&%zz=%"


def _feed_tensors(data: bytes) -> None:
    """Send tensors: two bytes say how long their JSON is, and how the body is compressed."""
    length, body = int.from_bytes(data[:2], "little"), data[2:]
    coding = ("", "", "gzip", "deflate")[length >> 14]
    headers = {HEADER: str(length & 0x3FFF)} if length & 0x3FFF != 0x3FFF else {}
    if coding:
        headers["Content-Encoding"] = coding
    model = "strokes" if b"image" in body or headers.get(HEADER) == "0" else "rooms"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        response = _client().post(f"/v2/models/{model}/infer", data=body, headers=headers)
    # A client that gives the service no time gets no answer in it.
    is_late = response.status_code == HTTPStatus.GATEWAY_TIMEOUT
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_late:
        raise AssertionError(response.get_data(as_text=True))


def _tensor_seeds() -> Iterable[bytes]:
    rows = size_and_colour([1, None], ["red", ""])
    wanted = [{"name": "prediction", "parameters": {"binary_data": True, "classification": 1}}]
    file = binary("image", "BYTES", [1], with_lengths(picture()))
    levels = binary("image", "UINT8", [1, 2, 3, 1], bytes(6))
    for inputs, members in (
        (rows, {"outputs": wanted, "id": "a"}),
        ([binary("size", "FP64", [1], bytes(8)), rows[1]], {"parameters": {"coverage": 0.5}}),
        ([file], {"parameters": {"binary_data_output": True, "timeout": 1_000_000}}),
        ([levels], {"outputs": [{"name": "probabilities"}]}),
    ):
        body, length = message(*inputs, **members)
        yield length.to_bytes(2, "little") + body
    yield b"\xff\x3f" + message(*rows)[0]
    yield b"\0\0" + picture()
    yield b"\xff\xbf" + gzip.compress(message(*rows)[0])


# Heads and bodies of HTTP, through the connection.


class _Wire(Wire):
    """Keeps what is sent; once it is closed, nothing more is received."""

    is_closed = False

    def close(self) -> None:
        """Take note."""
        self.is_closed = True

    def abort(self) -> None:
        """Take note."""
        self.is_closed = True


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _feed_http(data: bytes) -> None:
    """Send bytes in pieces, as long as the first byte says, then leave."""
    connection, wire = Connection(Host(), _loop(), "203.0.113.7"), _Wire()
    connection.connection_made(wire)
    step = data[0] + 1 if data else 1
    for start in range(1, len(data), step):
        if not wire.is_closed:
            connection.data_received(data[start : start + step])
    if len(data) % 2 and not wire.is_closed:
        connection.eof_received()
    connection.check(_loop().time() + _PATIENCE_SECONDS)
    connection.connection_lost(None)
    _loop().run_until_complete(asyncio.sleep(0))


def _http_seeds() -> Iterable[bytes]:
    yield b"\x05GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"\x40POST /models/a/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    yield (
        b"\x03POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
        b"\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.0\r\n\r\n"
    )
    yield b"\x01GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nHost: a\r\n\r\n"
    yield b"\x09HEAD * HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\nA_B: c\r\n\r\n"


# Files of bundles.


@cache
def _bundle() -> Path:
    return write_table_bundle(Path(tempfile.mkdtemp(prefix="fuzzing-")))


def _feed_manifest(data: bytes) -> None:
    (_bundle() / bundle.MANIFEST_NAME).write_bytes(data)
    with suppress(InvalidBundle):
        bundle.read_manifest(_bundle())


def _feed_golden(data: bytes) -> None:
    (_bundle() / bundle.GOLDEN_NAME).write_bytes(data)
    with suppress(InvalidBundle), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bundle.read_golden(_bundle())


def _file_seeds(name: str) -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        yield (write_table_bundle(Path(folder)) / name).read_bytes()
        yield (write_table_bundle(Path(folder), "sure", calibrated=True) / name).read_bytes()


# Words of clients.


def _feed_query(data: bytes) -> None:
    with suppress(VitrineError):
        read_options(
            data.decode("latin-1"),
            csv_body=bool(len(data) % 2),
            table_body=bool(len(data) % 2),
            table_answer=len(data) % 3 > 0,
        )


def _query_seeds() -> Iterable[bytes]:
    yield b"coverage=0.9&top=3&abstain_below=0.5&explain=true"
    yield b"errors=report&echo=true&delimiter=%3B&decimal=,&thousands=%27&"


def _feed_patch(data: bytes) -> None:
    with suppress(VitrineError):
        read_patch(data)


def _patch_seeds() -> Iterable[bytes]:
    yield b'{"versions": "latest:2", "labels": {"stable": 1, "canary": null}, "loaded": true}'
    yield b'{"canary": {"version": 2, "share": 0.1}, "shadow": 3, "policy": null}'


def _posted(path: str, media_type: str) -> Callable[[bytes], None]:
    return partial(_feed_body, path=path, media_type=media_type)


_ROOMS, _STROKES = "/models/rooms/predict", "/models/strokes/predict"
TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        **{
            file_format.lower(): Target(_feed_picture, partial(_picture_seeds, file_format))
            for file_format in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
        },
        "geometry": Target(_feed_geometry, _geometry_seeds),
        "csv": Target(_feed_csv, _csv_seeds),
        "arrow": Target(partial(_feed_table, is_stream=True), _arrow_seeds),
        "parquet": Target(partial(_feed_table, is_stream=False), _parquet_seeds),
        "rows": Target(_posted(_ROOMS, "application/json"), _row_seeds),
        "pixels": Target(_posted(_STROKES, "application/json"), _pixel_seeds),
        "form": Target(
            _posted(_STROKES, f"multipart/form-data; boundary={_BOUNDARY}"), _form_seeds
        ),
        "fields": Target(_posted(_STROKES, "application/x-www-form-urlencoded"), _field_seeds),
        "tensors": Target(_feed_tensors, _tensor_seeds),
        "http": Target(_feed_http, _http_seeds),
        "manifest": Target(_feed_manifest, partial(_file_seeds, bundle.MANIFEST_NAME)),
        "golden": Target(_feed_golden, partial(_file_seeds, bundle.GOLDEN_NAME)),
        "query": Target(_feed_query, _query_seeds),
        "patch": Target(_feed_patch, _patch_seeds),
    }
)
