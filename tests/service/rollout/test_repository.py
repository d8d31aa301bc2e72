"""models/ to loaded versions: which is found, which is refused."""

import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.rollout.desired import Rollout, ServedModel
from service.rollout.repository import Repository
from tests.bundles import (
    picture_manifest,
    rewrite_manifest,
    table_manifest,
    write_picture_bundle,
    write_table_bundle,
)
from tests.fakes import price
from vitrine import bundle, loading
from vitrine.bundle import InvalidBundle, Reference
from vitrine.model import Model


def rooms(*versions: int) -> dict[str, dict[int, Model]]:
    """Return one model in some versions."""
    return {
        "rooms": {version: Model(table_manifest(version=version), price) for version in versions}
    }


def serving(repository: Repository, **changes: Any) -> Repository:
    """Serve the same versions in another way."""
    entry = repository.entry("rooms")
    changed = msgspec.structs.replace(entry.serving, **changes)
    loaded = {("rooms", version): model for version, model in entry.versions.items()}
    repository.serve(Rollout(number=1, models={"rooms": changed}), loaded)
    return repository


def test_latest_version_answers_when_none_is_named() -> None:
    loaded = Repository(rooms(2, 10))

    assert loaded.get("rooms").version == 10
    assert loaded.get("rooms", 2).version == 2


def test_unknown_model_version_and_label_are_not_found() -> None:
    loaded = Repository(rooms(1))

    with pytest.raises(ModelNotFound):
        loaded.get("room")
    with pytest.raises(VersionNotFound):
        loaded.get("rooms", 2)
    with pytest.raises(LabelNotFound):
        loaded.get("rooms", label="stable")


def test_label_finds_its_version() -> None:
    loaded = serving(Repository(rooms(1, 2)), labels={"old": 1})

    assert loaded.get("rooms", label="old").version == 1
    assert loaded.get("rooms").version == 2


@pytest.mark.parametrize(("drawn", "version"), [(0.0, 2), (0.24, 2), (0.25, 1), (0.9, 1)])
def test_canary_answers_its_share_of_those_who_ask_for_no_version(
    drawn: float, version: int
) -> None:
    repository = Repository(rooms(1, 2), draw=lambda: drawn)
    loaded = serving(repository, default=1, labels={"canary": 2}, canary_share=0.25)

    assert loaded.get("rooms").version == version
    assert loaded.get("rooms", 1).version == 1
    assert loaded.default("rooms").version == 1


def test_model_without_a_served_version_says_why() -> None:
    loaded = Repository()
    refused = ServedModel(refused={3: "model.onnx is missing."})
    loaded.serve(Rollout(models={"rooms": refused, "attic": ServedModel(loaded=False)}), {})

    with pytest.raises(ModelUnavailable, match=r"Version 3: model\.onnx is missing\."):
        loaded.get("rooms")
    with pytest.raises(ModelUnavailable, match="It was unloaded"):
        loaded.get("attic")
    assert loaded.models == {}


def test_staged_version_is_found_by_number_only() -> None:
    loaded = Repository(rooms(1))
    loaded.stage({("rooms", 2): rooms(2)["rooms"][2]})

    assert loaded.get("rooms", 2).version == 2
    assert loaded.get("rooms").version == 1
    assert list(loaded.models["rooms"]) == [1]


def test_plan_is_served_when_its_time_has_come() -> None:
    seen: list[int] = []
    loaded = Repository(rooms(1))
    loaded.watch(lambda catalogue: seen.append(catalogue.number))
    models = {("rooms", version): model for version, model in rooms(1, 2)["rooms"].items()}
    soon = time.monotonic() + 0.2
    plan = Rollout(number=5, models={"rooms": ServedModel(versions=(2,), default=2)}, at=soon)

    loaded.serve(plan, models)
    early = loaded.get("rooms").version
    was_early = time.monotonic() < soon
    while time.monotonic() < soon:
        pass

    assert (early, was_early) == (1, True)
    assert loaded.get("rooms").version == 2
    assert seen == [0, 5]


def test_watcher_sees_what_is_served_now_and_later() -> None:
    seen = []
    loaded = Repository(rooms(1))
    loaded.watch(lambda catalogue: seen.append(catalogue.number))

    serving(loaded)

    assert seen == [0, 1]


def test_versions_are_loaded_or_refused_one_by_one(models: Path) -> None:
    (models / "strokes/1" / bundle.ONNX_NAME).unlink()
    wanted = [("rooms", 1), ("strokes", 1), ("rooms", 2)]

    loaded, refused = loading.load_versions(models, wanted, threads=1)

    assert list(loaded) == [("rooms", 1)]
    assert refused == {
        ("rooms", 2): "manifest.json cannot be read: No such file or directory.",
        ("strokes", 1): "model.onnx cannot be read: No such file or directory.",
    }


def test_changed_file_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    with (folder / bundle.ONNX_NAME).open("ab") as stream:
        stream.write(b"\0")

    with pytest.raises(InvalidBundle, match="bytes that were published"):
        loading.load_version(folder, threads=1)


def test_geometry_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = write_picture_bundle(tmp_path)
    manifest = picture_manifest()
    picture = manifest.signature.picture
    assert picture is not None
    other = msgspec.structs.replace(picture, geometry_version=99)
    signature = msgspec.structs.replace(manifest.signature, inputs=(other,))
    rewrite_manifest(folder, msgspec.structs.replace(manifest, signature=signature))

    with pytest.raises(InvalidBundle, match="version 99 of the geometry 'mnist'"):
        loading.load_version(folder, threads=1)


@pytest.mark.parametrize("name", ["model.h5", "weights.HDF5"])
def test_network_in_the_older_format_of_keras_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / bundle.ONNX_NAME).rename(folder / name)
    rewrite_manifest(folder, table_manifest())

    message = rf"holds neither model.onnx nor model.keras; {name} is not opened: the service takes"
    with pytest.raises(InvalidBundle, match=message):
        loading.load_version(folder, threads=1)


def test_wrong_golden_answer_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    instances, expected = bundle.read_golden(folder)
    bundle.write_golden(folder, instances, expected * np.float32(1.001))
    rewrite_manifest(folder, table_manifest())

    with pytest.raises(InvalidBundle, match=r"golden answers differ by 0\.001"):
        loading.load_version(folder, threads=1)


def test_golden_examples_that_do_not_run_are_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    bundle.write_golden(folder, {}, np.zeros(1, dtype=np.float32))
    rewrite_manifest(folder, table_manifest())

    with pytest.raises(InvalidBundle, match="golden examples fail: KeyError"):
        loading.load_version(folder, threads=1)


def test_difference_between_other_shapes_is_infinite() -> None:
    ones = np.ones(2, dtype=np.float32)

    assert loading.largest_difference(ones, np.ones(3, dtype=np.float32)) == float("inf")


def test_difference_of_a_value_next_to_nothing_is_measured_by_the_others() -> None:
    expected = np.array([1e-9, 1.0, -1.0], dtype=np.float32)
    values = expected + np.array([1e-6, 0.0, 0.0], dtype=np.float32)

    assert loading.largest_difference(values, expected) < 1e-3


@pytest.mark.parametrize(
    "reference",
    [
        {"size": Reference(edges=(2.0, 8.0), counts=(1, 2))},
        {"colour": Reference(edges=None, counts=(1, 2))},
        {"size": Reference(edges=None, counts=(1, 2))},
        {"nothing": Reference(edges=(1.0,), counts=(1, 2, 3))},
    ],
    ids=["bins of other edges", "bins of other words", "number for a category", "no input"],
)
def test_reference_of_another_signature_is_refused(
    tmp_path: Path, reference: dict[str, Reference]
) -> None:
    folder = write_table_bundle(tmp_path)
    rewrite_manifest(folder, msgspec.structs.replace(table_manifest(), reference=reference))

    with pytest.raises(InvalidBundle):
        loading.load_version(folder, threads=1)
