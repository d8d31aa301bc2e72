"""The fast path and the ordinary route give the same answers, to the byte, and count the same."""

import gzip
import json
import logging
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.http.fast_path import FAST_PATH, Costly, FastPath, SmallRequest
from service.http.reply import Reply
from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from service.server.gateway import Gateway
from service.server.outgoing import Outgoing
from service.server.request import Client, Request
from service.server.wire import write_head
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.bundles import anomaly_manifest, labels_manifest, picture_manifest, table_manifest
from tests.fakes import (
    FakeControlPlane,
    blank_picture,
    fail,
    levels,
    picture,
    price,
    price_between,
    table,
    weigh,
    weigh_all,
)
from tests.spaces import space
from tests.tensors import HEADER, binary, message, size_and_colour, tensor, with_lengths
from vitrine.engines import Tensors
from vitrine.model import Model

REMOTE = "192.0.2.7"
ROOM = b'{"instances": [{"size": 1, "colour": "red"}]}'
STROKES = "/models/strokes/predict"
ROOMS = "/models/rooms/predict"
BASE64 = b64encode(picture()).decode()
# What differs from one request to the next, whoever answers.
_DATE = re.compile(rb"Date: [^\r]*\r\n")
_TIMES = re.compile(
    r"_(duration_seconds_(sum|bucket)|version_seconds_total|timestamp_seconds|created).*"
)


def name_of_labels(tensors: Tensors) -> Any:
    """Answer with the same probabilities of three labels for each row."""
    size = tensors["size"]
    return {"labels": (size * 0 + [0.9, 0.2, 0.6]).astype("float32")}


def strangeness(tensors: Tensors) -> Any:
    """Answer with the size of each row."""
    return {"anomaly": tensors["size"]}


def models() -> Repository:
    """Return models of every kind, which share nothing with those of another call."""
    return Repository(
        {
            "rooms": {n: Model(table_manifest("rooms", n), price) for n in (1, 2)},
            "sure-rooms": {1: Model(table_manifest("sure-rooms", calibrated=True), price_between)},
            "strokes": {1: Model(picture_manifest(), weigh)},
            "sure.strokes": {
                1: Model(picture_manifest("sure.strokes", calibrated=True), weigh_all)
            },
            "traits": {1: Model(labels_manifest(), name_of_labels)},
            "oddities": {1: Model(anomaly_manifest(), strangeness)},
            "broken": {1: Model(table_manifest("broken"), fail)},
        }
    )


@dataclass(frozen=True)
class Asked:
    """One request, as a client sends it."""

    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: str = "POST"

    def lines(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as the server has them."""
        length = ("Content-Length", str(len(self.body)))
        return [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in (("Host", "here"), *self.headers, length)
        ]


class Service:
    """A service of its own, asked by one of the two ways."""

    def __init__(self, **settings: Any) -> None:
        self.registry = CollectorRegistry()
        self.repository = models()
        self.app: Flask = create_app(
            replace(LIMITS, **settings),
            self.repository,
            Metrics(self.registry),
            FakeControlPlane(self.repository),
        )

    def fast(self, asked: Asked) -> bytes | None:
        """Answer by the fast path, where that takes the request."""
        (answer,) = self.fast_together([asked])
        return answer

    def fast_together(self, all_asked: Sequence[Asked]) -> list[bytes | None]:
        """Answer requests that have arrived at the same moment."""
        path: FastPath = self.app.extensions[FAST_PATH]
        taken = {
            index: SmallRequest(asked.target.encode(), asked.lines(), asked.body, REMOTE)
            for index, asked in enumerate(all_asked)
            if path.takes(asked.method.encode(), asked.target.encode(), len(asked.body))
        }
        answered = path.answer(taken.values())
        answered.settle()
        replies = dict(zip(taken, answered.replies, strict=True))
        return [_written(replies.get(index)) for index in range(len(all_asked))]

    def ordinary(self, asked: Asked) -> bytes:
        """Answer by the ordinary route, as a thread of the server does."""
        request = Request(Client(REMOTE), space())
        request.method, request.target = asked.method.encode(), asked.target.encode()
        request.headers = asked.lines()
        request.body.add(asked.body)
        request.body.end()
        outgoing = Outgoing(space(), on_append=lambda: None, is_receiving=lambda: False)
        gateway = Gateway(self.app, address=("here", 80), scheme="http", is_multiprocess=False)
        gateway.answer(request, outgoing, lambda: True)
        return _DATE.sub(b"", b"".join(iter(outgoing.take, None)))

    def counted(self) -> dict[str, float]:
        """Return every number of the metrics, but for times."""
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if not _TIMES.search(sample.name)
        }


def _written(reply: Reply | Costly | None) -> bytes | None:
    if reply is None or isinstance(reply, Costly):
        return None
    head = write_head(reply.status, reply.headers, version="1.1", keeps_alive=True)
    return _DATE.sub(b"", head) + reply.body


LIMITS = Settings(max_body_bytes=20_000, max_instances=12, max_files=3, max_pixels=160_000)


@pytest.fixture(scope="module")
def services() -> tuple[Service, Service]:
    """Two services, one for each way."""
    return Service(), Service()


def form(*parts: bytes, boundary: str = "b") -> bytes:
    """Write files as multipart/form-data."""
    head = 'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return (
        b"".join(f"--{boundary}\r\n{head}".encode() + part + b"\r\n" for part in parts)
        + f"--{boundary}--\r\n".encode()
    )


PNG = ("Content-Type", "image/png")
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "multipart/form-data; boundary=b")
FIELDS = ("Content-Type", "application/x-www-form-urlencoded")


def tensors(model: str, *inputs: Any, headers: Sequence[tuple[str, str]] = ()) -> Asked:
    """Ask by the Open Inference Protocol."""
    sent, length = message(*inputs)
    is_binary = any(isinstance(each, tuple) for each in inputs)
    named = ((HEADER, str(length)),) if is_binary else ()
    return Asked(f"/v2/models/{model}/infer", (*named, *headers), sent)


LEVELS = binary("image", "UINT8", (1, 28, 28), np.array(levels(), np.uint8).tobytes())
ENCODED = binary("image", "BYTES", (1,), with_lengths(picture()))

V1_ROWS = "/v1/models/sure-rooms"
V1_ROOM = b'{"instances": [{"size": 1, "colour": "red"}]}'
V1_EXAMPLE = b'{"examples": [{"size": 1.0, "colour": "red"}]}'
V1_PICTURE = json.dumps({"instances": [{"b64": BASE64}]}).encode()

CORPUS = {
    "row for TensorFlow Serving": Asked(f"{V1_ROWS}:predict", (), V1_ROOM),
    "row of a version": Asked(f"{V1_ROWS}/versions/1:predict", (), V1_ROOM),
    "columns": Asked(f"{V1_ROWS}:predict", (), b'{"inputs": {"size": [1], "colour": ["red"]}}'),
    "row with named outputs": Asked(
        f"{V1_ROWS}:predict", (), b'{"signature_name": "detailed", ' + V1_ROOM[1:]
    ),
    "row that is not finite": Asked(
        f"{V1_ROWS}:predict", (), V1_ROOM.replace(b"1", b"Infinity") + b"."
    ),
    "picture in base64": Asked("/v1/models/sure.strokes:predict", (), V1_PICTURE),
    "example to classify": Asked("/v1/models/traits:classify", (), V1_EXAMPLE),
    "example to regress": Asked(f"{V1_ROWS}:regress", (), V1_EXAMPLE),
    "path in capitals": Asked("/V1/MODELS/sure-rooms/Versions/01:Predict", (), V1_ROOM),
    "row that is wrong": Asked(f"{V1_ROWS}:predict", (), b'{"instances": ["x"]}'),
    "row for nobody": Asked("/v1/models/nobody:predict", (), V1_ROOM),
    "row for no version": Asked(f"{V1_ROWS}/versions/9:predict", (), V1_ROOM),
    "row for no label": Asked(f"{V1_ROWS}/labels/x:predict", (), V1_ROOM),
    "row that fails": Asked("/v1/models/broken:predict", (), V1_ROOM),
    "row without time": Asked(f"{V1_ROWS}:predict", (("X-Request-Timeout", "1e-9"),), V1_ROOM),
    "tensor of levels": tensors("sure.strokes", LEVELS),
    "tensor of a picture": tensors("sure.strokes", ENCODED),
    "tensors of JSON": tensors("sure-rooms", *size_and_colour([1], ["red"])),
    "tensors of labels": tensors("traits", *size_and_colour([1, 2], ["red", None])),
    "tensors of anomalies": tensors("oddities/versions/1", *size_and_colour([1], ["red"])),
    "tensors for a compressed answer": tensors(
        "sure.strokes", LEVELS, headers=[("Accept-Encoding", "gzip")]
    ),
    "tensor alone": Asked("/v2/models/strokes/infer", ((HEADER, "0"),), picture()),
    "tensors that are wrong": tensors("rooms", LEVELS),
    "tensors for nobody": tensors("nobody", LEVELS),
    "tensors that fail": tensors("broken", *size_and_colour([1], ["red"])),
    "tensors without time": Asked(
        "/v2/models/strokes/infer",
        (),
        message(tensor("image", levels(), "UINT8", (1, 28, 28)), parameters={"timeout": 1})[0],
    ),
    "too many files": Asked(STROKES, (FORM,), form(*[picture()] * 4)),
    "picture": Asked(STROKES, (PNG,), picture()),
    "picture off its centre": Asked(STROKES, (PNG,), picture(scale=2)),
    "picture in trust": Asked("/models/sure.strokes/predict", (PNG,), picture()),
    "picture in less trust": Asked(
        "/models/sure.strokes/predict?coverage=0.6&top=all&abstain_below=0.9", (PNG,), picture()
    ),
    "picture in a version": Asked("/models/strokes/versions/1/predict/", (PNG,), picture()),
    "picture without a type": Asked(STROKES, (), picture()),
    "picture as CSV": Asked(STROKES, (PNG, ("Accept", "text/csv")), picture()),
    "picture in a form": Asked(STROKES, (FORM,), form(picture(), picture(left=False))),
    "picture in a field": Asked(STROKES, (FIELDS,), b"image=" + BASE64.encode()),
    "picture in JSON": Asked(
        STROKES, (JSON,), json.dumps({"instances": [{"b64": BASE64}]}).encode()
    ),
    "levels": Asked(STROKES, (JSON,), json.dumps({"instances": [levels()]}).encode()),
    "broken picture": Asked(STROKES, (PNG,), picture()[:60]),
    "blank picture": Asked(STROKES, (PNG,), blank_picture()),
    "row": Asked(ROOMS, (JSON,), ROOM),
    "row in trust": Asked("/models/sure-rooms/predict", (JSON,), ROOM),
    "row with warnings": Asked(
        ROOMS, (JSON,), b'{"instances": [{"size": 1e9, "colour": "pink", "more": 1}]}'
    ),
    "row as CSV": Asked(ROOMS, (JSON, ("Accept", "text/csv")), ROOM),
    "labels": Asked("/models/traits/predict?top=2", (JSON,), ROOM),
    "anomaly": Asked("/models/oddities/predict", (JSON,), ROOM),
    "blank": Asked(ROOMS, (JSON,), b'{"instances": [{"size": null, "colour": null}]}'),
    "faulty rows": Asked(ROOMS, (JSON,), b'{"instances": [{"size": "x"}, {"colour": 1}]}'),
    "faulty rows reported": Asked(
        f"{ROOMS}?errors=report", (JSON,), b'{"instances": [{"size": "x"}, {"size": 1}]}'
    ),
    "not finite": Asked(ROOMS, (JSON,), b'{"instances": [{"size": 3e38, "colour": "red"}]}'),
    "no JSON": Asked(ROOMS, (JSON,), b'{"instances": [{"size": NaN}]}'),
    "no instances": Asked(ROOMS, (JSON,), b"{}"),
    "too many instances": Asked(ROOMS, (JSON,), b'{"instances": [' + b"{}," * 12 + b"{}]}"),
    "body too large": Asked(ROOMS, (JSON,), b" " * 20_001),
    "failing model": Asked("/models/broken/predict", (JSON,), ROOM),
    "no such model": Asked("/models/romms/predict", (JSON,), ROOM),
    "no such version": Asked("/models/rooms/versions/9/predict", (JSON,), ROOM),
    "no such label": Asked("/models/rooms/labels/canary/predict", (JSON,), ROOM),
    "unknown parameter": Asked(f"{ROOMS}?tops=1", (JSON,), ROOM),
    "impossible parameter": Asked(f"{ROOMS}?coverage=0.9", (JSON,), ROOM),
    "not acceptable": Asked(ROOMS, (JSON, ("Accept", "image/png")), ROOM),
    "page of another origin": Asked(ROOMS, (JSON, ("Origin", "https://a.example")), ROOM),
    "timeout that is no number": Asked(ROOMS, (JSON, ("X-Request-Timeout", "soon")), ROOM),
    "timeout that has passed": Asked(ROOMS, (JSON, ("X-Request-Timeout", "1e-9")), ROOM),
    "timeout that is long": Asked(ROOMS, (JSON, ("X-Request-Timeout", "5")), ROOM),
    "timeout with many digits": Asked(
        ROOMS, (JSON, ("X-Request-Timeout", "1.7976931348623157e+308")), ROOM
    ),
    "odd id": Asked(ROOMS, (JSON, ("X-Request-Id", "two words")), ROOM),
}
LEFT_TO_THE_ORDINARY_ROUTE = {
    "compressed row": Asked(
        f"{V1_ROWS}:predict", (("Content-Encoding", "gzip"),), gzip.compress(V1_ROOM)
    ),
    "compressed tensors": replace(
        tensors("strokes", LEVELS, headers=[("Content-Encoding", "gzip")]),
        body=gzip.compress(message(LEVELS)[0]),
    ),
    "tensor of many pictures": tensors(
        "strokes", binary("image", "UINT8", (3, 8, 8), bytes(range(64)) * 3)
    ),
    "nothing": Asked(STROKES, (PNG,), b""),
    "one broken picture reported": Asked(
        f"{STROKES}?errors=report", (FORM,), form(picture(), b"x")
    ),
    "one broken picture of two": Asked(STROKES, (FORM,), form(picture(), b"x")),
    "no picture": Asked(STROKES, (PNG,), b"GIF89a"),
    "another method": Asked(STROKES, (), b"", method="GET"),
    "another path": Asked("/models/strokes", (PNG,), picture()),
    "escaped path": Asked("/models/str%6fkes/predict", (PNG,), picture()),
    "header twice": Asked(STROKES, (PNG, PNG), picture()),
    "large body": Asked(STROKES, (PNG,), picture() + bytes(2**16)),
    "large picture": Asked(STROKES, (PNG,), picture(scale=14)),
    "levels of many pictures": Asked(
        STROKES, (JSON,), json.dumps({"instances": [[[7]]] * 3}).encode()
    ),
    "explanation": Asked(f"{STROKES}?explain=true", (PNG,), picture()),
    "table": Asked(ROOMS, (("Content-Type", "text/csv"),), table(2)),
    "foreign type": Asked(ROOMS, (PNG,), picture()),
}


def with_id(asked: Asked) -> Asked:
    """Give a request an id, unless it has one: a random one would differ."""
    if any(name == "X-Request-Id" for name, _ in asked.headers):
        return asked
    return replace(asked, headers=(*asked.headers, ("X-Request-Id", "the-same")))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that returns the access log since it was last called, but for times."""
    caplog.set_level(logging.INFO, "service")

    def take() -> list[dict[str, Any]]:
        found = [vars(record)["fields"] for record in caplog.records if "fields" in vars(record)]
        caplog.clear()
        return [
            {name: value for name, value in fields.items() if not name.endswith("_ms")}
            for fields in found
        ]

    return take


@pytest.mark.parametrize("asked", CORPUS.values(), ids=CORPUS)
def test_answer_metrics_and_log_are_those_of_the_ordinary_route(
    asked: Asked, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    quick, slow = (
        Service(cors_origins="https://a.example"),
        Service(cors_origins="https://a.example"),
    )
    asked = with_id(asked)

    fast, fast_lines = quick.fast(asked), lines()
    ordinary, ordinary_lines = slow.ordinary(asked), lines()

    assert fast is not None
    assert _without_random_id(fast) == _without_random_id(ordinary)
    assert quick.counted() == slow.counted()
    assert _anonymous(fast_lines) == _anonymous(ordinary_lines)


def _without_random_id(answer: bytes) -> bytes:
    return re.sub(rb"\b[0-9a-f]{32}\b", b"random", answer)


def _anonymous(fields: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**line, "request_id": len(line.get("request_id", ""))} for line in fields]


@pytest.mark.parametrize(
    "asked", LEFT_TO_THE_ORDINARY_ROUTE.values(), ids=LEFT_TO_THE_ORDINARY_ROUTE
)
def test_costly_and_odd_requests_are_left_and_not_counted(
    asked: Asked, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    service = Service()
    before = service.counted()

    assert service.fast(asked) is None
    assert (service.counted(), lines()) == (before, [])


def test_slow_model_is_left_to_the_ordinary_route() -> None:
    service = Service()
    service.repository.get("rooms").pass_seconds = 0.01

    assert service.fast(CORPUS["row"]) is None


def test_fast_path_can_be_switched_off() -> None:
    assert FAST_PATH not in Service(fast_path=False).app.extensions


def test_requests_that_arrive_together_are_answered_as_alone(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    together, alone = Service(), Service()
    all_asked = [with_id(asked) for asked in (*CORPUS.values(), *CORPUS.values())]

    answers, lines_together = together.fast_together(all_asked), lines()
    expected, lines_alone = [alone.ordinary(asked) for asked in all_asked], lines()

    found = [answer and _without_random_id(answer) for answer in answers]
    assert found == [_without_random_id(answer) for answer in expected]
    assert _without_calls(together.counted()) == _without_calls(alone.counted())
    # What failed is told when it fails, and every request when all are answered.
    found_lines, expected_lines = (
        sorted(map(json.dumps, _anonymous(some))) for some in (lines_together, lines_alone)
    )
    assert found_lines == expected_lines


def _without_calls(counted: dict[str, float]) -> dict[str, float]:
    """Leave out the number of calls of networks, which are fewer for requests together."""
    return {name: value for name, value in counted.items() if "batch_instances" not in name}


def test_requests_that_arrive_together_call_the_network_once() -> None:
    called: list[int] = []

    def count(tensors: Tensors) -> Any:
        called.append(len(tensors["size"]))
        return price(tensors)

    service = Service()
    service.repository.swap(
        {"rooms": ServedModel(versions=(1,), default=1)},
        {("rooms", 1): Model(table_manifest("rooms"), count)},
    )

    service.fast_together([CORPUS["row"], CORPUS["faulty rows"], CORPUS["row"], CORPUS["row"]])

    assert called == [3]
    labels = "[('model', 'rooms'), ('version', '1')]"
    assert service.counted()[f"vitrine_batch_instances_sum{labels}"] == 3
    assert service.counted()[f"vitrine_batch_instances_count{labels}"] == 1


def test_request_that_no_model_answers_harms_no_other() -> None:
    def fail_on_nine(tensors: Tensors) -> Any:
        if 9 in tensors["size"]:
            raise ZeroDivisionError
        return price(tensors)

    service = Service()
    service.repository.swap(
        {"rooms": ServedModel(versions=(1,), default=1)},
        {("rooms", 1): Model(table_manifest("rooms"), fail_on_nine)},
    )
    good = CORPUS["row"]
    bad = replace(good, body=good.body.replace(b"1", b"9"))

    answers = service.fast_together([good, bad, good])

    assert [answer and answer[9:12] for answer in answers] == [b"200", b"500", b"200"]


NAMES = st.sampled_from(
    ["rooms", "sure-rooms", "strokes", "sure.strokes", "traits", "oddities", "broken", "none"]
)
QUERIES = st.lists(
    st.sampled_from(
        [
            *("top=1", "top=all", "top=0", "errors=report", "coverage=0.5", "coverage=2", "x=1"),
            *(
                "abstain_below=.5",
                "echo=true",
                "decimal=,",
                "explain=true",
                "top",
                "%zz=1",
                "a=%ff",
            ),
        ]
    ),
    max_size=2,
).map("&".join)
TARGETS = st.builds(
    lambda name, version, end, query: f"/models/{name}{version}/predict{end}?{query}",
    NAMES,
    st.sampled_from(["", "", "/versions/1", "/versions/2", "/versions/01", "/labels/stable"]),
    st.sampled_from(["", "/", "//"]),
    QUERIES,
)
TYPES = st.sampled_from(
    [
        *("image/png", "IMAGE/*; a=b", "application/json", "text/json; charset=utf-8", "text/csv"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "", "a/b", ";"),
        *("multipart/form-data", "application/octet-stream", "text/plain"),
    ]
)
ACCEPTED = st.sampled_from(
    ["*/*", "text/csv", "application/json", "text/html, */*;q=0.1", "image/png", "q=x", "*/*;q=0"]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": TYPES,
        "Accept": ACCEPTED,
        "Content-Encoding": st.sampled_from(["identity", "gzip", ""]),
        "Origin": st.sampled_from(["https://a.example", "null"]),
    },
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(width=32),
    st.text(max_size=4),
    st.sampled_from(["red", "blue", BASE64]),
)
ROWS = st.lists(
    st.one_of(VALUES, st.dictionaries(st.sampled_from(["size", "colour", "b64"]), VALUES)),
    max_size=3,
)


def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """Change a byte, cut the end off, or leave a body as it is."""
    change = draw(st.sampled_from(["none", "byte", "cut"]))
    if change == "none" or not body:
        return body
    at = draw(st.integers(0, len(body) - 1))
    return body[:at] if change == "cut" else body[:at] + bytes([body[at] ^ 255]) + body[at + 1 :]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw a body that some model may read, or none."""
    body: bytes = draw(
        st.one_of(
            st.sampled_from([asked.body for asked in CORPUS.values()]),
            ROWS.map(lambda rows: json.dumps({"instances": rows}).encode()),
            st.binary(max_size=20),
        )
    )
    return damaged(draw, body)


@given(target=TARGETS, headers=HEADERS, body=bodies())
def test_any_request_is_answered_as_by_the_ordinary_route(
    services: tuple[Service, Service], target: str, headers: dict[str, str], body: bytes
) -> None:
    quick, slow = services
    asked = with_id(Asked(target, tuple(headers.items()), body))

    fast = quick.fast(asked)

    if fast is not None:
        assert fast == slow.ordinary(asked)
        assert quick.counted() == slow.counted()
