"""The contract of training and service: what is written is read, what is damaged is refused."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
import numpy as np
import pytest
from numpy.lib import format as npy

from tests.bundles import (
    anomaly_manifest,
    labels_manifest,
    picture_manifest,
    rewrite_manifest,
    table_manifest,
    write_anomaly_bundle,
    write_labels_bundle,
    write_picture_bundle,
    write_report,
    write_table_bundle,
)
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest


@pytest.mark.parametrize(
    "manifest",
    [
        table_manifest(),
        table_manifest(calibrated=True),
        picture_manifest(calibrated=True),
        labels_manifest(),
        anomaly_manifest(),
    ],
    ids=["not calibrated", "values", "classes", "labels", "anomalies"],
)
def test_manifest_survives_writing_and_reading(tmp_path: Path, manifest: Manifest) -> None:
    folder = tmp_path / manifest.name / "1"
    folder.mkdir(parents=True)

    bundle.write_manifest(manifest, folder)

    assert bundle.read_manifest(folder) == manifest


def _edit(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def edited(body: bytes) -> bytes:
        manifest = json.loads(body)
        change(manifest)
        return json.dumps(manifest).encode()

    return edited


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda body: body[:-20], "malformed"),
        (lambda _: b"[]", "malformed"),
        (lambda _: b"\xff{}", "malformed"),
        (_edit(lambda manifest: manifest.pop("task")), "task"),
        (_edit(lambda manifest: manifest.update(format=1)), "format must be 2. Received: 1"),
        (_edit(lambda manifest: manifest.update(version=2)), "belongs to rooms/2"),
        (_edit(lambda manifest: manifest.update(task="dreaming")), "dreaming"),
        (lambda _: b'{"format":' + b"[" * 10**6, "nested too deeply"),
        (lambda body: body + b" " * bundle.MAX_MANIFEST_BYTES, "has more than 16777216 bytes"),
        (_edit(lambda manifest: manifest.update(golden_tolerance=float("nan"))), "malformed"),
        (_edit(lambda manifest: manifest.update(golden_tolerance=0.2)), "golden_tolerance"),
        (_edit(lambda manifest: manifest.update(golden_tolerance=-1)), "golden_tolerance"),
        (_edit(lambda manifest: manifest.update(parameters=10**30)), "parameters"),
        (_edit(lambda manifest: manifest.update(target="a\x1b[31m")), "control a terminal"),
    ],
    ids=[
        *("truncated", "a list", "not text", "no task", "format", "version", "task"),
        *("nested", "endless", "no number", "any answer", "no answer", "huge number", "escape"),
    ],
)
def test_damaged_manifest_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    folder = write_table_bundle(tmp_path)
    path = folder / bundle.MANIFEST_NAME
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(InvalidBundle, match=message):
        bundle.read_manifest(folder)


@pytest.mark.parametrize(
    ("write", "change", "message"),
    [
        (
            write_picture_bundle,
            lambda manifest: manifest["calibration"]["scores"].reverse(),
            "must ascend",
        ),
        (
            write_table_bundle,
            lambda manifest: manifest["calibration"]["scores"].append(0.5),
            "must ascend",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["calibration"]["novelty"].reverse(),
            "must ascend",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["calibration"]["scores"].clear(),
            "every calibrated output must have calibration scores",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["calibration"]["novelty"].clear(),
            "every calibrated output must have calibration scores",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["signature"]["outputs"].pop(),
            "every calibrated output must have calibration scores",
        ),
        (
            write_table_bundle,
            lambda manifest: manifest["signature"]["outputs"].pop(),
            "must have both a calibration and quantiles, or neither",
        ),
        (
            write_table_bundle,
            lambda manifest: manifest.update(calibration=None),
            "must have both a calibration and quantiles, or neither",
        ),
        (
            write_table_bundle,
            lambda manifest: manifest["signature"]["outputs"].pop(0),
            "a prediction as its first output",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["signature"]["outputs"].clear(),
            "a prediction as its first output",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["signature"]["outputs"].reverse(),
            "a prediction as its first output",
        ),
        (
            write_picture_bundle,
            lambda manifest: manifest["signature"]["inputs"].clear(),
            "must have inputs",
        ),
    ],
    ids=[
        "descending scores",
        "last score out of order",
        "descending novelty",
        "no scores",
        "no scores of novelty",
        "scores of no novelty",
        "scores of no quantiles",
        "quantiles without scores",
        "quantiles alone",
        "no outputs",
        "novelty first",
        "no inputs",
    ],
)
def test_calibration_of_another_signature_is_refused(
    tmp_path: Path,
    write: Callable[..., Path],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    folder = write(tmp_path, calibrated=True)
    path = folder / bundle.MANIFEST_NAME
    path.write_bytes(_edit(change)(path.read_bytes()))

    with pytest.raises(InvalidBundle, match=message):
        bundle.read_manifest(folder)


_NOVELTY = {"kind": "novelty", "name": "n", "tensor": "n", "dtype": "float32", "shape": [1]}
_QUANTILES = {**_NOVELTY, "kind": "quantiles", "shape": [2], "levels": [0.05, 0.95]}


@pytest.mark.parametrize(
    ("write", "change", "message"),
    [
        (
            write_labels_bundle,
            lambda manifest: manifest.update(calibration={"scores": [0.5]}),
            "labels must not have a calibration",
        ),
        (
            write_labels_bundle,
            lambda manifest: manifest["signature"]["outputs"].append(_NOVELTY),
            "only a class or a value may have a novelty score",
        ),
        (
            write_labels_bundle,
            lambda manifest: manifest["signature"]["outputs"].append(_QUANTILES),
            "must have both a calibration and quantiles, or neither",
        ),
        (
            write_labels_bundle,
            lambda manifest: manifest["signature"]["outputs"][0].update(shape=[2]),
            "every label must have one probability",
        ),
        (
            write_labels_bundle,
            lambda manifest: manifest["signature"]["outputs"][0].update(labels=[], shape=[0]),
            "every label must have one probability",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["calibration"].update(temperature=1.5),
            "an anomaly score must not have a temperature",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["calibration"].update(scores=[]),
            "every calibrated output must have calibration scores",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["calibration"].update(novelty=[0.5]),
            "every calibrated output must have calibration scores",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["calibration"]["scores"].reverse(),
            "must ascend",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["signature"]["outputs"].append(_NOVELTY),
            "only a class or a value may have a novelty score",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["signature"]["outputs"].append(_QUANTILES),
            "must have both a calibration and quantiles, or neither",
        ),
        (
            write_anomaly_bundle,
            lambda manifest: manifest["signature"]["outputs"][0].update(shape=[2]),
            "an anomaly score must be one number",
        ),
    ],
    ids=[
        "calibrated labels",
        "novelty of labels",
        "quantiles of labels",
        "labels without a probability",
        "no labels",
        "temperature of a score",
        "no scores",
        "scores of no novelty",
        "descending scores",
        "novelty of a score",
        "quantiles of a score",
        "two scores",
    ],
)
def test_labels_and_anomalies_have_a_calibration_of_their_own(
    tmp_path: Path,
    write: Callable[[Path], Path],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    folder = write(tmp_path)
    path = folder / bundle.MANIFEST_NAME
    path.write_bytes(_edit(change)(path.read_bytes()))

    with pytest.raises(InvalidBundle, match=message):
        bundle.read_manifest(folder)


def test_picture_without_calibration_may_tell_novelty(tmp_path: Path) -> None:
    folder = write_picture_bundle(tmp_path, calibrated=True)
    path = folder / bundle.MANIFEST_NAME
    change = _edit(lambda manifest: manifest.update(calibration=None))
    path.write_bytes(change(path.read_bytes()))

    assert bundle.read_manifest(folder).calibration is None


def test_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match="No such file"):
        bundle.read_manifest(tmp_path)


def test_files_as_published_are_accepted(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)

    bundle.verify_files(bundle.read_manifest(folder), folder)


def test_changed_byte_in_a_file_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    body = bytearray((folder / bundle.ONNX_NAME).read_bytes())
    body[len(body) // 2] ^= 1
    (folder / bundle.ONNX_NAME).write_bytes(body)

    with pytest.raises(InvalidBundle, match="does not have the bytes that were published"):
        bundle.verify_files(bundle.read_manifest(folder), folder)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / bundle.ONNX_NAME).unlink()

    with pytest.raises(InvalidBundle, match="cannot be read"):
        bundle.verify_files(bundle.read_manifest(folder), folder)


@pytest.mark.parametrize("name", [bundle.MANIFEST_NAME, bundle.ONNX_NAME, bundle.GOLDEN_NAME])
@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "is a link"),
        (os.mkfifo, "is not a regular file"),
        (Path.mkdir, "is not a regular file"),
    ],
    ids=["link", "pipe", "folder"],
)
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, name: str, replace: Callable[[Path], object], message: str
) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / name).unlink()
    replace(folder / name)

    with pytest.raises(InvalidBundle, match=f"{name} {message}"):
        bundle.verify_files(bundle.read_manifest(folder), folder)


def test_link_that_nothing_needs_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / "notes.txt").symlink_to("/etc/passwd")

    with pytest.raises(InvalidBundle, match=r"'notes\.txt' is not a regular file"):
        bundle.verify_files(bundle.read_manifest(folder), folder)


def test_file_of_keras_may_be_missing_beside_an_onnx_file(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / bundle.KERAS_NAME).write_bytes(b"another form of the network")
    rewrite_manifest(folder, table_manifest())
    manifest = bundle.read_manifest(folder)
    bundle.verify_files(manifest, folder)

    (folder / bundle.KERAS_NAME).unlink()
    bundle.verify_files(manifest, folder)

    (folder / bundle.KERAS_NAME).write_bytes(b"something else")
    with pytest.raises(InvalidBundle, match=r"model\.keras does not have the bytes"):
        bundle.verify_files(manifest, folder)


def test_manifest_with_a_million_files_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    manifest = bundle.read_manifest(folder)
    files = {f"file{number}": manifest.files[bundle.ONNX_NAME] for number in range(101)}

    with pytest.raises(InvalidBundle, match="names more than 100 files"):
        bundle.verify_files(msgspec.structs.replace(manifest, files=files), folder)


def test_file_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    path = folder / bundle.MANIFEST_NAME
    path.write_bytes(path.read_bytes().replace(b'"model.onnx"', b'"../model.onnx"'))

    with pytest.raises(InvalidBundle, match="leaves the folder"):
        bundle.verify_files(bundle.read_manifest(folder), folder)


def test_folder_without_manifest_or_number_is_no_version(tmp_path: Path) -> None:
    write_table_bundle(tmp_path, version=10)
    write_table_bundle(tmp_path, version=9)
    (tmp_path / "rooms" / "11").mkdir()
    (tmp_path / "rooms" / "latest").mkdir()
    (tmp_path / "rooms" / "latest" / bundle.MANIFEST_NAME).touch()

    assert bundle.versions(tmp_path, "rooms") == [9, 10]


def test_only_folders_with_versions_are_models(tmp_path: Path) -> None:
    write_table_bundle(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()

    assert bundle.list_versions(tmp_path) == {"rooms": [1]}


def test_manifest_of_before_lets_its_version_answer_by_default(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    body = json.loads((folder / bundle.MANIFEST_NAME).read_bytes())
    del body["default"]
    (folder / bundle.MANIFEST_NAME).write_text(json.dumps(body))

    assert bundle.read_manifest(folder).default
    assert bundle.answers_by_default(folder)


@pytest.mark.parametrize(
    ("by_number", "below", "default"),
    [
        ((), None, 3),
        ((3,), None, 2),
        ((2, 3), None, 1),
        ((1, 2, 3), None, 3),
        ((2,), 3, 1),
        ((), 1, None),
    ],
    ids=["newest", "not the newest", "the first", "none but these", "below", "nothing below"],
)
def test_newest_version_that_may_answer_is_the_default(
    tmp_path: Path, by_number: tuple[int, ...], below: int | None, default: int | None
) -> None:
    for version in (1, 2, 3):
        folder = write_table_bundle(tmp_path, version=version)
        manifest = msgspec.structs.replace(
            bundle.read_manifest(folder), default=version not in by_number
        )
        bundle.write_manifest(manifest, folder)

    assert bundle.default_version(tmp_path, "rooms", below=below) == default


def test_manifest_that_cannot_be_read_forbids_nothing(tmp_path: Path) -> None:
    (write_table_bundle(tmp_path) / bundle.MANIFEST_NAME).write_text("{")

    assert bundle.default_version(tmp_path, "rooms") == 1
    assert bundle.default_version(tmp_path, "cellars") is None


def test_golden_examples_survive_writing_and_reading(tmp_path: Path) -> None:
    instances = {
        "size": np.array([1.5, np.nan], dtype=np.float32),
        "a/b c": np.array(["red", None], dtype=object),
    }
    expected = np.array([1.0, 2.0], dtype=np.float32)

    bundle.write_golden(tmp_path, instances, expected)
    read, answers = bundle.read_golden(tmp_path)

    np.testing.assert_array_equal(read["size"], instances["size"])
    assert list(read["a/b c"]) == ["red", None]
    np.testing.assert_array_equal(answers, expected)


@pytest.mark.parametrize("dtype", ["<f4", "<U1000000"], ids=["number", "text"])
def test_golden_array_that_declares_more_than_there_is_is_refused(
    tmp_path: Path, dtype: str
) -> None:
    header = io.BytesIO()
    npy.write_array_header_1_0(header, {"descr": dtype, "fortran_order": False, "shape": (10**9,)})
    with ZipFile(tmp_path / bundle.GOLDEN_NAME, "w") as archive:
        archive.writestr("expected.npy", header.getvalue())

    with pytest.raises(InvalidBundle, match="declares more than there is"):
        bundle.read_golden(tmp_path)


def test_golden_archive_that_declares_too_much_is_not_inflated(tmp_path: Path) -> None:
    with ZipFile(tmp_path / bundle.GOLDEN_NAME, "w", ZIP_DEFLATED) as archive:
        for name in ("expected.npy", "input size.npy"):
            archive.writestr(name, bytes(bundle.MAX_GOLDEN_BYTES // 2 + 1))

    with pytest.raises(InvalidBundle, match="declares more than 67108864 bytes"):
        bundle.read_golden(tmp_path)


def test_golden_examples_with_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / bundle.GOLDEN_NAME, expected=np.array([object], dtype=object))

    with pytest.raises(InvalidBundle, match="allow_pickle=False"):
        bundle.read_golden(tmp_path)


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04broken", b"not a zip"], ids=str)
def test_damaged_golden_examples_are_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / bundle.GOLDEN_NAME).write_bytes(body)

    with pytest.raises(InvalidBundle, match="cannot be read"):
        bundle.read_golden(tmp_path)


def test_manifest_without_a_report_is_read(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    body = _edit(lambda manifest: manifest.pop("report"))(bundle.read_manifest_bytes(folder))
    (folder / bundle.MANIFEST_NAME).write_bytes(body)

    assert bundle.read_manifest(folder).report == {}


def test_version_is_loaded_whatever_becomes_of_its_report(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    write_report(folder)
    (folder / bundle.CARD_NAME).write_bytes(b"damaged")
    (folder / "plots/loss.png").unlink()

    bundle.verify_files(bundle.read_manifest(folder), folder)


@pytest.mark.parametrize(
    "path",
    [
        *("manifest.json", "CARD.md.png", "xCARD.md", "CARD.md\n", "../CARD.md", "/CARD.md"),
        *("plots/../x.png", "plots/a/b.png", "plots/.png", "plots/a.svg", "plots\\a.png"),
        *("plots/a.png\n", "plots/\0.png", f"plots/{'a' * 65}.png", "plots/é.png", ""),
    ],
)
def test_report_has_no_other_names(tmp_path: Path, path: str) -> None:
    folder = write_table_bundle(tmp_path)
    file = {"sha256": "0" * 64, "size_bytes": 1}
    body = bundle.read_manifest_bytes(folder)
    (folder / bundle.MANIFEST_NAME).write_bytes(
        _edit(lambda manifest: manifest.update(report={path: file}))(body)
    )

    with pytest.raises(InvalidBundle, match="malformed"):
        bundle.read_manifest(folder)


@pytest.mark.parametrize(
    ("files", "size"), [(33, 1), (1, 4 * 2**20 + 1), (1, -1)], ids=["many", "large", "negative"]
)
def test_report_has_limits(tmp_path: Path, files: int, size: int) -> None:
    folder = write_table_bundle(tmp_path)
    report = {f"plots/{n}.png": {"sha256": "0" * 64, "size_bytes": size} for n in range(files)}
    body = bundle.read_manifest_bytes(folder)
    (folder / bundle.MANIFEST_NAME).write_bytes(
        _edit(lambda manifest: manifest.update(report=report))(body)
    )

    with pytest.raises(InvalidBundle, match="malformed"):
        bundle.read_manifest(folder)


def test_published_report_keeps_to_the_limits(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    write_report(folder)
    (folder / bundle.CARD_NAME).write_bytes(b"x" * (4 * 2**20 + 1))
    for number in range(40):
        (folder / f"plots/{number}.png").touch()
    (folder / "plots/0 b.png").touch()

    report = bundle.describe_report(folder)

    assert len(report) == 32
    assert not {"CARD.md", "plots/0 b.png"} & report.keys()
    manifest = msgspec.structs.replace(table_manifest(), report=report)
    bundle.write_manifest(manifest, folder)
    assert bundle.read_manifest(folder) == manifest


def test_file_of_a_report_is_read_only_while_it_is_what_was_published(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    written = write_report(folder)
    report = bundle.read_manifest(folder).report

    def read() -> dict[str, bytes | None]:
        return {path: bundle.read_report_file(folder, path, report[path]) for path in report}

    assert read() == written
    (folder / bundle.CARD_NAME).write_bytes(written[bundle.CARD_NAME] + b"x")
    (folder / bundle.HISTORY_NAME).unlink()
    (folder / bundle.PLOTS_NAME).rename(tmp_path / "elsewhere")
    (folder / bundle.PLOTS_NAME).symlink_to(tmp_path / "elsewhere")
    assert set(read().values()) == {None}
    assert not any(bundle.has_report_file(folder, path, report[path]) for path in report)
