"""The results of the studies, in the form that their tables and plots take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.architectures.hidden import Hidden
from training.fitting import Fitting
from training.studies.estimator import NetworkClassifier
from training.studies.metrics import Metric
from training.studies.networks import History
from training.studies.paired_difference import PairedDifference

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """One metric by the number of training instances.

    Attributes:
        metric: The metric.
        sizes: Numbers of training instances, ascending.
        train: Scores on the training instances themselves.
        scored: Scores on the part that did not train.
        part: Name of that part.

    Shapes:
        train, scored: (sizes, repeats).
    """

    metric: Metric
    sizes: Sequence[int]
    train: NDArray[np.float64]
    scored: NDArray[np.float64]
    part: str


@dataclass(frozen=True, slots=True)
class VariantHistory:
    """Losses and metrics of one variant after each epoch.

    Attributes:
        name: Name of the variant.
        history: Losses and metrics by name, one number for each epoch.
        seconds: Duration of the fit.
    """

    name: str
    history: History
    seconds: float

    def best_epoch(self, metric: str, *, sign: int) -> int:
        """Return the epoch, counted from 1, with the best value of a validation metric.

        Args:
            metric: Name of the metric.
            sign: 1 where larger is better, else -1.
        """
        values = sign * np.array(self.history[f"val_{metric}"], dtype=np.float64)
        return int(np.argmax(np.nan_to_num(values, nan=-np.inf))) + 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """One choice of hyper-parameters with its scores over folds.

    Attributes:
        parameters: Arguments of the estimator.
        scores: Scores by the name of the metric, one for each fold.
        seconds: Duration of all its fits.
    """

    parameters: Parameters
    scores: Mapping[str, Sequence[float]]
    seconds: float

    @property
    def hidden(self) -> Hidden:
        """The hidden layers."""
        return NetworkClassifier(**self.parameters).hidden

    @property
    def fitting(self) -> Fitting:
        """The hyper-parameters of the fit."""
        return NetworkClassifier(**self.parameters).fitting

    def mean(self, metric: Metric) -> float:
        """Return the mean of a metric over folds."""
        return float(np.mean(self.scores[metric.name]))

    def deviation(self, metric: Metric) -> float:
        """Return the standard deviation of a metric over folds."""
        return float(np.std(self.scores[metric.name]))


@dataclass(frozen=True, slots=True)
class FoldScores:
    """One metric of each model over folds.

    Attributes:
        metric: The metric.
        by_model: Scores by the name of the model, one for each fold.
        difference: Paired difference of the two models; None where there is only one.
    """

    metric: Metric
    by_model: Mapping[str, Sequence[float]]
    difference: PairedDifference | None
