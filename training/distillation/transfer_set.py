"""The rows and labels that a network learns from, made step by step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from training.architectures.calendar import with_calendar
from training.architectures.embeddings import Pair
from training.datasets.tables import Rows
from training.distillation.boosted_trees import Truth, is_codes
from training.distillation.ensemble import (
    MEMBERS,
    PREDICTED_SHARE,
    DistillationConfig,
    Ensemble,
)
from training.distillation.feature_plan import FeaturePlan, fold_count, plan_features
from training.distillation.features import Features
from training.distillation.member_weights import class_weights, value_weights
from training.distillation.synthetic_rows import SyntheticRows, make_synthetic_rows
from training.progress import Advance, nothing

Doubles = NDArray[np.float64]
Folds = Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]

# From more rows the ensemble would learn little more, for much more time.
MOST_ENSEMBLE_ROWS = 60_000
FOLDS = 5
# The network learns from so many synthetic rows for each true one, and at least so many.
_ROWS_PER_TRUE_ROW, _LEAST_SYNTHETIC_ROWS = 40, 20_000
# So many synthetic rows for each true one, or repetition of one: about a tenth of all are true.
_SYNTHETIC_PER_TRUE = 9
_USUAL = DistillationConfig()
# Share of the time that the choice of features takes, for the bar.
_PLANNED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Residuals:
    """True values minus predictions, for rows that the predictor had not learned from.

    Attributes:
        rows: The rows.
        values: Their residuals.

    Shapes:
        values: (n,).
    """

    rows: Rows
    values: Doubles

    @property
    def rmse(self) -> float:
        """Root mean squared error of the predictions."""
        return float(np.sqrt(np.mean(self.values**2)))


@dataclass(frozen=True, slots=True)
class TransferSet:
    """What a network learns from.

    Attributes:
        rows: Synthetic rows and true rows.
        target: Labels of the ensemble and true labels.
        pairs: Pairs of number columns that the network should embed together.
        member_weights: Weights of boosted trees, randomised trees and linear model.
        residuals: Residuals of the ensemble; None for class labels.

    Shapes:
        target: (n,) values or (n, classes) probabilities.
    """

    rows: Rows
    target: Doubles
    pairs: Sequence[Pair]
    member_weights: Sequence[float]
    residuals: Residuals | None


def build_transfer_set(  # noqa: PLR0913 - what is made, from what, and with which means
    rows: Rows,
    target: Truth,
    *,
    seed: int,
    dates: Sequence[int] = (),
    config: DistillationConfig = _USUAL,
    threads: int = 1,
    advance: Advance = nothing,
) -> TransferSet:
    """Fit ensembles on the training rows and let them label synthetic ones.

    Args:
        rows: Training rows.
        target: Their values, or the codes of their class labels.
        seed: Seed of every random choice.
        dates: Indices of the number columns that are dates.
        config: Size of the ensemble, and number of synthetic rows.
        threads: Number of cores to use.
        advance: Tells how much more is done, 1 in all.
    """
    rng = np.random.default_rng(seed)
    # 1. The ensembles learn from a sample, where there are many rows.
    sample, sample_target = _sample(rows, target, rng)
    training = with_calendar(sample, dates)
    # 2. Choose the features that they get.
    plan = plan_features(training, sample_target, seed=seed, threads=threads)
    advance(_PLANNED_SHARE)
    # 3. Make rows between the true ones.
    synthetic = make_synthetic_rows(sample, _synthetic_count(len(sample), config), rng)
    in_calendar = SyntheticRows(with_calendar(synthetic.rows, dates), synthetic.parents)
    # 4. Fit an ensemble for each fold, which predicts what it has not learned from.
    task = _EnsembleTask(training, sample_target, _output_count(target), plan)
    predictions = _cross_fit(task, in_calendar, config, seed=seed, threads=threads, advance=advance)
    # 5. Weigh the members by their predictions for true rows, and join their labels.
    combine = _combine_classes if is_codes(target) else _combine_values
    weights, labels, residuals = combine(predictions, sample, sample_target)
    # 6. Add the true rows with their own labels: the ensemble may be wrong.
    truth = np.eye(task.outputs)[target] if is_codes(target) else target
    all_rows, all_labels = _with_true_rows(synthetic.rows, labels, rows, truth)
    return TransferSet(all_rows, all_labels, plan.pairs, weights.tolist(), residuals)


def build_labels_transfer_set(
    rows: Rows, target: NDArray[np.float32], **options: Any
) -> TransferSet:
    """Build a transfer set for several labels, each of which has ensembles of its own.

    Args:
        rows: Training rows.
        target: Whether each row has each label, as 0 or 1.
        **options: Options of `build_transfer_set`.

    Shapes:
        target: (n, labels).
    """
    # The same seed makes the same synthetic rows for each label.
    sets = [build_transfer_set(rows, label, **options) for label in target.T.astype(np.int64)]
    return TransferSet(
        sets[0].rows,
        np.stack([each.target[:, 1] for each in sets], axis=1),
        pairs=[],
        member_weights=np.mean([each.member_weights for each in sets], axis=0).tolist(),
        residuals=None,
    )


def _sample(rows: Rows, target: Truth, rng: np.random.Generator) -> tuple[Rows, Truth]:
    if len(rows) <= MOST_ENSEMBLE_ROWS:
        return rows, target
    chosen = rng.choice(len(rows), MOST_ENSEMBLE_ROWS, replace=False)
    return rows.take(chosen), target[chosen]


def _synthetic_count(rows: int, config: DistillationConfig) -> int:
    return min(config.synthetic_rows, max(_LEAST_SYNTHETIC_ROWS, _ROWS_PER_TRUE_ROW * rows))


def _output_count(target: Truth) -> int:
    # A label that no row has is still one of two.
    return max(2, int(target.max()) + 1) if is_codes(target) else 1


@dataclass(frozen=True, slots=True)
class _EnsembleTask:
    """What the ensembles learn.

    Attributes:
        rows: Training rows, with the calendar's columns.
        target: Their values, or the codes of their class labels.
        outputs: 1 for values; the number of classes for probabilities.
        plan: The features.
    """

    rows: Rows
    target: Truth
    outputs: int
    plan: FeaturePlan

    def build(
        self, inside: NDArray[np.intp], config: DistillationConfig, **options: Any
    ) -> Ensemble:
        """Build an ensemble whose features remember some of the rows."""
        rows, values = self.rows.take(inside), self.plan.neighbour_values[inside]
        features = Features.learn(rows, values, self.plan.pairs, self.plan.ratios)
        return Ensemble(features, self.outputs, config, **options)


@dataclass(frozen=True, slots=True)
class _Predictions:
    """What each member predicts for rows that it has not learned from.

    Attributes:
        true_rows: Predictions for the training rows.
        synthetic_rows: Predictions for the synthetic rows.

    Shapes:
        true_rows: (n, members, outputs); synthetic_rows: (m, members, outputs).
    """

    true_rows: Doubles
    synthetic_rows: Doubles


def _cross_fit(
    task: _EnsembleTask,
    synthetic: SyntheticRows,
    config: DistillationConfig,
    *,
    seed: int,
    threads: int,
    advance: Advance,
) -> _Predictions:
    """Predict every row by the ensemble that has not learned from it, or from its parent.

    An ensemble repeats the noise of the rows that it has learned from, and so it does beside them.
    """
    true_rows = np.zeros((len(task.rows), MEMBERS, task.outputs))
    synthetic_rows = np.zeros((len(synthetic.rows), MEMBERS, task.outputs))
    folds = list(_folds(task.target, seed=seed))
    share = (1 - _PLANNED_SHARE) / len(folds)

    def advance_fold(amount: float) -> None:
        advance(share * amount)

    for number, (inside, outside) in enumerate(folds):
        # Fit on the rows inside of the fold ...
        ensemble = task.build(inside, config, seed=seed * FOLDS + number, threads=threads)
        ensemble.fit(task.rows.take(inside), task.target[inside], advance=advance_fold)
        # ... predict the true rows outside of it ...
        true_rows[outside] = ensemble.predict(task.rows.take(outside))
        # ... and the synthetic rows that were made from those.
        children = np.flatnonzero(np.isin(synthetic.parents, outside))
        synthetic_rows[children] = ensemble.predict(synthetic.rows.take(children))
        advance_fold(PREDICTED_SHARE)
    return _Predictions(true_rows, synthetic_rows)


def _folds(target: Truth, *, seed: int) -> Folds:
    """Yield the indices inside and outside of each fold; classes are spread evenly over them."""
    count = fold_count(len(target), FOLDS)
    if not is_codes(target):
        yield from KFold(count, shuffle=True, random_state=seed).split(target)
        return
    # Shuffle, sort by class, and deal the rows out like cards.
    order = np.random.default_rng(seed).permutation(len(target))
    order = order[np.argsort(target[order], kind="stable")]
    number = np.empty(len(target), dtype=np.intp)
    number[order] = np.arange(len(target)) % count
    for fold in range(count):
        yield np.flatnonzero(number != fold), np.flatnonzero(number == fold)


def _combine_classes(
    predictions: _Predictions, _rows: Rows, codes: Truth
) -> tuple[Doubles, Doubles, None]:
    """Return the members' weights and the probabilities of the synthetic rows."""
    weights = class_weights(predictions.true_rows[np.arange(len(codes)), :, codes])
    return weights, np.einsum("nmk,m->nk", predictions.synthetic_rows, weights), None


def _combine_values(
    predictions: _Predictions, rows: Rows, values: Truth
) -> tuple[Doubles, Doubles, Residuals]:
    """Return the members' weights, the values of the synthetic rows, and the residuals."""
    of_members = predictions.true_rows[..., 0]
    weights = value_weights(of_members, values)
    residuals = Residuals(rows, values - of_members @ weights)
    return weights, predictions.synthetic_rows[..., 0] @ weights, residuals


def _with_true_rows(
    synthetic: Rows, labels: Doubles, rows: Rows, target: Doubles
) -> tuple[Rows, Doubles]:
    """Add the true rows, repeated until they are about a tenth of all."""
    copies = max(1, len(synthetic) // (_SYNTHETIC_PER_TRUE * len(rows)))
    return (
        Rows.joined([synthetic, *[rows] * copies]),
        np.concatenate([labels, *[target] * copies]),
    )
