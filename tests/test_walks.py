"""The walks of ARCHITECTURE.md: real requests, followed function by function."""

import asyncio
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest
from flask import Flask
from prometheus_client import CollectorRegistry

from service.http.fast_path import FAST_PATH, Costly, FastPath, SmallRequest
from service.http.reply import Reply
from service.http.transfer import RequestBody
from service.rollout.repository import Repository
from service.server.connection import Connection, Limits, Refusal
from service.server.crowd import Crowd
from service.server.gateway import Gateway
from service.server.outgoing import Outgoing
from service.server.request import Request
from service.server.streams import Streams
from tests.fakes import client_of
from tests.servers import ROOT
from tests.spaces import space
from vitrine.block_stream import BlockStream
from vitrine.errors import VitrineError
from vitrine.geometry.fitted import Fitted
from vitrine.images import encode_png
from vitrine.levels import Picture
from vitrine.loading import load_version
from vitrine.predictions import Confidence, PredictedBlock, Predictions
from vitrine.tables.blocks import Block

Function = tuple[str, str]  # file, qualified name

PAGE = (ROOT / "ARCHITECTURE.md").read_text()
OURS = ("service", "vitrine")
# Metrics, logs and drift only look on, and bytes that wait are not changed.
ONLOOKERS = ("service/telemetry/", "vitrine/drift.py", "service/server/buffers.py")
CARRIERS = (
    *(RequestBody, np.ndarray, BlockStream, Block, Picture, Fitted),
    *(Predictions, PredictedBlock, Confidence),
)
PARTS = (bytes, *CARRIERS)


def walk(heading: str) -> list[Function]:
    """Read the functions that a walk of the page lists, in order."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    return re.findall(r"^\d+\. `([\w/]+\.py)` `([\w.<>]+)`", section, re.MULTILINE)


class Follower:
    """Writes down which functions of ours are entered, and which of them receive the data.

    Args:
        body: The request's body.

    Attributes:
        entered: Every function, in the order in which it was entered first.
        receivers: Those with an argument that is the body, the instances or the predictions, or
            a part of these.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.entered: list[Function] = []
        self.receivers: set[Function] = set()

    @contextmanager
    def follow(self) -> Iterator[None]:
        """Follow what is called inside this `with`."""
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        file = _file(frame.f_code)
        if event != "call" or file is None or _looks_on(frame):
            return
        function = file, frame.f_code.co_qualname
        if function not in self.entered:
            self.entered.append(function)
        if any(self._carries(value) for value in _arguments(frame)):
            self.receivers.add(function)

    def _carries(self, value: object) -> bool:
        if isinstance(value, bytes):
            return len(value) > 8 and value in self._body
        if isinstance(value, dict):
            return any(isinstance(each, np.ndarray) for each in value.values())
        if isinstance(value, list | tuple):
            return any(
                isinstance(each, (bytes, *CARRIERS)) and self._carries(each) for each in value
            )
        return isinstance(value, CARRIERS)


def _file(code: CodeType) -> str | None:
    """Return the file of a function of ours, without the folder of the checkout."""
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in OURS:
        return None
    return str(path.relative_to(ROOT))


def _looks_on(frame: FrameType | None) -> bool:
    while frame is not None:
        if (_file(frame.f_code) or "").startswith(ONLOOKERS):
            return True
        frame = frame.f_back
    return False


def _arguments(frame: FrameType) -> Iterator[object]:
    code = frame.f_code
    for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        if name in frame.f_locals:
            yield frame.f_locals[name]


def _is_private(name: str) -> bool:
    """Tell a helper: private, inside another function, or one of Python's own methods."""
    return any(re.match(r"_|<", part) for part in name.split("."))


class _Wire(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return False


class _OneThread:
    """What a connection needs of its worker, in this thread: no loop, and no other connections."""

    limits = Limits(
        timeout_seconds=60.0,
        idle_seconds=60.0,
        transfer_seconds=60.0,
        min_bytes_per_second=1,
        max_body_bytes=2**20,
    )
    is_draining = False

    def __init__(self, app: Flask) -> None:
        self.space = space()
        self.crowd = Crowd()
        self.streams = Streams(1)
        self._path: FastPath = app.extensions[FAST_PATH]
        self._gateway = Gateway(app, address=("here", 80), scheme="http", is_multiprocess=False)
        self._reply: Reply | None = None

    def ask(self, request: bytes) -> bytes:
        """Send a request, and return what is answered."""
        wire, loop = _Wire(), asyncio.new_event_loop()
        connection = Connection(self, loop, "192.0.2.7")
        connection.connection_made(wire)
        connection.data_received(request)
        if self._reply is not None:
            reply, self._reply = self._reply, None
            connection.answered(lambda _: b"HTTP/1.1 %d\r\n\r\n%b" % (reply.status, reply.body))
        connection.resume_writing()  # the loop would send what a thread has made
        loop.close()
        return wire.sent

    def judge(self, _: Request) -> None:
        """Refuse nothing before its body arrives."""

    def locate(self, request: Request) -> None:
        """Leave a request as it came."""

    def takes(self, _: Connection, request: Request) -> bool:
        """Answer a request at once, if it is small."""
        body = request.body.whole()
        # A large table, of which these rows are the first, would be received by a thread.
        if body.startswith(b"longitude"):
            return False
        small = SmallRequest(request.target, request.headers, body, request.client.remote)
        (reply,) = self._path.answer([small]).replies
        self._reply = None if isinstance(reply, Costly) else reply
        return self._reply is not None

    def most_body_bytes(self, request: Request, content_type: bytes) -> int | None:  # noqa: ARG002
        """Refuse no body."""
        return None

    def answer_later(self, request: Request, outgoing: Outgoing, *, is_stream: bool) -> None:  # noqa: ARG002
        """Answer a request."""
        self._gateway.answer(request, outgoing, lambda: True)

    def reads_while_it_arrives(self, _: bytes) -> bool:
        """Say that no body does."""
        return False

    def closed(self, connection: Connection) -> None:
        """Do nothing."""

    def refuse(self, refusal: Refusal, _: str) -> bytes:
        """Fail: a walk's request is one."""
        raise refusal

    def turn_away(self, _: Request, error: VitrineError, *, keeps_alive: bool) -> bytes:  # noqa: ARG002
        """Fail: a walk's request is answered."""
        raise error


def _follow(app: Flask, path: str, body: bytes, kind: str) -> Follower:
    server = _OneThread(app)
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Type: {kind}"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    request = head.encode() + body
    server.ask(request)  # what is imported and cached at first
    follower = Follower(body)
    with follower.follow():
        answer = server.ask(request)
    assert answer.startswith(b"HTTP/1.1 200")
    return follower


def _check(follower: Follower, listed: list[Function]) -> None:
    entered = [function for function in follower.entered if function in listed]
    files = {file for file, _ in listed}
    unlisted = {
        (file, name)
        for file, name in follower.receivers - {*listed}
        if not (file in files and _is_private(name))
    }

    assert entered == listed
    assert unlisted == set()


@pytest.fixture(scope="module")
def app() -> Flask:
    """A service with the shipped models."""
    models = {
        name: {1: load_version(ROOT / "models" / name / "1", threads=1)}
        for name in ("digits", "housing")
    }
    return client_of(Repository(models), CollectorRegistry()).application


@pytest.fixture(scope="module")
def digit() -> bytes:
    """A picture with MNIST's geometry: a box of 20 pixels, centred by its mass."""
    pixels = np.zeros((28, 28, 1), dtype=np.uint8)
    pixels[4:24, 13:15] = 255
    return encode_png(pixels)


@pytest.fixture(scope="module")
def table() -> bytes:
    """Rows without anything missing or unknown."""
    head, *rows = (ROOT / "examples" / "houses.csv").read_bytes().splitlines(keepends=True)
    return head + b"".join(row for row in rows if b",," not in row)


def test_picture_walks_as_listed(app: Flask, digit: bytes) -> None:
    listed = walk("A picture")

    follower = _follow(app, "/models/digits/predict", digit, "image/png")

    _check(follower, listed)
    assert len(listed) <= 25
    assert len({file for file, _ in listed}) <= 15


def test_table_walks_as_listed(app: Flask, table: bytes) -> None:
    listed = walk("A table")

    follower = _follow(app, "/models/housing/predict", table, "text/csv")

    _check(follower, listed)
    assert len(listed) <= 29
    assert len({file for file, _ in listed}) <= 19


def test_drawing_takes_the_longer_way_through_the_geometry(app: Flask) -> None:
    picture, geometry = walk("A picture"), walk("Inside the geometry")
    body = (ROOT / "examples" / "seven.png").read_bytes()

    follower = _follow(app, "/models/digits/predict", body, "image/png")

    before = picture.index(("vitrine/geometry/mnist.py", "fit_mnist")) + 1
    _check(follower, [*picture[:before], *geometry, *picture[before:]])


def test_rows_of_imports_are_those_of_the_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {
        contract["containers"][0]: contract["layers"]
        for contract in contracts["contracts"]
        if contract["type"] == "layers"
    }
    block = re.search(r"^```\n(service: .*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    rows: dict[str, list[str]] = {}
    package = ""
    for line in block[1].splitlines():
        name, row = re.fullmatch(r"(?:(\w+):)? *(.*?)(?: +all of them use vitrine)?", line).groups()  # type: ignore[union-attr]
        package = name or package
        rows.setdefault(package, []).append(row)

    assert rows == layers


@pytest.mark.parametrize(
    "heading", ["A picture", "Inside the geometry", "A table", "A new version"]
)
def test_every_function_of_a_walk_exists(heading: str) -> None:
    functions = walk(heading)

    assert functions
    for file, name in functions:
        found: Any = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        for part in name.partition(".<locals>")[0].split("."):
            found = getattr(found, part)
        assert callable(found)
