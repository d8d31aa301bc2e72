"""The rows and labels that a network learns from."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import TINY
from tests.training.made_tables import load_made
from training.datasets.column_kinds import Overrides
from training.datasets.tables import Rows, TableParts, load_table
from training.distillation.transfer_set import (
    build_labels_transfer_set,
    build_transfer_set,
)


def test_ensemble_labels_rows_with_probabilities(tmp_path: Path) -> None:
    train = load_made("multiclass", tmp_path).train

    transfer = build_transfer_set(train.rows, train.y, seed=0, config=TINY.distillation)

    assert transfer.target.shape == (len(transfer.rows), 3)
    np.testing.assert_allclose(transfer.target.sum(axis=1), 1, atol=1e-6)
    assert sum(transfer.member_weights) == pytest.approx(1)


def test_ensembles_of_several_labels_label_each_by_itself(tmp_path: Path) -> None:
    train = load_made("multilabel", tmp_path).train

    transfer = build_labels_transfer_set(train.rows, train.y, seed=0, config=TINY.distillation)
    alone = build_transfer_set(
        train.rows, train.y[:, 1].astype(np.int64), seed=0, config=TINY.distillation
    )

    assert transfer.target.shape == (len(transfer.rows), 2)
    np.testing.assert_array_equal(transfer.target[:, 1], alone.target[:, 1])


def test_ensemble_of_a_label_that_one_row_has_can_be_fitted() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.random((24, 2), np.float32), np.zeros((24, 0), np.int32))

    for having in (0, 1):
        labels = np.zeros((24, 1), np.float32)
        labels[:having] = 1
        transfer = build_labels_transfer_set(rows, labels, seed=0, config=TINY.distillation)
        assert transfer.target.max() == having


def test_members_that_are_better_weigh_more() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
    rows = Rows(x, np.zeros((200, 0), np.int32))

    transfer = build_transfer_set(
        rows, (x.prod(axis=1) > 0).astype(np.int64), seed=0, config=TINY.distillation
    )

    *_, linear = transfer.member_weights
    assert linear < 0.2


def test_ensemble_of_rows_that_are_all_alike_answers_the_mean() -> None:
    rows = Rows(np.full((24, 1), np.nan, np.float32), np.full((24, 1), 2, np.int32))
    values = np.arange(24.0)

    transfer = build_transfer_set(rows, values, seed=0, config=TINY.distillation)

    assert np.median(transfer.target) == pytest.approx(values.mean(), abs=2)


def test_ensemble_of_values_that_are_all_but_one_the_same_can_be_fitted() -> None:
    rows = Rows(np.random.default_rng(0).random((20, 1), np.float32), np.zeros((20, 0), np.int32))

    transfer = build_transfer_set(rows, np.eye(20)[0], seed=0, config=TINY.distillation)

    assert np.isfinite(transfer.target).all()


@pytest.fixture(scope="module")
def parts(many_rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(many_rents, ["rent"], Overrides(), seed=0)


def test_residuals_are_those_of_each_true_row(parts: TableParts) -> None:
    outlier = 7
    y = parts.train.y.copy()
    y[outlier] += 50 * y.std()

    transfer = build_transfer_set(parts.train.rows, y, seed=0, config=TINY.distillation)

    residuals = transfer.residuals
    assert residuals is not None
    np.testing.assert_array_equal(residuals.rows.numbers, parts.train.rows.numbers)
    assert residuals.values.argmax() == outlier
    assert residuals.values[outlier] > 40 * parts.train.y.std()
