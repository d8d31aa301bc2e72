"""A version on disk is loaded, or refused with the reason."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.bundles import (
    picture_manifest,
    rewrite_manifest,
    table_manifest,
    write_picture_bundle,
    write_table_bundle,
)
from tests.fakes import Answers, price
from vitrine import bundle, loading
from vitrine.bundle import InvalidBundle, Reference
from vitrine.engines import Tensors
from vitrine.model import Model


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

    message = rf"neither model.onnx nor model.keras. {name} is not opened: the service takes no .h5"
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


def test_pass_is_measured_with_one_instance_after_a_first_try() -> None:
    sizes: list[int] = []

    def run(tensors: Tensors) -> Answers:
        sizes.append(len(tensors["size"]))
        return price(tensors)

    model = Model(table_manifest(), run)
    instances = {"size": np.ones(3, np.float32), "colour": np.full(3, "red", dtype=object)}

    seconds = loading.measure_pass(model, instances)

    assert seconds > 0
    assert set(sizes) == {1}
    assert len(sizes) > 1


def test_loaded_version_knows_how_long_its_pass_takes(tmp_path: Path) -> None:
    assert loading.load_version(write_table_bundle(tmp_path), threads=1).pass_seconds > 0


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


@pytest.mark.parametrize(
    ("values", "expected", "difference"),
    [
        ([[0.5, 0.01]], [[0.5, 0.02]], 0.01),
        ([[0.5]], [[0.25]], 0.25),
        ([2.0, 1.0], [1.0, 1.0], 1.0),
    ],
    ids=["labels", "one label", "scores"],
)
def test_golden_answers_are_compared_by_their_kind(
    values: list[Any], expected: list[Any], difference: float
) -> None:
    one, other = (np.array(numbers, dtype=np.float32) for numbers in (values, expected))

    assert loading.largest_difference(one, other) == pytest.approx(difference)
