"""Each test runs locust in a process of its own: importing it patches the standard library."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.servers import ROOT, Server, free_port, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(workers=1) as server:
        yield server


def _load(url: str, *options: str, seconds: int = 2) -> str:
    command = [sys.executable, "-m", "locust", "-f", "tests/load/locustfile.py", "--host", url]
    command += ["--headless", "--only-summary", "--run-time", f"{seconds}s", "--spawn-rate", "9"]
    finished = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in finished.stderr
    return finished.stdout


@pytest.mark.parametrize("kind", ["Pictures", "Rows", "Tables"])
def test_closed_loop_says_that_all_was_answered(server: Server, kind: str) -> None:
    said = _load(server.url, "--users", "1", "--many", "2000", kind)

    counts = re.search(rf"^{kind}: (\d+) sent, (\d+) answered, ", said, re.MULTILINE)
    assert counts is not None
    assert counts[1] == counts[2] != "0"
    assert "half of them within" in said
    assert "that were due" not in said


def test_open_loop_says_that_the_deployment_kept_up(server: Server) -> None:
    said = _load(server.url, "--users", "1", "--rate", "10", "Rows")

    assert "The deployment kept up" in said


def test_open_loop_says_that_a_deployment_did_not_keep_up(server: Server) -> None:
    said = _load(server.url, "--users", "1", "--rate", "100", "--many", "200000", "Tables")

    assert "The deployment did not keep up" in said


def test_refusals_are_named_by_their_status(server: Server) -> None:
    said = _load(server.url, "--users", "1", "--table", "examples/points.csv", "Rows")

    assert re.search(r"^  \d+ refused with 422$", said, re.MULTILINE)
    assert " 0 answered" in said


def test_requests_without_an_answer_are_named_by_what_broke() -> None:
    said = _load(f"http://127.0.0.1:{free_port()}", "--users", "1", "Pictures")

    assert re.search(r"^  \d+ lost: ConnectionRefusedError$", said, re.MULTILINE)


def test_run_for_a_program_prints_json_alone(server: Server) -> None:
    said = _load(server.url, "--users", "1", "--json", "Pictures")

    assert said.startswith("[")
    assert said.rstrip().endswith("]")
