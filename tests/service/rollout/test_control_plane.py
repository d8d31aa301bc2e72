"""Changes of the desired state: answered when all serve it, or refused and nothing changed."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from service.errors import ModelNotFound, NotKept, SourceFailed, VersionNotFound, VersionRefused
from service.rollout.desired import DesiredModel, Edit
from tests.bundles import write_table_bundle
from tests.workers import Workers
from vitrine import bundle


def replacing(**changes: object) -> Edit:
    """Return an edit that replaces attributes."""
    return lambda model: msgspec.structs.replace(model, **changes)


def test_change_is_answered_when_all_serve_it(workers: Workers, store: Path) -> None:
    write_table_bundle(store, version=2)

    raised = workers.change(replacing(labels={"stable": 1}))

    assert raised is None
    assert workers.served() == [[1, 2], [1, 2]]
    assert workers.answering() == [1, 1]


def test_change_outlives_every_worker(workers: Workers, store: Path) -> None:
    write_table_bundle(store, version=2)
    workers.change(replacing(labels={"stable": 1}))
    workers.end(0)
    workers.end(0)

    workers.add().step()

    assert workers.answering() == [1]


def test_changes_at_once_get_their_own_answers(workers: Workers) -> None:
    answers: dict[int, str] = {}

    def change(number: int) -> None:
        label = {f"label{number}": 1 if number % 2 else 99}

        def edit(model: DesiredModel) -> DesiredModel:
            return msgspec.structs.replace(model, labels=model.labels | label)

        try:
            workers.control_planes[number % 2].change("rooms", edit)
            answers[number] = "served"
        except VersionNotFound:
            answers[number] = "not found"

    changing = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in changing:
        thread.start()
    while any(thread.is_alive() for thread in changing):
        workers.step()

    assert answers == {number: "served" if number % 2 else "not found" for number in range(8)}
    labels = workers.states[0].desired().models["rooms"].labels
    assert labels == {f"label{number}": 1 for number in (1, 3, 5, 7)}


@pytest.mark.parametrize("policy", [(99,), (2,)], ids=["absent", "damaged"])
def test_refused_change_is_never_served(
    workers: Workers, store: Path, policy: tuple[int, ...]
) -> None:
    (write_table_bundle(store, version=2) / bundle.ONNX_NAME).unlink()
    workers.step(3)
    rollout = workers.states[0].served()

    raised = workers.change(replacing(policy=policy))

    assert isinstance(raised, VersionNotFound | VersionRefused)
    assert workers.states[0].served() == rollout


def test_change_that_names_an_absent_version_changes_nothing(workers: Workers) -> None:
    raised = workers.change(replacing(shadow=7))

    assert isinstance(raised, VersionNotFound)
    assert workers.states[0].desired().models == {}


def test_change_that_names_a_bad_version_changes_nothing(workers: Workers, store: Path) -> None:
    (write_table_bundle(store, version=2) / bundle.ONNX_NAME).unlink()

    raised = workers.change(replacing(labels={"stable": 2}))

    assert isinstance(raised, VersionRefused)
    assert "model.onnx cannot be read" in str(raised)
    assert workers.states[0].desired().models == {}
    assert workers.answering() == [1, 1]


def test_change_of_an_unknown_model_changes_nothing(workers: Workers) -> None:
    raised = workers.change(replacing(shadow=1), name="attic")

    assert isinstance(raised, ModelNotFound)
    assert workers.states[0].desired().models == {}


def test_state_that_cannot_be_written_is_reported(workers: Workers) -> None:
    shutil.rmtree(workers.folder)
    workers.folder.write_text("not a folder any more")

    with pytest.raises(NotKept, match="cannot be written: it is damaged"):
        workers.control_planes[0].change("rooms", lambda model: model)


@pytest.mark.parametrize("loss", [shutil.rmtree, lambda path: shutil.rmtree(path / "rooms")])
def test_lost_models_folder_is_reported_to_whoever_loads(
    workers: Workers, store: Path, loss: Callable[[Path], None]
) -> None:
    loss(store)

    with pytest.raises(SourceFailed, match="The models folder"):
        workers.control_planes[0].load("rooms")
