"""The quantiles that are added to a regression."""

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.made_tables import PLAIN, load_made
from training.architectures.heads import ValueHead
from training.architectures.plain_tables import plain_table_network
from training.architectures.table_inputs import predict
from training.architectures.tables import table_network
from training.datasets.tables import Rows
from training.distillation.transfer_set import (
    Residuals,
)
from training.outcomes import outcome_of
from training.outcomes.regression import learn_quantiles
from vitrine.signature import NumberInput

COLUMN = NumberInput(
    name="x",
    tensor="x",
    dtype="float32",
    shape=(1,),
    minimum=0,
    maximum=1,
    median=0.5,
    blanks=False,
)


def noisy_line(n: int, seed: int) -> tuple[Rows, NDArray[np.float64]]:
    """Make rows, and residuals ten times as large in the upper half of what they show."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 1)).astype(np.float32)
    residuals = rng.normal(0, np.where(x[:, 0] < 0.5, 0.2, 2.0))
    return Rows(x, np.empty((n, 0), dtype=np.int32)), residuals


@pytest.fixture(scope="module")
def regression() -> keras.Model:
    """A regression of one column that has learned nothing."""
    keras.utils.set_random_seed(0)
    rows, residuals = noisy_line(2_000, seed=0)
    head = ValueHead.of(3 * rows.numbers[:, 0] + residuals)
    return table_network(rows, [COLUMN], head, multiply_adds=4_000)


@pytest.fixture(scope="module")
def bounded(regression: keras.Model) -> keras.Model:
    """The regression with quantiles."""
    rows, residuals = noisy_line(2_000, seed=0)
    return learn_quantiles(regression, Residuals(rows, residuals), seed=0)


def test_quantiles_leave_the_value_as_it_is(regression: keras.Model, bounded: keras.Model) -> None:
    rows, _ = noisy_line(200, seed=1)

    before, after = (predict(network, rows)["value"] for network in (regression, bounded))

    np.testing.assert_array_equal(before, after)


def test_quantiles_lie_on_either_side_of_the_value(bounded: keras.Model) -> None:
    outputs = predict(bounded, noisy_line(200, seed=1)[0])

    lower, upper = outputs["quantiles"].T
    assert (lower < outputs["value"]).all()
    assert (outputs["value"] < upper).all()


def test_quantiles_are_wider_where_the_noise_is(bounded: keras.Model) -> None:
    rows, _ = noisy_line(400, seed=1)

    widths = np.diff(predict(bounded, rows)["quantiles"], axis=1)

    is_noisy = rows.numbers > 0.5
    assert widths[is_noisy].mean() > 2 * widths[~is_noisy].mean()


def test_as_many_lie_beyond_each_quantile_as_its_level_says(bounded: keras.Model) -> None:
    rows, residuals = noisy_line(4_000, seed=1)
    outputs = predict(bounded, rows)

    below, above = (outputs["quantiles"] - outputs["value"][:, np.newaxis]).T

    assert (residuals < below).mean() == pytest.approx(0.05, abs=0.025)
    assert (residuals > above).mean() == pytest.approx(0.05, abs=0.025)


def test_interval_is_learned_from_what_the_ensemble_left(tmp_path: Path) -> None:
    parts = load_made("regression", tmp_path)
    outcome, train = outcome_of(parts.target), parts.train
    head = outcome.head(train.y)
    network = plain_table_network(train.rows, parts.specs, head, PLAIN.hidden)
    residuals = Residuals(train.rows, np.random.default_rng(0).normal(0, 500, len(train)))

    finished = outcome.finish(network, parts, residuals, seed=0)

    widths = np.diff(predict(finished, train.rows)["quantiles"], axis=1)
    assert np.median(widths) == pytest.approx(2 * 1.645 * 500, rel=0.3)
