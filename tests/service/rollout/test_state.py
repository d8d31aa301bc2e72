"""Files in which workers agree: whole or not at all, and locks that end with their process."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from service.rollout import state as board
from service.rollout.desired import DesiredModel, DesiredState, Rollout, ServedModel
from service.rollout.state import AgentStatus, Attempt, StateFolder

PLAN = Rollout(
    number=3, revision=2, models={"rooms": ServedModel(versions=(1,), refused={2: "why"})}
)
LIVING = """
import sys
from pathlib import Path
from service.rollout.state import StateFolder
board = StateFolder(Path(sys.argv[1]))
board.join()
print(board.lead(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is ready for workers."""
    board.prepare(tmp_path)
    return tmp_path


def test_plans_are_read_by_others(folder: Path) -> None:
    StateFolder(folder).post_next(PLAN)
    other = StateFolder(folder, process=2)

    assert other.next() == PLAN
    assert other.served() is None
    StateFolder(folder).post_served(PLAN)
    assert other.served() == PLAN
    StateFolder(folder).post_served(msgspec.structs.replace(PLAN, number=4))
    assert other.served() == msgspec.structs.replace(PLAN, number=4)


def test_new_server_keeps_the_wishes_alone(folder: Path) -> None:
    first = StateFolder(folder)
    first.join()
    first.change_wishes(lambda _: DesiredState(models={"rooms": DesiredModel(shadow=2)}))
    first.post_next(PLAN)
    first.post_served(PLAN)
    first.post_attempt(Attempt(versions=(("rooms", 1),), times=1))

    board.prepare(folder)

    second = StateFolder(folder)
    assert second.wishes() == DesiredState(revision=1, models={"rooms": DesiredModel(shadow=2)})
    assert (second.next(), second.served(), second.attempt()) == (None, None, None)
    assert second.progress() == []


def test_changes_at_once_are_all_kept(folder: Path) -> None:
    def add(name: str) -> None:
        StateFolder(folder).change_wishes(
            lambda wishes: msgspec.structs.replace(
                wishes, models={**wishes.models, name: DesiredModel()}
            )
        )

    threads = [threading.Thread(target=add, args=(f"m{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wishes = StateFolder(folder).wishes()
    assert wishes.revision == 20
    assert len(wishes.models) == 20


def test_failed_change_changes_nothing(folder: Path) -> None:
    def fail(_: DesiredState) -> DesiredState:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        StateFolder(folder).change_wishes(fail)

    assert StateFolder(folder).wishes() == DesiredState()


def test_progress_is_of_the_living(folder: Path) -> None:
    one, two = StateFolder(folder, process=1), StateFolder(folder, process=2)
    one.join()
    two.join()
    two.report(AgentStatus(loaded=3, serving=2, refused={"rooms": {4: "why"}}))

    assert sorted(found.loaded for found in one.progress()) == [0, 3]
    two.leave()
    assert [found.loaded for found in one.progress()] == [0]


def test_one_leads_until_it_leaves(folder: Path) -> None:
    one, two = StateFolder(folder, process=1), StateFolder(folder, process=2)

    assert (one.lead(), two.lead(), one.lead()) == (True, False, True)
    one.leave()
    assert two.lead()


def test_killed_worker_neither_lives_nor_leads(folder: Path) -> None:
    living = subprocess.Popen(
        [sys.executable, "-c", LIVING, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert living.stdout is not None
    assert living.stdout.readline() == b"True\n"
    survivor = StateFolder(folder)
    survivor.join()
    assert (len(survivor.progress()), survivor.lead()) == (2, False)

    os.kill(living.pid, signal.SIGKILL)
    living.communicate()

    assert (len(survivor.progress()), survivor.lead()) == (1, True)


def test_file_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    (folder / "served.json").mkdir()

    with pytest.raises(OSError, match="directory"):
        StateFolder(folder).post_served(PLAN)

    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_attempt_is_forgotten_when_it_ended(folder: Path) -> None:
    attempt = Attempt(versions=(("rooms", 1),), times=2)
    StateFolder(folder).post_attempt(attempt)
    assert StateFolder(folder).attempt() == attempt

    StateFolder(folder).post_attempt(None)

    assert StateFolder(folder).attempt() is None
