"""The attacks: each is a crowd of slow clients, callers that ask for too much, or both."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers.client import Lane
from benchmarks.servers.load import get, picture_for, post
from tests.soak.attacks import bodies
from tests.soak.attacks.bodies import DIGITS, HOUSING, head
from tests.soak.attacks.crowd import Crowd
from tests.soak.attacks.versions import write_all

_MEBIBYTE = 2**20
# A BMP is as large as its pixels, so that none of 49 megapixels is received.
_PICTURE_FORMATS = ("WEBP", "JPEG", "PNG", "GIF", "TIFF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What is done to a server.

    Attributes:
        name: As it is asked for.
        what: It is, for the table.
        crowds: Makes the slow clients.
        callers: Makes the requests of those who wait for an answer before they ask again.
        writes: Writes hostile versions into a folder of models, which are revealed meanwhile.
        is_essential: Whether it belongs to the reduced set.
    """

    name: str
    what: str
    crowds: Callable[[], Sequence[Crowd]] = tuple
    callers: Callable[[], Sequence[Lane]] = tuple
    writes: Callable[[Path], list[Path]] | None = None
    is_essential: bool = False


def _asking(request: bytes, callers: int, **options: Any) -> Lane:
    return Lane(name="attack", request=request.decode("latin-1"), callers=callers, **options)


def _one_lane(make: Callable[[], bytes], callers: int, **options: Any) -> Callable[[], list[Lane]]:
    return lambda: [_asking(make(), callers, **options)]


def _one_crowd(make: Callable[[], bytes], number: int, **options: Any) -> Callable[[], list[Crowd]]:
    return lambda: [Crowd(sends=make(), number=number, **options)]


def _abandoned() -> Iterator[Attack]:
    leaving = {"stays_seconds": 0.1, "arrival_seconds": 0.4}
    yield Attack(
        name="tiny-pictures",
        what="4 bodies of 10 000 pictures of a pixel, abandoned",
        crowds=_one_crowd(bodies.tiny_pictures, 4, **leaving),
        is_essential=True,
    )
    yield Attack(
        name="tiny-pictures-again",
        what="the same by 8 clients, again and again",
        crowds=_one_crowd(bodies.tiny_pictures, 8, **leaving, returns=True),
    )
    yield Attack(
        name="tiny-pictures-awaited",
        what="the same by 8 callers who wait for the answers",
        callers=_one_lane(bodies.tiny_pictures, 8),
    )
    yield Attack(
        name="drawn-pictures",
        what="8 callers with 3000 pictures as lists of pixels",
        callers=_one_lane(lambda: bodies.drawn_pictures(3000), 8),
    )
    yield Attack(
        name="rows",
        what="8 callers with 10 000 rows of JSON",
        callers=_one_lane(lambda: bodies.houses(10_000), 8),
    )
    yield Attack(
        name="abandoned-everything",
        what="24 clients that abandon pictures, rows and tables",
        crowds=lambda: [
            Crowd(number=8, sends=sends, **leaving, returns=True)  # type: ignore[arg-type]
            for sends in (
                bodies.picture_request(bodies.noise_png(2000)),
                bodies.houses(10_000),
                bodies.csv_of(50_000),
            )
        ],
    )


def _pictures() -> Iterator[Attack]:
    for file_format in _PICTURE_FORMATS:
        yield Attack(
            name=f"large-{file_format.lower()}",
            what=f"50 callers with a {file_format} of 49 megapixels",
            callers=_one_lane(
                lambda file_format=file_format: bodies.picture_request(  # type: ignore[misc]
                    bodies.flat_picture(file_format)
                ),
                50,
            ),
            is_essential=file_format == "WEBP",
        )
    yield Attack(
        name="middling-webp",
        what="50 callers with a WebP of 4 megapixels",
        callers=_one_lane(lambda: bodies.picture_request(bodies.flat_picture("WEBP", 2000)), 50),
    )
    yield Attack(
        name="progressive-jpeg",
        what="50 callers with a progressive JPEG of 16 megapixels",
        callers=_one_lane(lambda: bodies.picture_request(bodies.progressive_jpeg(4000)), 50),
    )
    yield Attack(
        name="deep-png",
        what="50 callers with a PNG of 16 megapixels, 16 bits each",
        callers=_one_lane(lambda: bodies.picture_request(bodies.slow_png(4000)), 50),
    )
    yield Attack(
        name="noise-png",
        what="50 callers with a PNG of 4 megapixels of noise",
        callers=_one_lane(lambda: bodies.picture_request(bodies.noise_png(2000)), 50),
    )
    yield Attack(
        name="form-of-large",
        what="8 callers with 60 WebPs of 49 megapixels in a form",
        callers=_one_lane(lambda: bodies.form_of(bodies.flat_picture("WEBP"), 60), 8),
    )
    yield Attack(
        name="json-of-large",
        what="4 callers with 10 000 WebPs of 49 megapixels in JSON",
        callers=_one_lane(lambda: bodies.embedded_pictures(bodies.flat_picture("WEBP"), 10_000), 4),
        is_essential=True,
    )
    yield Attack(
        name="explanations",
        what="16 callers who want 64 pictures explained",
        callers=_one_lane(
            lambda: bodies.drawn_pictures(64).replace(b"/predict", b"/predict?explain=true", 1), 16
        ),
        is_essential=True,
    )


def _slow() -> Iterator[Attack]:
    length = "Content-Length: 1000000"
    png = "Content-Type: image/png"
    kinds = {
        "expect": (
            "with Expect at a byte in 4 s",
            head(DIGITS, png, length, "Expect: 100-continue"),
        ),
        "plain": ("without Expect at a byte in 4 s", head(DIGITS, png, length)),
        "large": (
            "of 30 MB at a byte in 4 s after 256 KiB",
            head(DIGITS, png, "Content-Length: 30000000") + bytes(2**18),
        ),
        "chunks": (
            "in chunks of a byte in 4 s",
            head(DIGITS, png, "Transfer-Encoding: chunked"),
        ),
        "form": (
            "of a form at a byte in 4 s",
            head(DIGITS, "Content-Type: multipart/form-data; boundary=b", length) + b"--b\r\n",
        ),
        "csv": ("of CSV at a byte in 4 s", bodies.csv_head()),
    }
    for kind, (what, begin) in kinds.items():
        yield Attack(
            name=f"slow-body-{kind}",
            what=f"600 bodies {what}",
            crowds=_one_crowd(
                lambda begin=begin: begin,  # type: ignore[misc]
                600,
                trickle=b"1\r\n0\r\n" if kind == "chunks" else b"0",
                piece_bytes=6 if kind == "chunks" else 1,
                every_seconds=4,
                returns=True,
            ),
            is_essential=kind == "expect",
        )
    yield Attack(
        name="stalled-csv",
        what="600 CSV streams of 300 KB that stall",
        crowds=_one_crowd(lambda: bodies.csv_head() + bodies.table(6000), 600, returns=True),
    )
    yield Attack(
        name="slow-heads",
        what="1000 heads at a byte in 2 s",
        crowds=_one_crowd(
            lambda: b"POST /models/digits/predict HTTP/1.1\r\nHost: test\r\nX-A: ",
            1000,
            trickle=b"a",
            every_seconds=2,
            returns=True,
        ),
    )
    yield Attack(
        name="slow-readers",
        what="200 who do not read an answer of 3 MB",
        crowds=lambda: [
            Crowd(
                number=200,
                sends=bodies.csv_of(40_000, HOUSING + "?echo=true"),
                receive_buffer=4096,
                arrival_seconds=4,
                returns=True,
            )
        ],
    )
    yield Attack(
        name="held-bodies",
        what="60 bodies of 32 MiB held open",
        crowds=lambda: [
            Crowd(
                number=60,
                sends=head(DIGITS, png, f"Content-Length: {32 * _MEBIBYTE}")
                + b"\x89PNG\r\n\x1a\n"
                + bytes(32 * _MEBIBYTE - 9),
                arrival_seconds=4,
            )
        ],
        is_essential=True,
    )
    yield Attack(
        name="held-chunks",
        what="60 chunked bodies of 31 MiB held open",
        crowds=lambda: [
            Crowd(
                number=60,
                sends=head(DIGITS, png, "Transfer-Encoding: chunked")
                + (b"100000\r\n" + bytes(_MEBIBYTE) + b"\r\n") * 31,
                arrival_seconds=4,
            )
        ],
    )
    yield Attack(
        name="bodies-to-nowhere",
        what="60 bodies of 900 MB to a path that is not",
        crowds=lambda: [
            Crowd(
                number=60,
                sends=head("/nowhere", png, "Content-Length: 900000000") + bytes(8 * _MEBIBYTE),
                trickle=bytes(2**18),
                piece_bytes=2**18,
                every_seconds=0.5,
                arrival_seconds=4,
            )
        ],
    )


def _connections() -> Iterator[Attack]:
    yield Attack(
        name="unread-scrapes",
        what="4 clients with 100 pipelined scrapes, unread",
        crowds=_one_crowd(lambda: get("/metrics") * 100, 4, receive_buffer=2048),
        is_essential=True,
    )
    yield Attack(
        name="unread-scrapes-of-many",
        what="64 clients with 100 pipelined scrapes, unread",
        crowds=_one_crowd(lambda: get("/metrics") * 100, 64, receive_buffer=2048, returns=True),
    )
    yield Attack(
        name="unread-probes",
        what="64 clients with 1000 pipelined probes, unread",
        crowds=_one_crowd(lambda: get("/readyz") * 1000, 64, receive_buffer=2048, returns=True),
    )
    yield Attack(
        name="unread-predictions",
        what="64 clients with 500 pipelined pictures, unread",
        crowds=_one_crowd(
            lambda: picture_for("digits") * 500, 64, receive_buffer=2048, returns=True
        ),
    )
    yield Attack(
        name="read-pipelines",
        what="8 clients with 500 pipelined pictures, read, again and again",
        crowds=_one_crowd(
            lambda: picture_for("digits") * 499 + _last(picture_for("digits")),
            8,
            reads=True,
            returns=True,
        ),
    )
    silent = {"arrival_seconds": 4.0, "returns": True}
    yield Attack(
        name="silent",
        what="8400 silent connections",
        crowds=lambda: [Crowd(number=8400, **silent)],  # type: ignore[arg-type]
        is_essential=True,
    )
    yield Attack(
        name="silent-after-one",
        what="8400 connections that have asked once",
        crowds=_one_crowd(lambda: get("/livez"), 8400, **silent),
    )
    yield Attack(
        name="half-heads",
        what="8400 heads at a byte in 4 s",
        crowds=_one_crowd(
            lambda: b"GET / HTTP/1.1\r\nX: ", 8400, trickle=b"a", every_seconds=4, **silent
        ),
    )
    yield Attack(
        name="half-bodies",
        what="8400 bodies of which 100 bytes are there",
        crowds=_one_crowd(
            lambda: head(DIGITS, "Content-Type: image/png", "Content-Length: 9999") + bytes(100),
            8400,
            **silent,
        ),
    )
    yield Attack(
        name="churn",
        what="300 connections that are broken off after 0.1 s, again and again",
        crowds=lambda: [Crowd(number=300, stays_seconds=0.1, arrival_seconds=0.1, returns=True)],
    )


def _last(request: bytes) -> bytes:
    return request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


def _floods() -> Iterator[Attack]:
    yield Attack(
        name="refused",
        what="32 callers whose requests are refused: 404, 405, 415, 400",
        callers=lambda: [
            _asking(request, 8)
            for request in (
                get("/nowhere"),
                post("/models", "text/plain", b"x"),
                post(DIGITS, "video/mp4", b"x" * 100),
                post(HOUSING, "application/json", b'{"instances": [{"a": 1}]}'),
            )
        ],
        is_essential=True,
    )
    yield Attack(
        name="oversized",
        what="32 callers with bodies, rows and pictures that are too large",
        callers=lambda: [
            _asking(request, 8, reuse=False)
            for request in (
                head(DIGITS, "Content-Type: image/png", "Content-Length: 999999999"),
                bodies.tiny_pictures(10_001),
                bodies.picture_request(bodies.flat_picture("PNG", 1000)[:2000]),
                post(HOUSING, "text/csv", b"a" * 2_000_000),
            )
        ],
    )
    yield Attack(
        name="malformed",
        what="32 callers with what is no HTTP",
        callers=lambda: [
            _asking(request, 8, reuse=False)
            for request in (
                b"\x16\x03\x01" + bytes(200),
                b"GET / HTTP/9.9\r\n\r\n",
                b"POST /models HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
                b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
            )
        ],
    )
    yield Attack(
        name="csv",
        what="16 callers with 50 000 rows of CSV",
        callers=_one_lane(lambda: bodies.csv_of(50_000), 16),
        is_essential=True,
    )
    yield Attack(
        name="odd-csv",
        what="16 callers with 20 000 rows of CSV read cell by cell",
        callers=_one_lane(lambda: bodies.odd_csv(20_000), 16),
    )
    yield Attack(
        name="wide-csv",
        what="8 callers with a header of 100 000 columns",
        callers=_one_lane(
            lambda: post(HOUSING, "text/csv", b"a," * 100_000 + b"b\n" + b"1," * 100_000 + b"2\n"),
            8,
        ),
    )
    yield Attack(
        name="tiny-chunks",
        what="16 callers with a body in 200 000 chunks of a byte",
        callers=_one_lane(
            lambda: (
                head(DIGITS, "Content-Type: image/png", "Transfer-Encoding: chunked")
                + b"1\r\n0\r\n" * 200_000
                + b"0\r\n\r\n"
            ),
            16,
        ),
    )
    yield Attack(
        name="many-headers",
        what="32 callers with 90 headers of 300 bytes",
        callers=_one_lane(
            lambda: head("/models", *[f"X-{i}: {'a' * 300}" for i in range(90)], method="GET"), 32
        ),
    )
    yield Attack(
        name="many-fields",
        what="8 callers with a form of 5 million fields",
        callers=_one_lane(
            lambda: post(DIGITS, "application/x-www-form-urlencoded", b"a&" * 5_000_000), 8
        ),
    )
    yield Attack(
        name="many-parts",
        what="8 callers with a form of 300 000 parts",
        callers=_one_lane(lambda: bodies.form_of(b"", 300_000), 8),
    )
    yield Attack(
        name="long-text",
        what="8 callers with a picture of 20 million characters that are no base64",
        callers=_one_lane(
            lambda: bodies.json_of(["data:image/png;base64," + " " * 20_000_000], DIGITS), 8
        ),
    )
    yield Attack(
        name="deep-json",
        what="8 callers with JSON of 4 million brackets",
        callers=_one_lane(
            lambda: bodies.json_body(b'{"instances": ' + b"[" * 4_000_000, DIGITS), 8
        ),
    )
    yield Attack(
        name="nested-lists",
        what="8 callers with lists 900 deep, 10 000 times",
        callers=_one_lane(
            lambda: bodies.json_body(
                b'{"instances": [' + b",".join([b"[" * 900 + b"]" * 900] * 10_000) + b"]}", DIGITS
            ),
            8,
        ),
    )
    yield Attack(
        name="long-numbers",
        what="8 callers with a number of 20 million digits",
        callers=_one_lane(
            lambda: bodies.json_body(b'{"instances": [' + b"9" * 20_000_000 + b"]}", HOUSING), 8
        ),
    )
    yield Attack(
        name="unknown-keys",
        what="8 callers with a million instances of unknown keys",
        callers=_one_lane(lambda: bodies.json_of([{"x": 1}] * 1_000_000, HOUSING), 8),
        is_essential=True,
    )
    yield Attack(
        name="many-keys",
        what="8 callers with an instance of 500 000 unknown keys",
        callers=_one_lane(
            lambda: bodies.json_of([{f"k{i}": 1 for i in range(500_000)}], HOUSING), 8
        ),
    )
    yield Attack(
        name="faulty-rows",
        what="8 callers with 10 000 faulty rows",
        callers=_one_lane(lambda: bodies.json_of([{"longitude": "x"}] * 10_000, HOUSING), 8),
    )
    yield Attack(
        name="scrapes",
        what="32 callers who scrape",
        callers=_one_lane(lambda: get("/metrics"), 32, reuse=False),
    )
    yield Attack(
        name="probes",
        what="64 callers of /readyz",
        callers=_one_lane(lambda: get("/readyz"), 64),
    )
    yield Attack(
        name="changes",
        what="32 callers who ask to load what is loaded",
        callers=lambda: [
            _asking(post(f"/models/{name}/load", "application/json", b""), 8)
            for name in ("digits", "fashion", "housing", "nothing")
        ],
    )
    yield Attack(
        name="pictures",
        what="64 callers with the same picture",
        callers=_one_lane(lambda: picture_for("digits"), 64),
    )


def _versions() -> Iterator[Attack]:
    yield Attack(
        name="hostile-versions",
        what="versions that never end, take 15 GB, or lie",
        writes=write_all,
        is_essential=True,
    )


ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for kind in (_abandoned, _pictures, _slow, _connections, _floods, _versions)
    for attack in kind()
}
