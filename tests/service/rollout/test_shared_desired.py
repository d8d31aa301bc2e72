"""What many servers over one store share: read, adopted, changed, and kept where it is lost."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from service.errors import ChangedMeanwhile, NotKept, SourceFailed
from service.rollout import state_folder
from service.rollout.desired import DesiredModel, DesiredState, Edit, Shared
from service.rollout.desired_object import NAME, read_object, write_object
from service.rollout.shared_desired import open_shared_desired
from service.rollout.sources.folder import FolderFile
from service.rollout.sources.source import SourceUnreachable
from service.rollout.state_folder import StateFolder
from tests.bundles import write_table_bundle
from tests.workers import Workers, follow
from vitrine.bundle import InvalidBundle

Change = Callable[[DesiredState], DesiredState]


class File:
    """A file of a store without locks, in memory, that fails and is overwritten where told to."""

    address = "s3://bucket/desired.json"

    def __init__(self, shared: Shared | None = None) -> None:
        self.body = None if shared is None else write_object(shared)
        self.is_failing = False
        # What the next reads return: they are slow, and the file has changed since.
        self.former: list[Shared] = []
        # What other writers write a moment after each of ours.
        self.others: list[Shared] = []
        # How often a write damages the file.
        self.damages = 0

    def read(self, limit: int) -> bytes | None:
        """Return the body."""
        if self.is_failing:
            raise SourceUnreachable("s3://bucket/desired.json cannot be read: AWS error.")
        if self.former:
            return write_object(self.former.pop(0))
        return None if self.body is None else self.body[: limit + 1]

    def write(self, body: bytes, /) -> None:
        """Replace the body."""
        if self.is_failing:
            raise SourceUnreachable("s3://bucket/desired.json cannot be read: AWS error.")
        self.body = write_object(self.others.pop(0)) if self.others else body
        if self.damages:
            self.damages -= 1
            self.body = b"{"

    @contextmanager
    def exclusively(self) -> Iterator[bool]:
        """Promise nothing."""
        yield False

    def kept(self) -> Shared:
        """Return what is in the file."""
        assert self.body is not None
        return read_object(self.body)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """The folder of one server."""
    return new_state(tmp_path / "state")


def new_state(folder: Path) -> StateFolder:
    """Return the folder of a server that starts."""
    state_folder.prepare(folder)
    return StateFolder(folder)


def stable(version: int) -> Edit:
    """Return an edit that labels a version `stable`."""
    return lambda model: msgspec.structs.replace(model, labels={"stable": version})


def editing(name: str, version: int = 1) -> Change:
    """Return a change that labels a version of a model `stable`."""
    return lambda desired: desired.edited(name, stable(version))


def shared(revision: int, *names: str, change: str = "", history: tuple[str, ...] = ()) -> Shared:
    """Return an object in which version 1 of some models is stable."""
    return Shared(
        revision=revision,
        change=change or f"change{revision}",
        history=history or tuple(f"change{number}" for number in range(1, revision)),
        models={name: DesiredModel(labels={"stable": 1}) for name in names},
        asked=dict.fromkeys(names, revision),
    )


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged."""
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def servers(store: Path, tmp_path: Path) -> list[Workers]:
    """Two servers of two workers each, over one folder of models with two versions."""
    write_table_bundle(store, version=2)
    return [new_server(store, tmp_path / f"state{number}") for number in (1, 2)]


def new_server(store: Path, folder: Path) -> Workers:
    """Start a server over a folder of models."""
    state_folder.prepare(folder)
    server = Workers(store, folder, shared=FolderFile(store / NAME))
    for _ in range(2):
        server.add()
    server.step(4)
    return server


def test_change_at_one_server_reaches_the_others(servers: list[Workers]) -> None:
    first, second = servers
    assert (first.answering(), second.answering()) == ([2, 2], [2, 2])

    assert first.change(stable(1)) is None
    second.step(4)
    assert (first.answering(), second.answering()) == ([1, 1], [1, 1])

    assert second.change(stable(2)) is None
    first.step(4)
    assert (first.answering(), second.answering()) == ([2, 2], [2, 2])


def test_server_that_starts_serves_what_the_others_were_told(
    servers: list[Workers], store: Path, tmp_path: Path
) -> None:
    servers[0].change(stable(1))

    assert new_server(store, tmp_path / "state3").answering() == [1, 1]


def test_new_leader_follows_what_the_last_one_followed(servers: list[Workers]) -> None:
    first, second = servers
    second.end(0)
    first.change(stable(1))

    second.step(4)

    assert second.answering() == [1]


def test_model_that_was_asked_for_elsewhere_is_tried_again_here(
    store: Path, state: StateFolder
) -> None:
    file = File(shared(1, "rooms"))
    follower = follow(file, state)
    follower.follow(is_first=True)
    before = state.desired()
    follower.change_desired(editing("attic"))

    after = state.desired()

    assert (before.asked, after.asked) == ({"rooms": 1}, {"rooms": 1, "attic": 2})


def test_revisions_of_a_server_rise_where_two_others_wrote_the_same_one(state: StateFolder) -> None:
    file = File(shared(5, "rooms", change="one"))
    follower = follow(file, state)
    follower.follow(is_first=True)

    file.body = write_object(shared(5, "attic", change="other"))
    follower.follow(is_first=False)

    assert (state.desired().revision, list(state.desired().models)) == (2, ["attic"])


def test_state_of_a_server_holds_until_there_is_an_object(state: StateFolder) -> None:
    state.change_desired(editing("rooms"))
    file = File()
    follower = follow(file, state)
    follower.follow(is_first=True)
    assert (list(state.desired().models), file.body) == (["rooms"], None)

    follower.change_desired(editing("attic"))

    assert sorted(file.kept().models) == ["attic", "rooms"]


def test_change_that_another_writer_overwrote_is_made_again(state: StateFolder) -> None:
    file = File(shared(5))
    file.others.append(shared(6, "attic", change="other"))

    follow(file, state).change_desired(editing("rooms"))

    assert (file.kept().revision, sorted(file.kept().models)) == (7, ["attic", "rooms"])
    assert sorted(state.desired().models) == ["attic", "rooms"]


def test_change_that_is_replaced_by_a_damaged_object_is_made_again(state: StateFolder) -> None:
    file = File(shared(5, "attic"))
    follower = follow(file, state)
    follower.follow(is_first=True)
    file.damages = 1

    follower.change_desired(editing("rooms"))

    assert sorted(file.kept().models) == ["attic", "rooms"]


def test_change_that_is_overwritten_again_and_again_is_refused(state: StateFolder) -> None:
    file = File(shared(5))
    file.others = [shared(revision, "attic", change=f"o{revision}") for revision in range(6, 30)]

    with pytest.raises(ChangedMeanwhile):
        follow(file, state).change_desired(editing("rooms"))

    assert list(file.kept().models) == ["attic"]


def test_change_that_was_overwritten_after_its_answer_is_logged(
    state: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    file = File(shared(5))
    follower = follow(file, state)
    follower.change_desired(editing("rooms"))

    file.body = write_object(shared(6, "attic"))
    follower.follow(is_first=False)

    assert messages(caplog) == ["desired state was changed twice at once"]


def test_object_that_follows_is_no_second_change(
    state: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    file = File(shared(5))
    follower = follow(file, state)
    follower.follow(is_first=True)

    file.body = write_object(shared(9))
    follower.follow(is_first=False)

    assert messages(caplog) == []


@pytest.mark.parametrize("lost", [None, write_object(shared(3, "attic"))], ids=["gone", "older"])
def test_lost_object_is_written_anew(
    state: StateFolder, lost: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = File(shared(5, "rooms"))
    follower = follow(file, state)
    follower.follow(is_first=True)

    file.body = lost
    for _ in range(3):
        follower.follow(is_first=False)

    assert file.kept() == shared(5, "rooms")
    assert list(state.desired().models) == ["rooms"]
    assert messages(caplog) == ["desired state is written anew into the model store"]


def test_object_that_has_changed_since_it_was_read_is_not_overwritten(
    state: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    file = File(shared(5, "rooms"))
    follower = follow(file, state)
    follower.follow(is_first=True)

    file.body = write_object(shared(6, "attic"))
    file.former = [shared(4)]
    follower.follow(is_first=False)

    assert file.kept() == shared(6, "attic")
    assert messages(caplog) == []


BAD = {
    "damaged": b"{",
    "too large": b" " * (2**20 + 1),
    "newer format": b'{"format": 2}',
    "same revision": write_object(msgspec.structs.replace(shared(5), models={})),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_bad_object_is_not_obeyed_and_logged_once(
    state: StateFolder, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = File(shared(5, "rooms"))
    follower = follow(file, state)
    follower.follow(is_first=True)

    file.body = body
    for _ in range(3):
        follower.follow(is_first=False)

    assert list(state.desired().models) == ["rooms"]
    assert file.body == body
    assert messages(caplog) == ["desired state in the model store"]


def test_change_replaces_a_damaged_object(state: StateFolder) -> None:
    file = File(shared(5, "rooms"))
    follower = follow(file, state)
    follower.follow(is_first=True)
    file.body = b"{"

    follower.change_desired(editing("attic"))

    assert (file.kept().revision, sorted(file.kept().models)) == (6, ["attic", "rooms"])


@pytest.mark.parametrize("body", [b"{", b'{"format": 2}'], ids=["damaged", "newer format"])
def test_server_that_cannot_tell_what_is_desired_does_not_start(
    state: StateFolder, body: bytes
) -> None:
    file = File()
    file.body = body

    with pytest.raises(InvalidBundle, match=r"^What is desired is kept in the model store, and "):
        follow(file, state).follow(is_first=True)


def test_server_that_starts_while_the_store_fails_serves_what_it_read_last(
    state: StateFolder, tmp_path: Path
) -> None:
    file, copy = File(shared(5, "rooms")), tmp_path / "cache" / "copy.json"
    follow(file, state, copy=copy).follow(is_first=True)
    file.is_failing = True
    restarted = new_state(tmp_path / "another state")

    follow(file, restarted, copy=copy).follow(is_first=True)

    assert list(restarted.desired().models) == ["rooms"]


def test_server_that_starts_while_the_store_fails_may_know_that_nothing_was_desired(
    state: StateFolder, tmp_path: Path
) -> None:
    file, copy = File(), tmp_path / "copy.json"
    follow(file, state, copy=copy).follow(is_first=True)
    file.is_failing = True
    restarted = new_state(tmp_path / "another state")

    follow(file, restarted, copy=copy).follow(is_first=True)

    assert restarted.desired() == DesiredState()


def test_server_that_starts_while_the_store_fails_and_knows_nothing_ends(
    state: StateFolder, tmp_path: Path
) -> None:
    file = File(shared(5))
    file.is_failing = True

    with pytest.raises(InvalidBundle, match=r"cannot be read: s3://bucket/desired.json cannot"):
        follow(file, state, copy=tmp_path / "copy.json").follow(is_first=True)


def test_one_version_is_no_place_for_a_desired_state(state: StateFolder, tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")

    with pytest.raises(InvalidBundle, match="VITRINE_DESIRED_STATE must be server"):
        open_shared_desired(str(folder), state, copy=None, watch_seconds=1)

    assert not (folder / NAME).exists()


def test_change_while_the_store_fails_changes_nothing(store: Path, tmp_path: Path) -> None:
    file = File(shared(5))
    state_folder.prepare(tmp_path / "state")
    server = Workers(store, tmp_path / "state", shared=file)
    server.add()
    server.step(4)
    before = server.states[0].desired()
    file.is_failing = True

    assert isinstance(server.change(stable(1)), SourceFailed)
    server.step(4)
    assert server.states[0].desired() == before

    file.is_failing = False
    assert server.change(stable(1)) is None


def test_object_of_a_later_release_is_not_overwritten(store: Path, tmp_path: Path) -> None:
    file = File(shared(5))
    state_folder.prepare(tmp_path / "state")
    server = Workers(store, tmp_path / "state", shared=file)
    server.add()
    server.step(4)
    file.body = b'{"format": 2}'

    refused = server.change(stable(1))

    assert isinstance(refused, NotKept)
    assert str(refused).endswith("it has format 2, and this release reads format 1.")
    assert file.body == b'{"format": 2}'
