"""Scores of two versions on the same instances, and how their predictions differ."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.versions.held_out import HeldOut, ModelPair
from vitrine.model import Model
from vitrine.predictions import Values, given_labels
from vitrine.signature import LabelsOutput, ProbabilitiesOutput

# Number of changes from one label to another that are printed.
_CHANGES_SHOWN = 10
# A probability of 0 would make the log loss infinite.
_LEAST_PROBABILITY = 1e-12

ValuesPair = tuple[Values, Values]
Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class PairedScore:
    """One score of two versions on the same instances.

    Attributes:
        name: Name of the score.
        scores: Score of the first version and of the second.
        error: Standard error of their difference over the choice of instances.
    """

    name: str
    scores: tuple[float, float]
    error: float

    @property
    def difference(self) -> float:
        """The second score less the first."""
        return self.scores[1] - self.scores[0]


def score_pair(pair: ModelPair, values: ValuesPair, held_out: HeldOut) -> list[PairedScore]:
    """Score two versions on the same instances.

    Args:
        pair: The two versions.
        values: Predictions of each version.
        held_out: True targets of the instances.
    """
    y = held_out.y
    if not held_out.labels:
        return _score_values(values, y)
    first, second = _align_pair(pair, values, held_out.labels)
    if y.ndim == 2:
        right = [(given_labels(each) == (y > 0.5)).mean(axis=1) for each in (first, second)]
        return [_mean_score("labels that are right", right[0], right[1])]
    right = [(each.argmax(axis=1) == y).astype(np.float64) for each in (first, second)]
    losses = [_log_losses(each, y) for each in (first, second)]
    return [
        _mean_score("accuracy", right[0], right[1]),
        _mean_score("log loss", losses[0], losses[1]),
    ]


def _score_values(values: ValuesPair, y: NDArray[Any]) -> list[PairedScore]:
    squares = [(each.astype(np.float64) - y) ** 2 for each in values]
    errors = [np.sqrt(each) for each in squares]
    return [
        _rmse(squares[0], squares[1]),
        _mean_score("mean absolute error", errors[0], errors[1]),
    ]


def _log_losses(probabilities: Values, y: NDArray[Any]) -> Numbers:
    of_truth = np.maximum(probabilities[np.arange(len(y)), y], _LEAST_PROBABILITY)
    return np.asarray(-np.log(of_truth))


def _align_pair(pair: ModelPair, values: ValuesPair, labels: Sequence[str]) -> ValuesPair:
    return _aligned(pair[0], values[0], labels), _aligned(pair[1], values[1], labels)


def _aligned(model: Model, values: Values, labels: Sequence[str]) -> Values:
    """Bring probabilities into the order of the labels; an unknown label has probability 0."""
    output = model.manifest.signature.prediction
    known = output.labels if isinstance(output, ProbabilitiesOutput | LabelsOutput) else ()
    aligned = np.zeros((len(values), len(labels)), np.float32)
    for index, label in enumerate(labels):
        if label in known:
            aligned[:, index] = values[:, known.index(label)]
    return aligned


def _mean_score(name: str, first: Numbers, second: Numbers) -> PairedScore:
    scores = (float(first.mean()), float(second.mean()))
    return PairedScore(name, scores, _standard_error(second - first))


def _rmse(first: Numbers, second: Numbers) -> PairedScore:
    """Compare roots of mean squares; the delta method gives the standard error."""
    roots = (float(np.sqrt(first.mean())), float(np.sqrt(second.mean())))
    typical = sum(roots) / 2
    error = _standard_error(second - first) / (2 * typical) if typical else 0.0
    return PairedScore("RMSE", roots, error)


def _standard_error(differences: Numbers) -> float:
    return float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else 0


def describe_changes(pair: ModelPair, values: ValuesPair, held_out: HeldOut) -> list[str]:
    """Say how many predictions differ, and which class labels became which."""
    if not held_out.labels:
        return [_describe_value_changes(values)]
    first, second = _align_pair(pair, values, held_out.labels)
    if held_out.y.ndim == 2:
        differ = (given_labels(first) != given_labels(second)).any(axis=1)
        return [f"{differ.sum():,} of {len(differ):,} predictions differ."]
    before, after = first.argmax(axis=1), second.argmax(axis=1)
    return _describe_label_changes(before, after, held_out)


def _describe_value_changes(values: ValuesPair) -> str:
    distances = np.abs(values[1].astype(np.float64) - values[0])
    return (
        f"Half of the predictions differ by {np.median(distances):.4g} or more, a tenth by "
        f"{np.quantile(distances, 0.9):.4g} or more, and none by more than {distances.max():.4g}."
    )


def _describe_label_changes(before: Codes, after: Codes, held_out: HeldOut) -> list[str]:
    differ = before != after
    before, after, truth = before[differ], after[differ], held_out.y[differ]
    describe_changes = Counter(zip(before.tolist(), after.tolist(), strict=True))
    labels = held_out.labels
    return [
        f"{differ.sum():,} of {len(differ):,} predictions differ: "
        f"{_describe_improvement(before, after, truth)}.",
        *(
            f"  {labels[old]} became {labels[new]}: {count:,}"
            for (old, new), count in describe_changes.most_common(_CHANGES_SHOWN)
        ),
    ]


def _describe_improvement(before: Codes, after: Codes, truth: NDArray[Any]) -> str:
    """Say how many of the predictions that differ became right or wrong."""
    improved, worsened = int((after == truth).sum()), int((before == truth).sum())
    both_wrong = len(truth) - improved - worsened
    return f"{improved:,} became right, {worsened:,} became wrong, {both_wrong:,} stayed wrong"
