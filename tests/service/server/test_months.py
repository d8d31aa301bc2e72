"""What months do to the metrics of a server, in seconds: workers end, versions come and go."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.scrapes import scrape, watched
from tests.servers import Server, serving
from tests.traffic import AllowedVersions, kill_workers, publish_both, publish_whole, traffic, until

WORKERS = 2
CLIENTS = 2
PREDICT = "/models/<name>/predict"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models that changes."""
    publish_both(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the workers keep their numbers."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "numbers"))
    return tmp_path / "numbers"


@pytest.fixture
def server(models: Path, numbers: Path) -> Iterator[Server]:
    """A server all of whose workers have begun to count."""
    with serving(models=models, workers=WORKERS, log_level="ERROR") as server:
        until(lambda: len(counting(numbers)) == WORKERS)
        until(lambda: scrape(server).gauges["vitrine_max_connections", ()] == WORKERS * 4096)
        yield server


def counting(numbers: Path) -> set[str]:
    """Return the processes that have files of numbers."""
    return {path.name.partition("-")[0] for path in numbers.glob("*-*.numbers")}


def load(server: Server) -> None:
    """Have the newest version served."""
    with closing(server.connect()) as connection:
        connection.request("POST", "/models/rooms/load")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200


def counted(server: Server) -> float:
    """Return the number of predictions that were answered."""
    return scrape(server).total("vitrine_requests_total", route=PREDICT, status="200")


def test_versions_that_come_and_go_leave_nothing_and_lose_nothing(
    server: Server, models: Path, numbers: Path
) -> None:
    allowed = AllowedVersions(1)
    lines, files = [], []
    with watched(server) as watch, traffic(server, allowed, clients=CLIENTS) as outcomes:
        for version in range(2, 9):
            allowed.set(version - 1, version)
            publish_whole(models, version, staging=models.parent / "staging")
            load(server)
            allowed.set(version)
            lines.append(scrape(server).lines)
            files.append(len([*numbers.iterdir()]))

    assert not watch.fallen
    assert watch.scrapes > 0
    until(lambda: counted(server) >= outcomes.count)
    assert counted(server) == outcomes.count
    versions = {
        dict(labels)["version"]
        for name, labels in scrape(server).counters
        if name == "vitrine_predictions_total" and ("model", "rooms") in labels
    }
    # Two that are served, and two that are gone.
    assert versions == {"5", "6", "7", "8"}
    # A version that is gone leaves at once in one worker and a version later in the other.
    assert max(lines[4:]) - min(lines[4:]) < 60
    assert max(files[4:]) - min(files[4:]) <= WORKERS


def test_workers_that_end_at_once_leave_their_numbers_in_one_file(
    server: Server, numbers: Path
) -> None:
    before = len([*numbers.iterdir()])
    with watched(server) as watch, traffic(server, AllowedVersions(1), clients=CLIENTS) as outcomes:
        for _ in range(2):
            until(lambda: outcomes.count > 10)
            kill_workers(server)
            scrape(server)  # waits in the listening socket until it is answered
    until(lambda: len([*numbers.iterdir()]) <= before + 1)

    assert not watch.fallen
    # A worker that is killed may have answered a request of each client and not counted it yet.
    assert abs(counted(server) - outcomes.count) <= 2 * WORKERS * CLIENTS
