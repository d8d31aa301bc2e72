"""What a worker loads: copies first, and nothing that was not tried; and how long it waits."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from service.rollout import state_folder
from service.rollout.agent import Agent
from service.rollout.background import Result, at_once, in_background
from service.rollout.controller import Controller
from service.rollout.inventory import Inventory
from service.rollout.kept_versions import KeptVersions
from service.rollout.loader import Loader
from service.rollout.model_store import FolderStore
from service.rollout.repository import Repository
from service.rollout.state_folder import StateFolder
from tests.bundles import write_table_bundle
from tests.workers import Workers, open_trials, try_here
from vitrine import bundle

VERSION = ("rooms", 1)


def loader_of(folder: Path) -> tuple[Loader, KeptVersions]:
    """Return a loader of the models beside its state."""
    trials = open_trials(folder / "models", folder, run=try_here)
    kept = KeptVersions(folder / "models", folder / "kept", trials)
    return Loader(folder / "models", trials, kept, threads=1, start=at_once), kept


def test_copy_is_loaded_before_the_original(tmp_path: Path) -> None:
    write_table_bundle(tmp_path / "models")
    loader, kept = loader_of(tmp_path)
    kept.take(VERSION)
    (tmp_path / "models/rooms/1" / bundle.ONNX_NAME).write_bytes(b"written over")

    assert loader.begin({VERSION}).refused.result() == {}
    assert set(loader.loaded) == {VERSION}


def test_original_is_loaded_where_the_copy_is_damaged(tmp_path: Path) -> None:
    write_table_bundle(tmp_path / "models")
    loader, kept = loader_of(tmp_path)
    kept.take(VERSION)
    (kept.folder / "rooms/1" / bundle.ONNX_NAME).write_bytes(b"written over")

    assert loader.begin({VERSION}).refused.result() == {}


def test_version_that_nobody_has_tried_is_tried_first(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    loader, _ = loader_of(tmp_path)
    (folder / bundle.GOLDEN_NAME).write_bytes(b"damaged")

    refused = loader.begin({VERSION}).refused.result()

    assert refused == {VERSION: "golden.npz does not have the bytes that were published."}


class Hanging:
    """Begins work that never ends, once it is told to."""

    def __init__(self) -> None:
        self.is_hanging = False

    def __call__(self, work: Callable[[], Result], /) -> "Future[Result]":
        """Begin work."""
        return Future() if self.is_hanging else at_once(work)


def test_worker_that_cannot_load_what_others_can_gives_up(
    workers: Workers, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hanging, gave_up = Hanging(), threading.Event()
    state, trials = StateFolder(workers.folder, process=99), open_trials(store, workers.folder)
    kept = KeptVersions(store, workers.folder / state_folder.VERSIONS, trials)
    loader = Loader(store, trials, kept, threads=1, start=hanging, seconds=0)
    controller = Controller(state, Inventory(FolderStore(store), watch_seconds=0), kept)
    agent = Agent(state, controller, loader, Repository(), give_up=gave_up.set)
    agent.start()
    hanging.is_hanging = True
    write_table_bundle(store, version=2)

    while not gave_up.is_set():
        workers.step()
    while workers.refused() != [{2: "A worker took more than 0 seconds to load the version."}] * 2:
        workers.step()
    agent.stop()

    assert workers.served() == [[1], [1]]
    message = "the worker ends: it cannot load what it should"
    assert message in [record.message for record in caplog.records]


def test_first_worker_that_cannot_load_says_so(store: Path, tmp_path: Path) -> None:
    state_folder.prepare(tmp_path / "state")
    state, hanging = StateFolder(tmp_path / "state"), Hanging()
    hanging.is_hanging = True
    trials = open_trials(store, tmp_path / "state", run=try_here)
    kept = KeptVersions(store, tmp_path / "state/versions", trials)
    loader = Loader(store, trials, kept, threads=1, start=hanging, seconds=0)
    controller = Controller(state, Inventory(FolderStore(store), watch_seconds=0), kept)

    with pytest.raises(TimeoutError, match="took more than 0 seconds"):
        Agent(state, controller, loader, Repository()).start()


def test_error_of_work_in_the_background_is_given_to_whoever_asks() -> None:
    work = in_background(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        work.result()
