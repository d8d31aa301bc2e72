"""Saved files to callables: what runs, what is refused, how many cores it may use."""

import os
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.bundles import rewrite_manifest, table_manifest, write_table_bundle
from tests.hostile import write_hostile_bundle
from vitrine import bundle, engines
from vitrine.bundle import InvalidBundle
from vitrine.engines import _cgroup_quota, available_cpus, load_engine


def test_onnx_file_runs_with_the_inputs_of_the_signature_alone(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    engine = load_engine(folder, bundle.read_manifest(folder), threads=1)

    answers = engine(
        {"size": np.array([[2.0]], dtype=np.float32), "colour": np.array([[3]], dtype=np.int32)}
    )

    np.testing.assert_array_equal(answers["value"], [[23.0]])


@pytest.mark.parametrize("count", [0, 1023, 1024, 1025, 3000])
def test_onnx_file_runs_with_any_number_of_instances(tmp_path: Path, count: int) -> None:
    folder = write_table_bundle(tmp_path)
    engine = load_engine(folder, bundle.read_manifest(folder), threads=1)
    sizes = np.arange(count, dtype=np.float32)[:, np.newaxis]

    answers = engine({"size": sizes, "colour": np.full((count, 1), 3, dtype=np.int32)})

    np.testing.assert_array_equal(answers["value"], 10 * sizes + 3)


def test_pass_of_a_loop_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_LONGEST_PASS_SECONDS", 0.01)
    folder = write_hostile_bundle(tmp_path, "endless loop")
    engine = load_engine(folder, bundle.read_manifest(folder), threads=1)

    with pytest.raises(Exception, match="terminate flag"):
        engine({"size": np.ones((1, 1), np.float32), "colour": np.ones((1, 1), np.int32)})


def test_network_of_a_table_has_no_threads_of_its_own(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    load_engine(folder, bundle.read_manifest(folder), threads=1)  # what the import starts is there
    before = len(list(Path("/proc/self/task").iterdir()))

    engine = load_engine(folder, bundle.read_manifest(folder), threads=4)

    assert len(list(Path("/proc/self/task").iterdir())) == before
    del engine


def test_corrupt_onnx_file_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / bundle.ONNX_NAME).write_bytes(b"not a network")

    with pytest.raises(InvalidBundle, match="cannot be opened"):
        load_engine(folder, bundle.read_manifest(folder), threads=1)


def test_onnx_file_with_other_inputs_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    manifest = table_manifest()
    signature = msgspec.structs.replace(manifest.signature, inputs=manifest.signature.inputs[:1])
    rewrite_manifest(folder, msgspec.structs.replace(manifest, signature=signature))

    with pytest.raises(
        InvalidBundle, match=r"inputs \['colour', 'size'\], but the signature has \['size'\]"
    ):
        load_engine(folder, bundle.read_manifest(folder), threads=1)


def test_onnx_file_without_the_output_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    manifest = table_manifest()
    output = msgspec.structs.replace(manifest.signature.prediction, tensor="price")
    signature = msgspec.structs.replace(manifest.signature, outputs=(output,))
    rewrite_manifest(folder, msgspec.structs.replace(manifest, signature=signature))

    with pytest.raises(InvalidBundle, match=r"lacks the outputs \['price'\]"):
        load_engine(folder, bundle.read_manifest(folder), threads=1)


def test_keras_file_alone_is_refused_where_tensorflow_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    folder = write_table_bundle(tmp_path)
    (folder / bundle.ONNX_NAME).rename(folder / bundle.KERAS_NAME)
    rewrite_manifest(folder, table_manifest())

    with pytest.raises(InvalidBundle, match=r"TensorFlow, .* is not installed\.$"):
        load_engine(folder, bundle.read_manifest(folder), threads=1)


def test_bundle_without_a_network_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / bundle.ONNX_NAME).unlink()
    rewrite_manifest(folder, table_manifest())

    with pytest.raises(InvalidBundle, match=r"There is neither model.onnx nor model.keras\.$"):
        load_engine(folder, bundle.read_manifest(folder), threads=1)


def test_at_least_one_cpu_is_available() -> None:
    assert available_cpus() >= 1


def test_told_number_of_cpus_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_CPU_COUNT", "1")
    assert available_cpus() == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
    ],
    ids=["version 2", "half a core", "version 1"],
)
def test_cgroup_quota_is_rounded_up(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert _cgroup_quota(tmp_path) == expected


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cpu.max": "max 100000\n"},
        {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
    ],
    ids=["no cgroup", "version 2", "version 1"],
)
def test_cgroup_without_quota_allows_every_core(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert _cgroup_quota(tmp_path) == os.cpu_count()
