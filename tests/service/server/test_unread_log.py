"""A server whose log nobody reads: it answers, replaces its workers, and counts what is missing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bundles import write_table_bundle
from tests.scrapes import scrape
from tests.servers import ROOT, Server, free_port
from tests.traffic import kill_workers, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that logs each request to a pipe that nobody reads."""
    write_table_bundle(tmp_path)
    reading, writing = os.pipe()
    port = free_port()
    settings = {"PORT": port, "MODELS": tmp_path, "WORKERS": 2, "LOG_LEVEL": "DEBUG"}
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "serve"],
        cwd=ROOT,
        env={**os.environ, **{f"VITRINE_{name}": str(value) for name, value in settings.items()}},
        stdout=writing,
    )
    os.close(writing)
    server = Server(port, process.pid, 0.0)
    try:
        until(lambda: answers(server))
        yield server
    finally:
        os.close(reading)
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def answers(server: Server) -> bool:
    """Tell whether a request is answered."""
    try:
        with closing(server.connect()) as connection:
            connection.request("GET", f"/models?{'x' * 4000}")
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
    except OSError:
        return False


def test_log_that_nobody_reads_stops_neither_workers_nor_their_parent(server: Server) -> None:
    with closing(server.connect()) as connection:
        for _ in range(300):
            connection.request("GET", "/models")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
    for _ in range(3):
        kill_workers(server)
        until(lambda: answers(server))

    assert scrape(server).total("vitrine_requests_total", route="/models", status="200") >= 300
