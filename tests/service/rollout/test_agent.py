"""Workers that agree: loaded by all before it is served by any, whoever of them ends."""

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from service.errors import ModelNotFound, NotKept, SourceFailed, VersionNotFound, VersionRefused
from service.rollout import state as board
from service.rollout.agent import Agent
from service.rollout.controller import Rules
from service.rollout.desired import DesiredModel
from service.rollout.model_store import FolderStore
from service.rollout.repository import Repository
from service.rollout.state import AgentStatus, Attempt, StateFolder
from service.version_policy import Policy
from tests.bundles import write_table_bundle
from vitrine import bundle
from vitrine.bundle import InvalidBundle
from vitrine.errors import VitrineError


class Fleet:
    """Workers of one process, brought on one step at a time."""

    def __init__(self, models: Path, state: Path, *, policy: Policy = "latest:2") -> None:
        self._models = models
        self.state = state
        self._policy = policy
        self.boards: list[StateFolder] = []
        self.workers: list[Agent] = []
        self.repositories: list[Repository] = []

    def add(self, *, watch_seconds: float = 1e-9) -> Agent:
        """Start one more worker, which looks for new versions at every step."""
        place = StateFolder(self.state, process=len(self.boards) + 1)
        repository = Repository()
        worker = Agent(
            place,
            FolderStore(self._models),
            repository,
            Rules(policy=self._policy, watch_seconds=watch_seconds, notice_seconds=0),
            threads=1,
        )
        place.join()
        self.boards.append(place)
        self.workers.append(worker)
        self.repositories.append(repository)
        return worker

    def step(self, times: int = 1) -> None:
        """Let every worker do what is to be done, in turn."""
        for _ in range(times):
            for worker in self.workers:
                worker.step()

    def served(self) -> list[list[int]]:
        """Return the versions that each worker serves."""
        return [list(found.models.get("rooms", ())) for found in self.repositories]

    def refused(self) -> list[dict[int, str]]:
        """Return what each worker says is refused."""
        return [found.entry("rooms").serving.refused for found in self.repositories]

    def end(self, place: int) -> None:
        """End a worker as a kill would: its locks are dropped."""
        self.boards.pop(place).leave()
        self.workers.pop(place)
        self.repositories.pop(place)

    def wish(self, change: Callable[[DesiredModel], DesiredModel]) -> VitrineError | None:
        """Ask the first worker for something while all go on, and return what it raised."""
        raised: list[VitrineError] = []

        def ask() -> None:
            try:
                self.workers[0].wish("rooms", change)
            except VitrineError as error:
                raised.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        while asking.is_alive():
            self.step()
        asking.join()
        return raised[0] if raised else None


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of models with one version."""
    write_table_bundle(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def fleet(shelf: Path, tmp_path: Path) -> Iterator[Fleet]:
    """Two workers that serve the first version."""
    board.prepare(tmp_path / "state")
    found = Fleet(shelf, tmp_path / "state")
    found.add()
    found.add()
    found.step(3)
    assert found.served() == [[1], [1]]
    yield found
    for place in found.boards:
        place.leave()


def test_new_version_is_loaded_by_all_before_it_is_served_by_any(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    first, second = fleet.workers

    first.step()
    assert fleet.served() == [[1], [1]]
    assert fleet.repositories[0].get("rooms", 2).version == 2
    second.step()
    assert fleet.served() == [[1], [1]]
    assert fleet.repositories[1].get("rooms", 2).version == 2
    first.step()
    assert fleet.served() == [[1, 2], [1]]
    second.step()

    assert fleet.served() == [[1, 2], [1, 2]]
    assert [found.get("rooms").version for found in fleet.repositories] == [2, 2]


def test_version_beyond_the_policy_and_one_that_is_gone_are_dropped(
    fleet: Fleet, shelf: Path
) -> None:
    write_table_bundle(shelf, version=2)
    write_table_bundle(shelf, version=3)
    fleet.step(3)
    assert fleet.served() == [[2, 3], [2, 3]]

    shutil.rmtree(shelf / "rooms/3")
    fleet.step(3)

    assert fleet.served() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("name", [bundle.ONNX_NAME, bundle.GOLDEN_NAME, bundle.MANIFEST_NAME])
def test_damaged_version_is_refused_until_it_is_whole(fleet: Fleet, shelf: Path, name: str) -> None:
    folder = write_table_bundle(shelf, version=2)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])

    fleet.step(4)
    assert fleet.served() == [[1], [1]]
    assert all(list(refused) == [2] and name in refused[2] for refused in fleet.refused())

    (folder / name).write_bytes(whole)
    fleet.step(4)
    assert fleet.served() == [[1, 2], [1, 2]]
    assert fleet.refused() == [{}, {}]


def test_refused_version_is_not_tried_at_every_look(
    fleet: Fleet, shelf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_table_bundle(shelf, version=2)
    (folder / bundle.ONNX_NAME).unlink()

    fleet.step(10)

    assert [record.message for record in caplog.records].count("version refused") == 1


def test_worker_that_starts_later_serves_what_is_served(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    write_table_bundle(shelf, version=3)
    fleet.step(3)

    fleet.add().step()

    assert fleet.served() == [[2, 3]] * 3


def test_nothing_new_is_served_before_a_starting_worker_has_it(fleet: Fleet, shelf: Path) -> None:
    starting = fleet.add()
    write_table_bundle(shelf, version=2)
    for worker in fleet.workers[:2] * 3:
        worker.step()
    assert fleet.served() == [[1], [1], []]

    starting.step()
    fleet.step(2)

    assert fleet.served() == [[1, 2]] * 3


def test_another_worker_leads_on_when_the_leader_ends(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    fleet.workers[0].step()
    fleet.end(0)

    fleet.step(3)

    assert fleet.served() == [[1, 2]]


def test_new_leader_refuses_what_was_refused(fleet: Fleet, shelf: Path) -> None:
    (write_table_bundle(shelf, version=2) / bundle.ONNX_NAME).unlink()
    fleet.step(3)
    plan = fleet.boards[1].served()
    fleet.end(0)

    fleet.step(3)

    assert fleet.boards[0].served() == plan
    assert fleet.served() == [[1]]


def test_version_that_ends_its_leaders_is_given_up(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    versions = (("rooms", 1), ("rooms", 2))
    fleet.boards[0].post_attempt(Attempt(versions=versions, times=3))

    fleet.step(3)

    assert fleet.served() == [[1], [1]]
    assert fleet.refused()[0] == {2: "workers ended while they loaded it."}


def test_served_version_that_a_new_worker_cannot_load_is_kept_by_the_others(
    fleet: Fleet, shelf: Path
) -> None:
    write_table_bundle(shelf, version=2)
    fleet.step(3)
    (shelf / "rooms/2" / bundle.ONNX_NAME).unlink()

    fleet.add()
    fleet.step(4)

    assert fleet.served() == [[1, 2], [1, 2], []]
    write_table_bundle(shelf, version=3)
    fleet.step(4)
    assert fleet.served() == [[2, 3], [2, 3], []]
    assert fleet.wish(lambda wish: msgspec.structs.replace(wish, labels={"stable": 2})) is None


def test_worker_that_could_not_load_what_is_served_tries_again(
    fleet: Fleet, shelf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (shelf / "rooms/1" / bundle.ONNX_NAME).read_bytes()
    (shelf / "rooms/1" / bundle.ONNX_NAME).unlink()
    repository = Repository()
    worker = Agent(
        StateFolder(fleet.state, process=99),
        FolderStore(shelf),
        repository,
        Rules(policy="all", watch_seconds=0),
        threads=1,
    )

    starting = threading.Thread(target=worker.start)
    starting.start()
    while not any(record.message == "cannot load what is served" for record in caplog.records):
        fleet.step()
    assert list(repository.models) == []
    (shelf / "rooms/1" / bundle.ONNX_NAME).write_bytes(whole)
    starting.join()
    worker.stop()

    assert list(repository.models) == ["rooms"]


@pytest.mark.parametrize("loss", [shutil.rmtree, lambda path: shutil.rmtree(path / "rooms")])
def test_lost_models_folder_is_said_to_whoever_asks_for_more(
    fleet: Fleet, shelf: Path, loss: Callable[[Path], None]
) -> None:
    loss(shelf)

    with pytest.raises(SourceFailed, match="The models folder"):
        fleet.workers[0].load("rooms")


def test_version_that_no_worker_can_load_any_more_gives_way(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    fleet.step(3)
    (shelf / "rooms/2" / bundle.ONNX_NAME).unlink()
    fleet.end(0)
    fleet.end(0)

    fleet.add()
    fleet.step(5)

    assert fleet.served() == [[1]]
    assert list(fleet.refused()[0]) == [2]


def test_version_that_ends_its_followers_is_given_up(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    fleet.workers[0].step()
    following = fleet.boards[0].next()
    assert following is not None
    for process in range(100, 103):
        victim = StateFolder(fleet.state, process=process)
        victim.join()
        victim.report(AgentStatus(loading=following.number))
        victim.leave()
        assert fleet.served() == [[1], [1]]
        fleet.workers[0].step()

    fleet.step(3)

    assert fleet.served() == [[1], [1]]
    assert fleet.refused()[0] == {2: "workers ended while they loaded it."}


def test_given_up_version_is_not_tried_by_the_next_leader(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    fleet.boards[0].post_attempt(Attempt(versions=(("rooms", 1), ("rooms", 2)), times=3))
    fleet.step(3)
    fleet.end(0)

    fleet.step(3)

    assert fleet.served() == [[1]]


def test_without_watching_the_next_leader_looks_for_nothing(tmp_path: Path, shelf: Path) -> None:
    board.prepare(tmp_path / "state")
    fleet = Fleet(shelf, tmp_path / "state")
    fleet.add(watch_seconds=0)
    fleet.add(watch_seconds=0)
    fleet.step(3)
    write_table_bundle(shelf, version=2)

    fleet.end(0)
    fleet.step(3)

    assert fleet.served() == [[1]]


def test_copy_that_ends_while_it_is_loaded_is_tried_again(fleet: Fleet, shelf: Path) -> None:
    folder = write_table_bundle(shelf, version=2)
    whole = (folder / bundle.ONNX_NAME).read_bytes()
    (folder / bundle.ONNX_NAME).write_bytes(whole[:-1])
    planner = fleet.workers[0]._planner
    load = planner._load

    def finish(versions: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
        refused = load(versions)
        (folder / bundle.ONNX_NAME).write_bytes(whole)
        return refused

    planner._load = finish
    fleet.step(1)
    planner._load = load
    fleet.step(4)

    assert fleet.served() == [[1, 2], [1, 2]]


def test_wishes_at_once_get_their_own_answers(fleet: Fleet) -> None:
    found: dict[int, str] = {}

    def ask(place: int) -> None:
        label = {f"label{place}": 1 if place % 2 else 99}
        try:
            fleet.workers[place % 2].wish(
                "rooms", lambda wish: msgspec.structs.replace(wish, labels=wish.labels | label)
            )
            found[place] = "served"
        except VersionNotFound:
            found[place] = "not found"

    asking = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in asking:
        thread.start()
    while any(thread.is_alive() for thread in asking):
        fleet.step()

    assert found == {place: "served" if place % 2 else "not found" for place in range(8)}
    labels = fleet.boards[0].wishes().models["rooms"].labels
    assert labels == {f"label{place}": 1 for place in (1, 3, 5, 7)}


@pytest.mark.parametrize("policy", [(99,), (2,)], ids=["absent", "damaged"])
def test_wish_that_is_refused_is_never_served(
    fleet: Fleet, shelf: Path, policy: tuple[int, ...]
) -> None:
    (write_table_bundle(shelf, version=2) / bundle.ONNX_NAME).unlink()
    fleet.step(3)
    plan = fleet.boards[0].served()

    raised = fleet.wish(lambda wish: msgspec.structs.replace(wish, policy=policy))

    assert isinstance(raised, VersionNotFound | VersionRefused)
    assert fleet.boards[0].served() == plan


def test_lost_folder_is_no_reason_to_drop_what_a_new_worker_cannot_load(
    fleet: Fleet, shelf: Path
) -> None:
    shutil.rmtree(shelf)

    fleet.add()
    fleet.step(5)

    assert fleet.served() == [[1], [1], []]


def test_state_that_cannot_be_written_is_said(fleet: Fleet) -> None:
    shutil.rmtree(fleet.state)

    with pytest.raises(NotKept, match="cannot be written: No such file"):
        fleet.workers[0].wish("rooms", lambda wish: wish)


@pytest.mark.parametrize("loss", [shutil.rmtree, lambda path: shutil.rmtree(path / "rooms")])
@pytest.mark.parametrize("ends", [False, True], ids=["same leader", "new leader"])
def test_lost_models_folder_is_no_order_to_unload(
    fleet: Fleet, shelf: Path, loss: Callable[[Path], None], ends: bool
) -> None:
    loss(shelf)
    if ends:
        fleet.end(0)

    fleet.step(3)

    assert all(served == [1] for served in fleet.served())


def test_without_watching_new_versions_wait_for_a_wish(tmp_path: Path, shelf: Path) -> None:
    board.prepare(tmp_path / "state")
    fleet = Fleet(shelf, tmp_path / "state")
    fleet.add(watch_seconds=0)
    fleet.step(3)
    write_table_bundle(shelf, version=2)
    fleet.step(3)
    assert fleet.served() == [[1]]

    assert fleet.wish(lambda wish: wish) is None

    assert fleet.served() == [[1, 2]]


def test_wish_is_answered_when_all_serve_it(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)

    wished = fleet.wish(lambda wish: msgspec.structs.replace(wish, labels={"stable": 1}))

    assert wished is None
    assert fleet.served() == [[1, 2], [1, 2]]
    assert [found.get("rooms").version for found in fleet.repositories] == [1, 1]


def test_wish_outlives_every_worker(fleet: Fleet, shelf: Path) -> None:
    write_table_bundle(shelf, version=2)
    fleet.wish(lambda wish: msgspec.structs.replace(wish, labels={"stable": 1}))
    fleet.end(0)
    fleet.end(0)

    fleet.add().step()

    assert fleet.repositories[0].get("rooms").version == 1


def test_wish_for_a_version_that_is_not_there_changes_nothing(fleet: Fleet) -> None:
    raised = fleet.wish(lambda wish: msgspec.structs.replace(wish, shadow=7))

    assert isinstance(raised, VersionNotFound)
    assert fleet.boards[0].wishes().models == {}


def test_wish_for_a_version_that_is_refused_changes_nothing(fleet: Fleet, shelf: Path) -> None:
    (write_table_bundle(shelf, version=2) / bundle.ONNX_NAME).unlink()

    raised = fleet.wish(lambda wish: msgspec.structs.replace(wish, labels={"stable": 2}))

    assert isinstance(raised, VersionRefused)
    assert "model.onnx cannot be read" in str(raised)
    assert fleet.boards[0].wishes().models == {}
    assert [found.get("rooms").version for found in fleet.repositories] == [1, 1]


def test_wish_for_an_unknown_model_changes_nothing(fleet: Fleet) -> None:
    asked: list[VitrineError] = []

    def ask() -> None:
        try:
            fleet.workers[0].wish("attic", lambda wish: msgspec.structs.replace(wish, shadow=1))
        except ModelNotFound as error:
            asked.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive():
        fleet.step()

    assert len(asked) == 1
    assert fleet.boards[0].wishes().models == {}


def test_first_worker_does_not_start_with_a_model_that_cannot_be_served(
    shelf: Path, tmp_path: Path
) -> None:
    (shelf / "rooms/1" / bundle.ONNX_NAME).write_bytes(b"other")
    board.prepare(tmp_path / "state")
    worker = Fleet(shelf, tmp_path / "state").add()

    with pytest.raises(InvalidBundle, match=r"rooms/1: model\.onnx does not have the bytes"):
        worker.step()


def test_first_worker_starts_with_an_older_version_that_can_be_served(
    fleet: Fleet, shelf: Path, tmp_path: Path
) -> None:
    (write_table_bundle(shelf, version=2) / bundle.ONNX_NAME).unlink()
    board.prepare(tmp_path / "other")
    other = Fleet(shelf, tmp_path / "other")
    other.add()

    other.step(2)

    assert other.served() == [[1]]


def test_unreadable_models_folder_ends_the_start(tmp_path: Path) -> None:
    board.prepare(tmp_path / "state")
    worker = Fleet(tmp_path / "absent", tmp_path / "state").add()

    with pytest.raises(InvalidBundle, match="cannot be read: No such file or directory"):
        worker.step()


def test_started_worker_follows_until_it_is_stopped(
    fleet: Fleet, shelf: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    for other in fleet.boards:
        other.leave()
    repository = Repository()
    rules = Rules(policy="all", watch_seconds=0.01)
    worker = Agent(StateFolder(state), FolderStore(shelf), repository, rules, threads=1)
    swapped = threading.Event()

    worker.start()
    repository.watch(lambda found: swapped.set() if 2 in found.entries["rooms"].versions else None)
    write_table_bundle(shelf, version=2)

    assert swapped.wait(30)
    worker.stop()
    assert StateFolder(state).progress() == []
