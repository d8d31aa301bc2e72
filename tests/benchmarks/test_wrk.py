"""The load: what wrk is told, and what it found."""

import pytest

from benchmarks.peers import wrk
from benchmarks.peers.wrk import Request

_OUTPUT = """Running 1s test @ http://127.0.0.1:8080/livez
  1 threads and 16 connections
  2040 requests in 1.02s, 0.41MB read

{"requests": 2040, "microseconds": 1020000, "p50": 480, "p99": 3500, "status": 40, "lost": 3}
"""


def test_outcome_of_wrk_is_read_from_the_last_line() -> None:
    outcome = wrk.parse(_OUTPUT, load_cpu_seconds=0.2)

    assert (outcome.answered, outcome.failed, outcome.lost) == (2000, 40, 3)
    assert (outcome.p50_ms, outcome.p99_ms) == (0.48, 3.5)
    assert outcome.rate == pytest.approx(2000 / 1.02)
    assert outcome.load_cpu_seconds == 0.2


@pytest.mark.parametrize(
    ("request_", "written"),
    [
        pytest.param(
            Request(path="/livez"),
            b"GET /livez HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n",
            id="without a body",
        ),
        pytest.param(
            Request(path="/p", body=b"ab", media_type="image/png", headers={"X": "1"}),
            b"POST /p HTTP/1.1\r\nHost: test\r\nContent-Type: image/png\r\nX: 1\r\n"
            b"Content-Length: 2\r\n\r\nab",
            id="with a body",
        ),
    ],
)
def test_request_is_written_as_http(request_: Request, written: bytes) -> None:
    assert request_.written() == written
