"""models/ to loaded versions: which is found, which is refused."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from service import bundle, repository
from service.bundle import InvalidBundle
from service.errors import ModelNotFound, VersionNotFound
from tests.bundles import (
    picture_manifest,
    rewrite_manifest,
    table_manifest,
    write_picture_bundle,
    write_table_bundle,
)


def test_every_published_version_is_loaded(tmp_path: Path) -> None:
    write_table_bundle(tmp_path, version=1)
    write_table_bundle(tmp_path, version=2)
    write_picture_bundle(tmp_path)

    loaded = repository.load(tmp_path, threads=1)

    assert {name: list(versions) for name, versions in loaded.models.items()} == {
        "rooms": [1, 2],
        "strokes": [1],
    }


def test_latest_version_answers_when_none_is_named(tmp_path: Path) -> None:
    write_table_bundle(tmp_path, version=2)
    write_table_bundle(tmp_path, version=10)
    loaded = repository.load(tmp_path, threads=1)

    assert loaded.get("rooms").version == 10
    assert loaded.get("rooms", 2).version == 2


def test_unknown_model_and_version_are_not_found(tmp_path: Path) -> None:
    write_table_bundle(tmp_path)
    loaded = repository.load(tmp_path, threads=1)

    with pytest.raises(ModelNotFound):
        loaded.get("room")
    with pytest.raises(VersionNotFound):
        loaded.get("rooms", 2)


def test_unreadable_models_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match="cannot be read: No such file or directory"):
        repository.load(tmp_path / "absent", threads=1)


def test_changed_file_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    with (folder / bundle.ONNX_NAME).open("ab") as stream:
        stream.write(b"\0")

    with pytest.raises(InvalidBundle, match="bytes that were published"):
        repository.load(tmp_path, threads=1)


def test_geometry_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = write_picture_bundle(tmp_path)
    manifest = picture_manifest()
    picture = manifest.signature.picture
    assert picture is not None
    other = msgspec.structs.replace(picture, geometry_version=99)
    signature = msgspec.structs.replace(manifest.signature, inputs=(other,))
    rewrite_manifest(folder, msgspec.structs.replace(manifest, signature=signature))

    with pytest.raises(InvalidBundle, match="version 99 of geometry 'mnist'"):
        repository.load(tmp_path, threads=1)


def test_wrong_golden_answer_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    instances, expected = bundle.read_golden(folder)
    bundle.write_golden(folder, instances, expected * np.float32(1.001))
    rewrite_manifest(folder, table_manifest())

    with pytest.raises(InvalidBundle, match=r"golden answers differ by 0\.001"):
        repository.load(tmp_path, threads=1)


def test_golden_examples_that_do_not_run_are_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    bundle.write_golden(folder, {}, np.zeros(1, dtype=np.float32))
    rewrite_manifest(folder, table_manifest())

    with pytest.raises(InvalidBundle, match="golden examples fail: KeyError"):
        repository.load(tmp_path, threads=1)


def test_difference_between_other_shapes_is_infinite() -> None:
    ones = np.ones(2, dtype=np.float32)

    assert repository.largest_difference(ones, np.ones(3, dtype=np.float32)) == float("inf")


def test_difference_of_a_value_next_to_nothing_is_measured_by_the_others() -> None:
    expected = np.array([1e-9, 1.0, -1.0], dtype=np.float32)
    values = expected + np.array([1e-6, 0.0, 0.0], dtype=np.float32)

    assert repository.largest_difference(values, expected) < 1e-3
