"""A new version beside the one that answered before: same test or not, worse or not."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.bundles import ORIGIN, anomaly_manifest, labels_manifest, picture_manifest
from tests.bundles import table_manifest as regression_manifest
from training.publishing.comparison import Comparison, compare_with_default
from vitrine import bundle
from vitrine.bundle import Manifest
from vitrine.signature import Dialect

KINDS = {
    "classification": (picture_manifest(), "accuracy"),
    "multi-label classification": (labels_manifest(), "accuracy"),
    "regression": (regression_manifest(), "rmse"),
    "anomaly detection": (anomaly_manifest(pictures=True), "mean_error"),
}


def scored(
    score: float, error: float = 0.01, *, kind: str = "classification", **changes: Any
) -> Manifest:
    """Describe a version that was tested with 100 instances."""
    manifest, measure = KINDS[kind]
    described = {
        "origin": msgspec.structs.replace(ORIGIN, split={"train": 500, "test": 100}),
        "scores": {"test": {measure: score, f"{measure}_standard_error": error}},
        **changes,
    }
    return msgspec.structs.replace(manifest, name="rooms", **described)


def publish(models: Path, *manifests: Manifest) -> None:
    """Publish manifests alone, under the numbers from 1 on."""
    for version, manifest in enumerate(manifests, start=1):
        folder = models / "rooms" / str(version)
        folder.mkdir(parents=True)
        bundle.write_manifest(msgspec.structs.replace(manifest, version=version), folder)


def compare(models: Path, before: Manifest, new: Manifest) -> Comparison | None:
    """Compare a version 2 with a published version 1."""
    publish(models, before)
    return compare_with_default(msgspec.structs.replace(new, version=2), models / "rooms")


# Two errors of 0.01 make one of 0.0141 of the difference, and two of those are 0.0283.
@pytest.mark.parametrize(
    ("kind", "before", "new", "is_worse"),
    [
        ("classification", 0.90, 0.87, True),
        ("classification", 0.90, 0.88, False),
        ("classification", 0.90, 0.99, False),
        ("multi-label classification", 0.90, 0.87, True),
        ("regression", 0.90, 0.93, True),
        ("regression", 0.90, 0.92, False),
        ("regression", 0.90, 0.10, False),
        ("anomaly detection", 0.90, 0.93, True),
        ("anomaly detection", 0.90, 0.87, False),
    ],
)
def test_version_is_worse_beyond_two_standard_errors(
    tmp_path: Path, kind: str, before: float, new: float, *, is_worse: bool
) -> None:
    comparison = compare(tmp_path, scored(before, kind=kind), scored(new, kind=kind))

    assert comparison is not None
    assert comparison.is_worse == is_worse
    assert (comparison.before.score, comparison.new.score) == (before, new)


OTHER_TESTS: dict[str, Manifest] = {
    "data": scored(0.1, origin=msgspec.structs.replace(ORIGIN, data_sha256="1" * 64)),
    "size of the test part": scored(
        0.1, origin=msgspec.structs.replace(ORIGIN, split={"test": 50})
    ),
    "target": scored(0.1, target="weight"),
    "decimal mark": scored(0.1, dialect=Dialect(decimal=",")),
    "task": scored(0.1, kind="multi-label classification"),
    "no scores": scored(0.1, scores={}),
    "no standard error": scored(0.1, scores={"test": {"accuracy": 0.1}}),
}


@pytest.mark.parametrize("new", OTHER_TESTS.values(), ids=OTHER_TESTS)
def test_version_with_another_test_is_not_compared(tmp_path: Path, new: Manifest) -> None:
    assert compare(tmp_path, scored(0.9), new) is None


def test_anomaly_scores_of_pictures_of_another_size_are_not_compared(tmp_path: Path) -> None:
    before, new = (scored(0.1 * n, kind="anomaly detection") for n in (1, 5))
    (image,) = new.signature.inputs
    larger = msgspec.structs.replace(image, shape=(56, 56, 1))
    signature = msgspec.structs.replace(new.signature, inputs=(larger,))

    assert compare(tmp_path, before, msgspec.structs.replace(new, signature=signature)) is None


def test_first_version_is_compared_with_nothing(tmp_path: Path) -> None:
    assert compare_with_default(scored(0.9), tmp_path / "rooms") is None


def test_version_before_that_cannot_be_read_is_not_compared(tmp_path: Path) -> None:
    publish(tmp_path, scored(0.9))
    (tmp_path / "rooms" / "1" / bundle.MANIFEST_NAME).write_text("{")
    new = msgspec.structs.replace(scored(0.1), version=2)

    assert compare_with_default(new, tmp_path / "rooms") is None


def test_version_is_compared_with_the_default_one_before_it(tmp_path: Path) -> None:
    publish(tmp_path, scored(0.9), scored(0.5, default=False), scored(0.4), scored(0.99))
    new = msgspec.structs.replace(scored(0.6), version=3)

    comparison = compare_with_default(new, tmp_path / "rooms")

    assert comparison is not None
    assert comparison.before.version == 1


def test_warning_names_both_scores_and_the_command(tmp_path: Path) -> None:
    comparison = compare(tmp_path, scored(0.83, 0.0038), scored(0.116, 0.0032))

    assert comparison is not None
    assert comparison.warning == (
        "Warning: version 2 scores below version 1 in the same test: accuracy 0.116 ± 0.0032, "
        "against 0.83 ± 0.0038. Version 1 goes on answering by default, and version 2 answers at "
        "/models/rooms/versions/2/predict. To make it the default of a running service:\n"
        "  vitrine change rooms --label stable=2"
    )
