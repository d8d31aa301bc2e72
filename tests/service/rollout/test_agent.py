"""Agents: loaded by all before it is served by any, and swapped at one moment."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from service.rollout import state_folder
from service.rollout.agent import Agent
from service.rollout.controller import Controller
from service.rollout.inventory import Inventory
from service.rollout.kept_versions import KeptVersions
from service.rollout.loader import Loader
from service.rollout.model_store import FolderStore
from service.rollout.repository import Repository
from service.rollout.state_folder import VERSIONS, StateFolder
from tests.bundles import write_table_bundle
from tests.traffic import publish_whole
from tests.workers import Workers, open_trials, try_here
from vitrine import bundle
from vitrine.bundle import InvalidBundle


def agent_of(
    folder: Path, store: Path, repository: Repository, *, watch_seconds: float = 0
) -> Agent:
    """Return an agent with a process number of its own."""
    state, trials = (
        StateFolder(folder, policy="all", process=99),
        open_trials(store, folder, run=try_here),
    )
    kept = KeptVersions(store, folder / VERSIONS, trials)
    loader = Loader(store, trials, kept, threads=1)
    inventory = Inventory(FolderStore(store), watch_seconds=watch_seconds)
    controller = Controller(state, inventory, kept)
    return Agent(state, controller, loader, repository)


def test_new_version_is_loaded_by_all_before_it_is_served_by_any(
    workers: Workers, store: Path
) -> None:
    write_table_bundle(store, version=2)
    first, second = workers.agents

    first.step()
    assert workers.served() == [[1], [1]]
    assert workers.repositories[0].get("rooms", 2).version == 2
    second.step()
    assert workers.served() == [[1], [1]]
    assert workers.repositories[1].get("rooms", 2).version == 2
    first.step()
    assert workers.served() == [[1, 2], [1]]
    second.step()

    assert workers.served() == [[1, 2], [1, 2]]
    assert workers.answering() == [2, 2]


def test_agent_that_starts_later_serves_what_is_served(workers: Workers, store: Path) -> None:
    write_table_bundle(store, version=2)
    write_table_bundle(store, version=3)
    workers.step(3)

    workers.add().step()

    assert workers.served() == [[2, 3]] * 3


def test_nothing_new_is_served_before_a_starting_agent_has_it(
    workers: Workers, store: Path
) -> None:
    starting = workers.add()
    write_table_bundle(store, version=2)
    for agent in workers.agents[:2] * 3:
        agent.step()
    assert workers.served() == [[1], [1], []]

    starting.step()
    workers.step(2)

    assert workers.served() == [[1, 2]] * 3


def test_served_version_that_a_new_agent_cannot_load_is_kept_by_the_others(
    workers: Workers, store: Path
) -> None:
    write_table_bundle(store, version=2)
    workers.step(3)
    (store / "rooms/2" / bundle.ONNX_NAME).unlink()
    workers.lose_copies()

    workers.add()
    workers.step(4)

    assert workers.served() == [[1, 2], [1, 2], []]
    write_table_bundle(store, version=3)
    workers.step(4)
    assert workers.served() == [[2, 3], [2, 3], []]
    changed = workers.change(lambda model: msgspec.structs.replace(model, labels={"stable": 2}))
    assert changed is None


def test_agent_that_could_not_load_what_is_served_tries_again(
    workers: Workers, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (store / "rooms/1" / bundle.ONNX_NAME).read_bytes()
    (store / "rooms/1" / bundle.ONNX_NAME).unlink()
    workers.lose_copies()
    repository = Repository()
    agent = agent_of(workers.folder, store, repository)

    starting = threading.Thread(target=agent.start)
    starting.start()
    while not any(record.message == "cannot load what is served" for record in caplog.records):
        workers.step()
    assert list(repository.models) == []
    (store / "rooms/1" / bundle.ONNX_NAME).write_bytes(whole)
    starting.join()
    agent.stop()

    assert list(repository.models) == ["rooms"]


def test_lost_folder_is_no_reason_to_drop_what_a_new_agent_cannot_load(
    workers: Workers, store: Path
) -> None:
    shutil.rmtree(store)
    workers.lose_copies()

    workers.add()
    workers.step(5)

    assert workers.served() == [[1], [1], []]


@pytest.mark.parametrize(
    "damage",
    [shutil.rmtree, lambda store: (store / "rooms/1" / bundle.ONNX_NAME).write_bytes(b"other")],
    ids=["lost folder", "file written over"],
)
def test_new_agent_serves_what_the_others_serve_whatever_becomes_of_the_store(
    workers: Workers, store: Path, damage: Callable[[Path], object]
) -> None:
    damage(store)
    workers.end(0)
    workers.end(0)

    workers.add()
    workers.step(5)

    assert workers.served() == [[1]]
    assert workers.answering() == [1]


def test_copies_of_versions_that_are_served_no_more_are_deleted(
    workers: Workers, store: Path
) -> None:
    for version in (2, 3, 4):
        write_table_bundle(store, version=version)
        workers.step(3)

    copies = [path.name for path in (workers.folder / VERSIONS / "rooms").iterdir()]
    assert sorted(copies) == ["3", "4"]


def test_first_agent_does_not_start_with_a_model_that_cannot_be_served(
    store: Path, tmp_path: Path
) -> None:
    (store / "rooms/1" / bundle.ONNX_NAME).write_bytes(b"other")
    state_folder.prepare(tmp_path / "state")
    agent = Workers(store, tmp_path / "state").add()

    with pytest.raises(InvalidBundle, match=r"rooms/1: model\.onnx does not have the bytes"):
        agent.step()


def test_first_agent_starts_with_an_older_version_that_can_be_served(
    store: Path, tmp_path: Path
) -> None:
    (write_table_bundle(store, version=2) / bundle.ONNX_NAME).unlink()
    state_folder.prepare(tmp_path / "state")
    workers = Workers(store, tmp_path / "state")
    workers.add()

    workers.step(2)

    assert workers.served() == [[1]]


def test_unreadable_models_folder_ends_the_start(tmp_path: Path) -> None:
    state_folder.prepare(tmp_path / "state")
    agent = Workers(tmp_path / "absent", tmp_path / "state").add()

    with pytest.raises(InvalidBundle, match="cannot be read: No such file or directory"):
        agent.step()


def test_started_agent_follows_until_it_is_stopped(workers: Workers, store: Path) -> None:
    for other in workers.states:
        other.leave()
    repository = Repository()
    agent = agent_of(workers.folder, store, repository, watch_seconds=0.01)
    swapped = threading.Event()

    agent.start()
    repository.watch(lambda current: swapped.set() if 2 in current["rooms"].versions else None)
    # Whole, as versions are published: a part of one would be refused first.
    publish_whole(store, 2, staging=store.parent / "staging")

    assert swapped.wait(30)
    agent.stop()
    assert StateFolder(workers.folder).agents().living == ()
