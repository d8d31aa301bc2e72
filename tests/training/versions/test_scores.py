"""Scores of two versions, and how their predictions differ."""

from pathlib import Path

import numpy as np
import pytest

from tests.bundles import (
    write_labels_bundle,
    write_picture_bundle,
)
from tests.training.versions.conftest import write_rooms
from training.versions.held_out import HeldOut, HeldOutOptions, ModelPair, find_held_out
from training.versions.scores import describe_changes, score_pair
from vitrine.loading import load_version


def test_error_of_a_difference_is_that_of_pairs(rooms: ModelPair, tmp_path: Path) -> None:
    held_out = find_held_out(rooms, HeldOutOptions(file=write_rooms(tmp_path / "rooms.csv")))
    values = (rooms[0].predict(held_out.instances[0]), rooms[1].predict(held_out.instances[1]))

    rmse, mae = score_pair(rooms, (values[0].values, values[1].values), held_out)

    errors = [each.values - held_out.y for each in values]
    distances = np.abs(errors[1]) - np.abs(errors[0])
    assert mae.difference == pytest.approx(distances.mean(), rel=1e-5)
    assert mae.error == pytest.approx(distances.std(ddof=1) / np.sqrt(40), rel=1e-5)
    assert rmse.scores == pytest.approx([np.sqrt(np.mean(each**2)) for each in errors], rel=1e-5)
    chosen = np.random.default_rng(0).integers(0, 40, (20_000, 40))
    drawn = [np.sqrt(np.mean(each[chosen] ** 2, axis=1)) for each in errors]
    assert rmse.error == pytest.approx(np.std(drawn[1] - drawn[0]), rel=0.1)


def test_changed_labels_are_counted(tmp_path: Path) -> None:
    model = load_version(write_picture_bundle(tmp_path), threads=1)
    left, right = [0.9, 0.1], [0.2, 0.8]
    before = np.array([left, left, left, right], np.float32)
    after = np.array([right, right, left, left], np.float32)
    held_out = HeldOut(({}, {}), np.array([1, 0, 0, 0]), ("left", "right"), ())

    lines = describe_changes((model, model), (before, after), held_out)

    assert lines == [
        "3 of 4 predictions differ: 2 became right, 1 became wrong, 0 stayed wrong.",
        "  left became right: 2",
        "  right became left: 1",
    ]


def test_labels_are_compared_each_by_itself(tmp_path: Path) -> None:
    model = load_version(write_labels_bundle(tmp_path), threads=1)
    labels = ("small", "large", "red")
    held_out = HeldOut(({}, {}), np.array([[1, 0, 1], [0, 1, 0]], np.float32), labels, ())
    before = np.array([[0.9, 0.1, 0.9], [0.1, 0.1, 0.1]], np.float32)
    after = np.array([[0.9, 0.1, 0.9], [0.1, 0.9, 0.1]], np.float32)

    (score,) = score_pair((model, model), (before, after), held_out)

    assert score.scores == pytest.approx((5 / 6, 1))
    assert describe_changes((model, model), (before, after), held_out) == [
        "1 of 2 predictions differ."
    ]
