"""Which version of a model answers a request."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from tests.bundles import (
    table_manifest,
)
from tests.fakes import price
from vitrine.model import Model


def rooms(*versions: int) -> dict[str, dict[int, Model]]:
    """Return one model in some versions."""
    return {
        "rooms": {version: Model(table_manifest(version=version), price) for version in versions}
    }


def loaded(*versions: int) -> dict[tuple[str, int], Model]:
    """Return some versions of the model, loaded."""
    return {("rooms", version): model for version, model in rooms(*versions)["rooms"].items()}


SECOND = {"rooms": ServedModel(versions=(2,), default=2)}


def serving(repository: Repository, **changes: Any) -> Repository:
    """Serve the same versions in another way."""
    entry = repository.entry("rooms")
    changed = msgspec.structs.replace(entry.serving, **changes)
    repository.swap({"rooms": changed}, loaded(*entry.versions))
    return repository


def test_latest_version_answers_when_none_is_named() -> None:
    repository = Repository(rooms(2, 10))

    assert repository.get("rooms").version == 10
    assert repository.get("rooms", 2).version == 2


def test_unknown_model_version_and_label_are_not_found() -> None:
    repository = Repository(rooms(1))

    with pytest.raises(ModelNotFound):
        repository.get("room")
    with pytest.raises(VersionNotFound):
        repository.get("rooms", 2)
    with pytest.raises(LabelNotFound):
        repository.get("rooms", label="stable")


def test_label_finds_its_version() -> None:
    repository = serving(Repository(rooms(1, 2)), labels={"old": 1})

    assert repository.get("rooms", label="old").version == 1
    assert repository.get("rooms").version == 2


@pytest.mark.parametrize(("drawn", "version"), [(0.0, 2), (0.24, 2), (0.25, 1), (0.9, 1)])
def test_canary_answers_its_share_of_those_who_ask_for_no_version(
    drawn: float, version: int
) -> None:
    repository = Repository(rooms(1, 2), draw=lambda: drawn)
    repository = serving(repository, default=1, labels={"canary": 2}, canary_share=0.25)

    assert repository.get("rooms").version == version
    assert repository.get("rooms", 1).version == 1
    assert repository.default("rooms").version == 1


def test_model_without_a_served_version_says_why() -> None:
    repository = Repository()
    refused = ServedModel(refused={3: "model.onnx is missing."})
    repository.swap({"rooms": refused, "attic": ServedModel(loaded=False)}, {})

    with pytest.raises(ModelUnavailable, match=r"Version 3: model\.onnx is missing\."):
        repository.get("rooms")
    with pytest.raises(ModelUnavailable, match="It was unloaded"):
        repository.get("attic")
    assert repository.models == {}


def test_staged_version_is_found_by_number_only() -> None:
    repository = Repository(rooms(1))
    repository.stage({("rooms", 2): rooms(2)["rooms"][2]})

    assert repository.get("rooms", 2).version == 2
    assert repository.get("rooms").version == 1
    assert list(repository.models["rooms"]) == [1]


def test_swap_replaces_what_is_served_whole() -> None:
    repository = Repository(rooms(1))
    before = repository.current

    repository.swap(SECOND, loaded(1, 2))

    assert list(before["rooms"].versions) == [1]
    assert list(repository.current["rooms"].versions) == [2]
    assert repository.get("rooms").version == 2


class Clock:
    """A clock that a sleep sets forward."""

    def __init__(self) -> None:
        self.now = 100.0
        self.on_sleep: Callable[[], object] = lambda: None

    def read(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Do what a test does meanwhile, then let the time pass."""
        self.on_sleep()
        self.now += seconds


def test_swap_waits_for_its_moment_and_reading_changes_nothing() -> None:
    clock = Clock()
    repository = Repository(rooms(1), clock=clock.read, sleep=clock.sleep)
    seen: list[list[int]] = []
    early: list[int] = []
    repository.watch(lambda current: seen.append(list(current["rooms"].versions)))
    clock.on_sleep = lambda: early.append(repository.get("rooms").version)

    repository.swap(SECOND, loaded(1, 2), at=100.2)

    assert early == [1]
    assert repository.get("rooms").version == 2
    assert (clock.now, seen) == (100.2, [[1], [2]])


def test_swap_has_its_moment_though_its_thread_wakes_up_late() -> None:
    clock = Clock()
    repository = Repository(rooms(1), clock=clock.read, sleep=clock.sleep)
    seen: list[int] = []

    def sleep_too_long() -> None:
        clock.now = 100.3
        seen.append(repository.get("rooms").version)

    clock.on_sleep = sleep_too_long
    repository.swap(SECOND, loaded(1, 2), at=100.2)

    assert seen == [2]


def test_watcher_sees_what_is_served_now_and_later() -> None:
    seen = []
    repository = Repository(rooms(1))
    repository.watch(lambda current: seen.append(current["rooms"].serving.shadow))

    serving(repository, shadow=1)

    assert seen == [None, 1]
