"""The controller over real files: what it tries and refuses, and what another one takes over."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from service.rollout import state_folder
from service.rollout.observed import AgentStatus
from service.rollout.state_folder import StateFolder
from service.rollout.trial import Outcome, Request
from tests.bundles import write_table_bundle
from tests.workers import Workers, try_here
from vitrine import bundle

GIVEN_UP = "Three workers ended while they loaded this version."


def test_version_beyond_the_policy_and_one_that_is_gone_are_dropped(
    workers: Workers, store: Path
) -> None:
    write_table_bundle(store, version=2)
    write_table_bundle(store, version=3)
    workers.step(3)
    assert workers.served() == [[2, 3], [2, 3]]

    shutil.rmtree(store / "rooms/3")
    workers.step(3)

    assert workers.served() == [[1, 2], [1, 2]]


def test_version_that_answers_only_by_number_leaves_the_default_in_service(
    workers: Workers, store: Path
) -> None:
    for version in (2, 3, 4):
        write_table_bundle(store, version=version, default=False)

    workers.step(3)

    assert workers.served() == [[1, 3, 4], [1, 3, 4]]
    assert workers.answering() == [1, 1]


@pytest.mark.parametrize("name", [bundle.ONNX_NAME, bundle.GOLDEN_NAME, bundle.MANIFEST_NAME])
def test_damaged_version_is_refused_until_it_is_whole(
    workers: Workers, store: Path, name: str
) -> None:
    folder = write_table_bundle(store, version=2)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])

    workers.step(4)
    assert workers.served() == [[1], [1]]
    assert all(list(refused) == [2] and name in refused[2] for refused in workers.refused())

    (folder / name).write_bytes(whole)
    workers.step(4)
    assert workers.served() == [[1, 2], [1, 2]]
    assert workers.refused() == [{}, {}]


def test_refused_version_is_not_tried_at_every_listing(
    workers: Workers, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_table_bundle(store, version=2)
    (folder / bundle.ONNX_NAME).unlink()

    workers.step(10)

    assert [record.message for record in caplog.records].count("version refused") == 1


def test_another_worker_leads_on_when_the_leader_ends(workers: Workers, store: Path) -> None:
    write_table_bundle(store, version=2)
    workers.agents[0].step()
    workers.end(0)

    workers.step(3)

    assert workers.served() == [[1, 2]]


def test_new_leader_refuses_what_was_refused(workers: Workers, store: Path) -> None:
    (write_table_bundle(store, version=2) / bundle.ONNX_NAME).unlink()
    workers.step(3)
    rollout = workers.states[1].served()
    workers.end(0)

    workers.step(3)

    assert workers.states[0].served() == rollout
    assert workers.served() == [[1]]


def test_version_that_no_agent_can_load_any_more_gives_way(workers: Workers, store: Path) -> None:
    write_table_bundle(store, version=2)
    workers.step(3)
    (store / "rooms/2" / bundle.ONNX_NAME).unlink()
    workers.lose_copies()
    workers.end(0)
    workers.end(0)

    workers.add()
    workers.step(5)

    assert workers.served() == [[1]]
    assert list(workers.refused()[0]) == [2]


def test_version_that_ends_its_followers_is_given_up(workers: Workers, store: Path) -> None:
    write_table_bundle(store, version=2)
    workers.agents[0].step()
    following = workers.states[0].rollouts().next
    assert following is not None
    for process in range(100, 103):
        victim = StateFolder(workers.folder, process=process)
        victim.join()
        victim.report(AgentStatus(loading=following.number))
        victim.leave()
        assert workers.served() == [[1], [1]]
        workers.agents[0].step()

    workers.step(3)

    assert workers.served() == [[1], [1]]
    assert workers.refused()[0] == {2: GIVEN_UP}
    assert workers.states[0].agents().dead == {}


def test_without_watching_the_next_leader_lists_nothing(tmp_path: Path, store: Path) -> None:
    state_folder.prepare(tmp_path / "state")
    workers = Workers(store, tmp_path / "state")
    workers.add(watch_seconds=0)
    workers.add(watch_seconds=0)
    workers.step(3)
    write_table_bundle(store, version=2)

    workers.end(0)
    workers.step(3)

    assert workers.served() == [[1]]


def test_without_watching_new_versions_wait_for_a_change(tmp_path: Path, store: Path) -> None:
    state_folder.prepare(tmp_path / "state")
    workers = Workers(store, tmp_path / "state")
    workers.add(watch_seconds=0)
    workers.step(3)
    write_table_bundle(store, version=2)
    workers.step(3)
    assert workers.served() == [[1]]

    assert workers.change(lambda model: model) is None

    assert workers.served() == [[1, 2]]


def test_copy_that_ends_while_it_is_tried_is_tried_again(store: Path, tmp_path: Path) -> None:
    folder = write_table_bundle(store, version=2)
    whole = (folder / bundle.ONNX_NAME).read_bytes()
    (folder / bundle.ONNX_NAME).write_bytes(whole[:-1])

    def try_and_finish(request: Request) -> Outcome:
        outcome = try_here(request)
        (folder / bundle.ONNX_NAME).write_bytes(whole)
        return outcome

    state_folder.prepare(tmp_path / "state")
    workers = Workers(store, tmp_path / "state", run_trial=try_and_finish)
    workers.add()
    workers.step(5)

    assert workers.served() == [[1, 2]]


@pytest.mark.parametrize("loss", [shutil.rmtree, lambda path: shutil.rmtree(path / "rooms")])
@pytest.mark.parametrize("ends", [False, True], ids=["same leader", "new leader"])
def test_lost_models_folder_is_no_order_to_unload(
    workers: Workers,
    store: Path,
    loss: Callable[[Path], None],
    ends: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loss(store)
    if ends:
        workers.end(0)

    workers.step(3)

    assert all(served == [1] for served in workers.served())
    assert [record.message for record in caplog.records] == ["models folder"]


def test_idle_tick_reads_each_file_once(store: Path, tmp_path: Path) -> None:
    reads: Counter[str] = Counter()

    def read(path: Path) -> bytes:
        reads[path.name if path.parent.name == "state" else "status of an agent"] += 1
        return path.read_bytes()

    state_folder.prepare(tmp_path / "state")
    workers = Workers(store, tmp_path / "state", read=read)
    leader, follower = workers.add(watch_seconds=3600), workers.add(watch_seconds=3600)
    workers.step(4)
    reads.clear()

    leader.step()
    assert reads == {
        "desired.json": 1,
        "next.json": 1,
        "served.json": 1,
        "status of an agent": 2,
    }
    reads.clear()
    follower.step()
    assert reads == {"next.json": 1, "served.json": 1}
