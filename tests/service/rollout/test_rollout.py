"""Rollouts on a real server: what clients notice of new versions, killed workers and restarts."""

import http.client
import json
import os
import random
import select
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import write_picture_bundle
from tests.hostile import write_hostile_bundle
from tests.scrapes import scrape
from tests.servers import Server, serving
from tests.traffic import (
    STEP,
    AllowedVersions,
    publish,
    publish_both,
    publish_whole,
    restart_workers,
    traffic,
    until,
)
from vitrine import bundle

WORKERS = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the first versions of two models."""
    publish_both(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """A server of several workers that looks for new versions all the time."""
    with serving(models=folder, workers=WORKERS, watch_seconds=0.05, log_level="ERROR") as running:
        yield running


def send(server: Server, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """Send a request to some worker; once more where that worker was killed."""
    data = None if body is None else json.dumps(body)
    while True:
        with closing(server.connect()) as connection:
            try:
                connection.request(method, path, data, {"Content-Type": "application/json"})
                response = connection.getresponse()
                return response.status, json.loads(response.read())
            except (OSError, http.client.HTTPException):
                continue


def serving_of(server: Server) -> dict[str, Any]:
    """Return how the table model is served."""
    members: dict[str, Any] = send(server, "GET", "/models/rooms")[1]["serving"]
    return members


def answering(server: Server, path: str = "/models/rooms/predict") -> set[int]:
    """Return the versions that each worker in turn answers with."""
    body = {"instances": [{"size": 1, "colour": "red"}]}
    found = set()
    for _ in range(12):
        _, answer = send(server, "POST", path, body)
        assert answer["predictions"] == [{"value": 13.0 + STEP * answer["version"]}]
        found.add(answer["version"])
    return found


def kill_one(server: Server) -> None:
    """Kill a worker, and wait for the one that takes its place."""
    before = server.workers()
    os.kill(random.choice(before), signal.SIGKILL)
    until(lambda: len(set(server.workers()) - set(before)) == 1)


def test_new_version_is_found_and_answers(server: Server, folder: Path) -> None:
    publish_whole(folder, 2, staging=folder.parent / "staging")

    until(lambda: serving_of(server)["default"] == 2)
    until(lambda: answering(server) == {2})

    assert answering(server, "/models/rooms/versions/1/predict") == {1}


def test_version_that_answers_only_by_number_answers_by_default_after_a_label(
    server: Server, folder: Path
) -> None:
    publish_whole(folder, 2, staging=folder.parent / "staging", default=False)
    until(lambda: serving_of(server)["by_number"] == [2])

    assert answering(server) == {1}
    assert answering(server, "/models/rooms/versions/2/predict") == {2}
    listed = send(server, "GET", "/models")[1]["models"][0]
    assert (listed["version"], listed["versions"]) == (1, [1, 2])

    status, changed = send(server, "PATCH", "/models/rooms", {"labels": {"stable": 2}})
    assert (status, changed["serving"]["default"]) == (200, 2)
    assert answering(server) == {2}

    assert send(server, "PATCH", "/models/rooms", {"labels": {"stable": None}})[0] == 200
    assert answering(server) == {1}


def test_rollback_passes_over_a_version_that_answers_only_by_number(
    server: Server, folder: Path
) -> None:
    publish_whole(folder, 2, staging=folder.parent / "staging", default=False)
    publish_whole(folder, 3, staging=folder.parent / "staging")
    until(lambda: serving_of(server)["default"] == 3)

    status, changed = send(server, "POST", "/models/rooms/rollback")

    assert (status, changed["serving"]["labels"]) == (200, {"stable": 1})
    assert answering(server) == {1}


def test_reloads_and_kills_cost_at_most_the_requests_in_flight(
    server: Server, folder: Path
) -> None:
    allowed = AllowedVersions(1)
    with traffic(server, allowed, clients=4) as outcomes:
        for version in range(2, 7):
            allowed.set(version - 1, version)
            publish_whole(folder, version, staging=folder.parent / "staging")
            assert send(server, "POST", "/models/rooms/load")[0] == 200
            allowed.set(version)
            if version % 2:
                kill_one(server)

    assert outcomes.wrong == []
    assert outcomes.refused == 0
    assert len(outcomes.broken) <= 2 * 4
    assert set(outcomes.answered) == {0, 1, 2, 3, 4, 5, 6}


def test_restart_of_all_workers_loses_nothing(server: Server) -> None:
    with traffic(server, AllowedVersions(1), clients=4) as outcomes:
        for _ in range(2):
            restart_workers(server, WORKERS)
        answered = outcomes.count
        until(lambda: outcomes.count > answered + 20)

    assert (outcomes.wrong, outcomes.broken, outcomes.refused) == ([], [], 0)


def test_stop_loses_nothing_that_was_accepted(server: Server) -> None:
    with traffic(server, AllowedVersions(1), clients=4) as outcomes:
        until(lambda: outcomes.count > 20)
        os.kill(server.process, signal.SIGTERM)
        until(lambda: outcomes.refused > 10)

    assert (outcomes.wrong, outcomes.broken) == ([], [])


def test_change_holds_in_every_worker_that_starts(server: Server, folder: Path) -> None:
    publish_whole(folder, 2, staging=folder.parent / "staging")
    status, _ = send(server, "PATCH", "/models/rooms", {"labels": {"stable": 1, "next": 2}})
    assert status == 200
    assert answering(server) == {1}

    for _ in range(3):
        kill_one(server)
        assert answering(server) == {1}
        assert answering(server, "/models/rooms/labels/next/predict") == {2}
    restart_workers(server, WORKERS)

    assert answering(server) == {1}
    assert send(server, "POST", "/models/strokes/unload")[0] == 200
    kill_one(server)
    assert send(server, "GET", "/models/strokes")[0] == 503


def test_state_on_a_disk_outlives_the_server(folder: Path, tmp_path: Path) -> None:
    publish(folder, 2)
    state = tmp_path / "state"
    with serving(models=folder, state=state, workers=WORKERS) as server:
        assert send(server, "POST", "/models/rooms/rollback")[0] == 200

    with serving(models=folder, state=state, workers=WORKERS) as server:
        assert answering(server) == {1}


@pytest.mark.parametrize("name", [bundle.MANIFEST_NAME, bundle.ONNX_NAME, bundle.GOLDEN_NAME])
def test_damaged_version_is_never_served(server: Server, folder: Path, name: str) -> None:
    whole = publish(folder.parent / "staging", 2)
    data = (whole / name).read_bytes()
    with traffic(server, AllowedVersions(1), clients=2) as outcomes:
        for _ in range(4):
            (whole / name).write_bytes(data[: random.randrange(len(data))])
            shutil.copytree(whole, folder / "rooms/2")
            status, problem = send(server, "POST", "/models/rooms/load")
            assert (status, problem["type"]) == (409, "/problems/version-refused")
            assert name in problem["detail"]
            assert list(serving_of(server)["refused"]) == ["2"]
            shutil.rmtree(folder / "rooms/2")

    assert (outcomes.wrong, outcomes.broken, set(outcomes.answered)) == ([], [], {0, 1})


def test_slow_copy_is_served_when_it_is_whole(server: Server, folder: Path) -> None:
    whole = publish(folder.parent / "staging", 2)
    names = sorted((path.name for path in whole.iterdir()), reverse=True)
    names.sort(key=lambda name: name != bundle.MANIFEST_NAME)
    target = folder / "rooms/2"
    target.mkdir()
    with traffic(server, AllowedVersions(1), clients=2) as outcomes:
        for name in names:
            data = (whole / name).read_bytes()
            (target / name).write_bytes(data[: len(data) // 2])
            until(lambda: "2" in serving_of(server)["refused"])
            assert serving_of(server)["default"] == 1
            if name != names[-1]:
                (target / name).write_bytes(data)
    assert (outcomes.wrong, outcomes.broken, set(outcomes.answered)) == ([], [], {0, 1})

    (target / names[-1]).write_bytes((whole / names[-1]).read_bytes())

    until(lambda: serving_of(server)["default"] == 2)
    assert serving_of(server)["refused"] == {}


def test_request_ends_with_the_version_it_began_with(server: Server, folder: Path) -> None:
    rows = 100_000
    first, rest = b"size,colour\n" + b"1,red\n" * rows, b"1,red\n" * rows
    with closing(server.connect()) as connection:
        connection.putrequest("POST", "/models/rooms/predict")
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Content-Length", str(len(first + rest)))
        connection.endheaders(first)
        assert select.select([connection.sock], [], [], 60)[0], "not answered meanwhile"
        publish_whole(folder, 2, staging=folder.parent / "staging")
        publish_whole(folder, 3, staging=folder.parent / "staging")
        assert send(server, "POST", "/models/rooms/load")[1]["versions"] == [2, 3]
        connection.send(rest)
        response = connection.getresponse()
        lines = response.read().decode().splitlines()

    assert response.headers["X-Model-Version"] == "1"
    assert lines[1:] == [f"{13.0 + STEP},"] * (2 * rows)


def test_canary_answers_its_share_in_every_worker(server: Server, folder: Path) -> None:
    publish_whole(folder, 2, staging=folder.parent / "staging")
    changes = {"labels": {"stable": 1, "canary": 2}, "canary_share": 0.5}
    assert send(server, "PATCH", "/models/rooms", changes)[0] == 200

    until(lambda: answering(server) == {1, 2})

    assert send(server, "PATCH", "/models/rooms", {"canary_share": 0})[0] == 200
    assert answering(server) == {1}


def test_stuck_worker_delays_a_change_until_it_is_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--timeout 2")
    with serving(models=folder, workers=WORKERS, log_level="ERROR") as server:
        # gunicorn replaces only workers that have once told it that they live.
        until(lambda: scrape(server).gauges["vitrine_max_connections", ()] == WORKERS * 4096)
        stuck = server.workers()[0]
        os.kill(stuck, signal.SIGSTOP)
        publish_whole(folder, 2, staging=folder.parent / "staging")

        until(lambda: post_patiently(server, "/models/rooms/load") == 200)

        assert stuck not in server.workers()
        assert answering(server) == {2}


def post_patiently(server: Server, path: str) -> int:
    """Post on a connection that a stuck worker may have accepted; return 0 where it has."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:
        try:
            connection.request("POST", path)
            return connection.getresponse().status
        except OSError:
            return 0


def test_server_outlives_its_state(folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(models=folder, state=state, workers=WORKERS, log_level="ERROR") as server:
        state.rename(tmp_path / "elsewhere")
        kill_one(server)
        assert answering(server) == {1}
        assert send(server, "PATCH", "/models/rooms", {"labels": {"stable": 1}})[0] == 200

        shutil.rmtree(folder)
        state.rename(tmp_path / "elsewhere too")
        restart_workers(server, WORKERS)
        assert send(server, "GET", "/readyz")[0] == 503

        publish_both(folder)
        until(lambda: send(server, "GET", "/readyz")[0] == 200)
        assert answering(server) == {1}


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"{}")],
    ids=["removed", "emptied", "as if new"],
)
def test_change_is_made_while_files_of_the_state_are_damaged(
    folder: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    state = tmp_path / "state"
    publish(folder, 2)
    with serving(models=folder, state=state, workers=WORKERS, log_level="ERROR") as server:
        for version in (1, 2):
            for path in [path for path in state.rglob("*") if path.is_file()]:
                if "versions" not in path.parts:
                    damage(path)
            status, changed = send(server, "PATCH", "/models/rooms", {"labels": {"kept": version}})
            assert (status, changed["serving"]["labels"]) == (200, {"kept": version})
            assert answering(server, "/models/rooms/labels/kept/predict") == {version}


def test_reload_serves_on_what_the_models_folder_has_lost(server: Server, folder: Path) -> None:
    assert answering(server) == {1}
    (folder / "rooms/1" / bundle.ONNX_NAME).write_bytes(b"written over")
    restart_workers(server, WORKERS)
    assert answering(server) == {1}

    shutil.rmtree(folder)
    restart_workers(server, WORKERS)
    assert answering(server) == {1}
    assert send(server, "GET", "/readyz")[0] == 200


def test_hostile_version_delays_no_other_model(folder: Path) -> None:
    # A trial that took so long would outlast the time in which every change must be answered.
    with serving(models=folder, workers=WORKERS, log_level="ERROR", trial_seconds=100) as server:
        write_hostile_bundle(folder, "endless loop", version=2)
        threading.Thread(target=try_to_label, args=(server, 2), daemon=True).start()
        until(lambda: bool(trials_of(server)))

        for label in ("one", "two"):
            status, changed = send(server, "PATCH", "/models/strokes", {"labels": {label: 1}})
            assert (status, label in changed["serving"]["labels"]) == (200, True)
        assert send(server, "PATCH", "/models/rooms", {"policy": "1"})[0] == 200
        write_picture_bundle(folder, version=2)
        assert send(server, "POST", "/models/strokes/load")[1]["versions"] == [1, 2]
        assert answering(server) == {1}
        trials = trials_of(server)
        assert trials
    until(lambda: not any(Path(f"/proc/{trial}").exists() for trial in trials))


def try_to_label(server: Server, version: int) -> None:
    """Send a change that is not answered before the server ends."""
    with closing(server.connect()) as connection, suppress(OSError, http.client.HTTPException):
        connection.request("PATCH", "/models/rooms", json.dumps({"labels": {"new": version}}))
        connection.getresponse()


def trials_of(server: Server) -> list[int]:
    """Return the processes in which workers try versions."""
    return [
        int(child)
        for worker in server.workers()
        for task in Path(f"/proc/{worker}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def test_hostile_version_is_refused_with_the_reason(folder: Path) -> None:
    with serving(models=folder, workers=WORKERS, log_level="ERROR", trial_seconds=1) as server:
        write_hostile_bundle(folder, "endless loop", version=2)
        write_hostile_bundle(folder, "huge constant", version=3)

        for version, reason in ((2, "seconds of computing"), (3, "more memory than")):
            change = {"labels": {"new": version}}
            status, problem = send(server, "PATCH", "/models/rooms", change)
            assert (status, problem["type"]) == (409, "/problems/version-refused")
            assert reason in problem["detail"]
        status, problem = send(server, "POST", "/models/rooms/load")
        assert (status, problem["type"]) == (409, "/problems/version-refused")
        assert list(serving_of(server)["refused"]) == ["2", "3"]
        assert answering(server) == {1}
