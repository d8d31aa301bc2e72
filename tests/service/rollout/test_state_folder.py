"""Files that workers share: whole or not at all, and locks that end with their process."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from service.rollout import state_folder
from service.rollout.desired import DesiredModel, DesiredState
from service.rollout.observed import Agents, AgentStatus
from service.rollout.served import Rollout, Rollouts, ServedModel
from service.rollout.state_folder import StateFolder

ROLLOUT = Rollout(
    number=3, revision=2, models={"rooms": ServedModel(versions=(1,), refused={2: "why"})}
)
LIVING = """
import sys
from pathlib import Path
from service.rollout.state_folder import StateFolder
state = StateFolder(Path(sys.argv[1]))
state.join()
print(state.lead(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is ready for workers."""
    state_folder.prepare(tmp_path)
    return tmp_path


def test_rollouts_are_read_by_others(folder: Path) -> None:
    StateFolder(folder).announce(ROLLOUT)
    other = StateFolder(folder, process=2)

    assert other.rollouts() == Rollouts(served=None, next=ROLLOUT)
    StateFolder(folder).promote(ROLLOUT)
    assert other.served() == ROLLOUT
    StateFolder(folder).promote(msgspec.structs.replace(ROLLOUT, number=4))
    assert other.served() == msgspec.structs.replace(ROLLOUT, number=4)


def test_new_server_keeps_the_desired_state_alone(folder: Path) -> None:
    first = StateFolder(folder)
    first.join()
    first.change_desired(lambda _: DesiredState(models={"rooms": DesiredModel(shadow=2)}))
    first.announce(ROLLOUT)
    first.promote(ROLLOUT)

    state_folder.prepare(folder)

    second = StateFolder(folder)
    assert second.desired() == DesiredState(revision=1, models={"rooms": DesiredModel(shadow=2)})
    assert (second.rollouts(), second.agents()) == (Rollouts(), Agents())


def test_desired_state_of_an_earlier_release_is_kept(tmp_path: Path) -> None:
    desired = DesiredState(revision=3, models={"rooms": DesiredModel(labels={"stable": 1})})
    (tmp_path / "wishes.json").write_bytes(msgspec.json.encode(desired))

    state_folder.prepare(tmp_path)

    assert StateFolder(tmp_path).desired() == desired
    assert not (tmp_path / "wishes.json").exists()


def test_changes_at_once_are_all_kept(folder: Path) -> None:
    def add(name: str) -> None:
        StateFolder(folder).change_desired(
            lambda state: msgspec.structs.replace(
                state, models={**state.models, name: DesiredModel()}
            )
        )

    threads = [threading.Thread(target=add, args=(f"m{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    desired = StateFolder(folder).desired()
    assert desired.revision == 20
    assert len(desired.models) == 20


def test_failed_change_changes_nothing(folder: Path) -> None:
    def fail(_: DesiredState) -> DesiredState:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        StateFolder(folder).change_desired(fail)

    assert StateFolder(folder).desired() == DesiredState()


def test_agents_live_until_they_leave_and_are_dead_until_forgotten(folder: Path) -> None:
    one, two = StateFolder(folder, process=1), StateFolder(folder, process=2)
    one.join()
    two.join()
    status = AgentStatus(loaded=3, serving=2, refused={"rooms": {4: "why"}})
    two.report(status)
    assert sorted(agent.loaded for agent in one.agents().living) == [0, 3]

    two.leave()

    assert [agent.loaded for agent in one.agents().living] == [0]
    assert list(one.agents().dead.values()) == [status]
    one.forget(one.agents().dead)
    assert one.agents() == Agents(living=(AgentStatus(),))
    assert len(list((folder / "agents").iterdir())) == 2


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
    assert (len(survivor.agents().living), survivor.lead()) == (2, False)

    os.kill(living.pid, signal.SIGKILL)
    living.communicate()

    assert (len(survivor.agents().living), survivor.lead()) == (1, True)


def test_file_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    (folder / "served.json").mkdir()

    with pytest.raises(OSError, match="directory"):
        StateFolder(folder).promote(ROLLOUT)

    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
