"""Files in which workers agree: whole or not at all, and locks that end with their process."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from service import board
from service.board import Attempt, Board, Progress
from service.wishes import Plan, Serving, Wish, Wishes

PLAN = Plan(number=3, revision=2, models={"rooms": Serving(versions=(1,), refused={2: "why"})})
LIVING = """
import sys
from pathlib import Path
from service.board import Board
board = Board(Path(sys.argv[1]))
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
    Board(folder).post_next(PLAN)
    other = Board(folder, process=2)

    assert other.next() == PLAN
    assert other.served() is None
    Board(folder).post_served(PLAN)
    assert other.served() == PLAN
    Board(folder).post_served(msgspec.structs.replace(PLAN, number=4))
    assert other.served() == msgspec.structs.replace(PLAN, number=4)


def test_new_server_keeps_the_wishes_alone(folder: Path) -> None:
    first = Board(folder)
    first.join()
    first.change_wishes(lambda _: Wishes(models={"rooms": Wish(shadow=2)}))
    first.post_next(PLAN)
    first.post_served(PLAN)
    first.post_attempt(Attempt(versions=(("rooms", 1),), times=1))

    board.prepare(folder)

    second = Board(folder)
    assert second.wishes() == Wishes(revision=1, models={"rooms": Wish(shadow=2)})
    assert (second.next(), second.served(), second.attempt()) == (None, None, None)
    assert second.progress() == []


def test_changes_at_once_are_all_kept(folder: Path) -> None:
    def add(name: str) -> None:
        Board(folder).change_wishes(
            lambda wishes: msgspec.structs.replace(wishes, models={**wishes.models, name: Wish()})
        )

    threads = [threading.Thread(target=add, args=(f"m{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wishes = Board(folder).wishes()
    assert wishes.revision == 20
    assert len(wishes.models) == 20


def test_failed_change_changes_nothing(folder: Path) -> None:
    def fail(_: Wishes) -> Wishes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Board(folder).change_wishes(fail)

    assert Board(folder).wishes() == Wishes()


def test_progress_is_of_the_living(folder: Path) -> None:
    one, two = Board(folder, process=1), Board(folder, process=2)
    one.join()
    two.join()
    two.report(Progress(loaded=3, serving=2, refused={"rooms": {4: "why"}}))

    assert sorted(found.loaded for found in one.progress()) == [0, 3]
    two.leave()
    assert [found.loaded for found in one.progress()] == [0]


def test_one_leads_until_it_leaves(folder: Path) -> None:
    one, two = Board(folder, process=1), Board(folder, process=2)

    assert (one.lead(), two.lead(), one.lead()) == (True, False, True)
    one.leave()
    assert two.lead()


def test_killed_worker_neither_lives_nor_leads(folder: Path) -> None:
    living = subprocess.Popen(
        [sys.executable, "-c", LIVING, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert living.stdout is not None
    assert living.stdout.readline() == b"True\n"
    survivor = Board(folder)
    survivor.join()
    assert (len(survivor.progress()), survivor.lead()) == (2, False)

    os.kill(living.pid, signal.SIGKILL)
    living.communicate()

    assert (len(survivor.progress()), survivor.lead()) == (1, True)


def test_file_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    (folder / "served.json").mkdir()

    with pytest.raises(OSError, match="directory"):
        Board(folder).post_served(PLAN)

    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_attempt_is_forgotten_when_it_ended(folder: Path) -> None:
    attempt = Attempt(versions=(("rooms", 1),), times=2)
    Board(folder).post_attempt(attempt)
    assert Board(folder).attempt() == attempt

    Board(folder).post_attempt(None)

    assert Board(folder).attempt() is None
