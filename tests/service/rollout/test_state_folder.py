"""Files that workers share: whole or not at all, and locks that end with their process."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from service.rollout import state_folder
from service.rollout.desired import DesiredModel, DesiredState
from service.rollout.observed import Agents, AgentStatus
from service.rollout.served import Rollout, Rollouts, ServedModel
from service.rollout.state_folder import StateFolder
from tests.traffic import until

ROLLOUT = Rollout(
    number=3, revision=2, models={"rooms": ServedModel(versions=(1,), refused={2: "why"})}
)
DESIRED = DesiredState(models={"rooms": DesiredModel(labels={"stable": 1})})
LIVING = """
import sys
from pathlib import Path
from service.rollout.state_folder import StateFolder
from tests.traffic import until
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
    rollout = msgspec.structs.replace(ROLLOUT, revision=1)
    first.announce(rollout)
    first.promote(rollout)

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


DAMAGES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "overwritten": lambda path: path.write_bytes(b"\xff\x00"),
    "as if new": lambda path: path.write_bytes(b"{}"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["next.json", "served.json"])
def test_lost_rollout_is_written_anew_by_whoever_knows_it(
    folder: Path, name: str, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    state = StateFolder(folder)
    state.announce(ROLLOUT)
    state.promote(ROLLOUT)

    damage(folder / name)

    assert state.rollouts() == Rollouts(served=ROLLOUT, next=ROLLOUT)
    assert StateFolder(folder).rollouts() == Rollouts(served=ROLLOUT, next=ROLLOUT)
    assert [record.message for record in caplog.records] == [
        "state file was damaged, and is written anew"
    ]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_lost_desired_state_is_written_anew_by_the_one_that_leads(
    folder: Path, damage: Callable[[Path], object]
) -> None:
    state = StateFolder(folder)
    for revision in (1, 2):
        state.change_desired(lambda _: DESIRED)
        assert state.restored_desired(None).revision == revision

    damage(folder / "desired.json")

    kept = msgspec.structs.replace(DESIRED, revision=2)
    assert state.restored_desired(None) == kept
    assert StateFolder(folder).desired() == kept


def test_desired_state_that_nobody_knows_is_made_of_what_is_served(folder: Path) -> None:
    served = Rollout(
        number=3,
        revision=7,
        models={
            "rooms": ServedModel(labels={"stable": 1}, policy="latest:2"),
            "attic": ServedModel(policy="latest:2"),
            "cellar": ServedModel(loaded=False, policy=(1, 3)),
        },
    )
    (folder / "desired.json").unlink()

    desired = StateFolder(folder).restored_desired(served)

    assert desired == DesiredState(
        revision=7,
        models={
            "rooms": DesiredModel(labels={"stable": 1}),
            "cellar": DesiredModel(loaded=False, policy=(1, 3)),
        },
    )
    assert StateFolder(folder).desired() == desired


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_change_of_a_damaged_state_waits_until_it_is_written_anew(
    folder: Path, damage: Callable[[Path], object]
) -> None:
    state = StateFolder(folder)
    state.change_desired(lambda _: DESIRED)
    state.restored_desired(None)
    state.promote(Rollout(number=1, revision=1))
    damage(folder / "desired.json")
    changes: list[DesiredState] = []

    changing = threading.Thread(
        target=lambda: changes.append(StateFolder(folder).change_desired(lambda state: state))
    )
    changing.start()
    until((folder / "desired.lock").exists)
    state.restored_desired(None)
    changing.join()

    assert changes == [msgspec.structs.replace(DESIRED, revision=2)]


def test_few_damaged_files_are_kept(folder: Path) -> None:
    state = StateFolder(folder)
    state.announce(ROLLOUT)
    for damage in (b"1", b"2", b"3", b"4"):
        (folder / "next.json").write_bytes(damage)
        state.rollouts()

    kept = {path.name: path.read_bytes() for path in folder.glob("next.json.*")}
    assert kept == {
        "next.json.damaged-1": b"1",
        "next.json.damaged-2": b"2",
        "next.json.damaged-3": b"4",
    }


def test_lost_folder_is_made_anew(folder: Path) -> None:
    one, two = StateFolder(folder, process=1), StateFolder(folder, process=2)
    for state in (one, two):
        state.join()
    assert one.lead()
    one.report(AgentStatus(loaded=3))
    one.announce(ROLLOUT)
    shutil.rmtree(folder)

    for state in (one, two):
        state.stay()

    assert one.rollouts().next == ROLLOUT
    assert sorted(agent.loaded for agent in two.agents().living) == [0, 3]
    assert one.lead()
    assert not two.lead()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("suffix", ["", ".json"], ids=["lock", "status"])
def test_agent_stays_whatever_becomes_of_its_files(
    folder: Path, suffix: str, damage: Callable[[Path], object]
) -> None:
    state = StateFolder(folder, process=1)
    state.join()
    state.report(AgentStatus(loaded=3))
    (lock,) = (path for path in (folder / "agents").iterdir() if not path.suffix)

    damage(lock.with_name(lock.name + suffix))
    state.stay()

    assert StateFolder(folder).agents() == Agents(living=(AgentStatus(loaded=3),))


def test_lead_is_taken_anew_where_its_lock_is_gone(folder: Path) -> None:
    one, two = StateFolder(folder, process=1), StateFolder(folder, process=2)
    assert one.lead()
    (folder / "controller.lock").unlink()

    assert two.lead()
    assert not one.lead()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_new_server_serves_what_was_served_where_the_desired_state_is_lost(
    folder: Path, damage: Callable[[Path], object]
) -> None:
    served = Rollout(number=3, revision=2, models={"rooms": ServedModel(labels={"stable": 1})})
    StateFolder(folder).promote(served)
    damage(folder / "desired.json")

    warning = state_folder.prepare(folder, policy="all")

    assert StateFolder(folder).desired().models == {"rooms": DesiredModel(labels={"stable": 1})}
    assert warning is not None
    assert warning.endswith("was damaged and is written anew: it is what was served before.")


def test_new_server_starts_with_a_damaged_state_alone(folder: Path) -> None:
    (folder / "desired.json").write_bytes(b"damaged")

    warning = state_folder.prepare(folder)

    assert warning is not None
    assert warning.endswith("nothing is desired now.")
    assert (folder / "desired.json.damaged-1").read_bytes() == b"damaged"


def test_first_server_has_nothing_to_warn_of(tmp_path: Path) -> None:
    assert state_folder.prepare(tmp_path / "state") is None
    assert StateFolder(tmp_path / "state").desired() == DesiredState()
