"""The networks as scikit-learn estimators, for its search and its cross-validation.

The wrapper that comes with Keras takes all hyper-parameters as one value, refuses pictures and
gives no probabilities.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from training.architectures.hidden import Hidden
from training.fitting import Fitting
from training.studies.metrics import Array
from training.studies.networks import LearningTask, Sample, build_learner
from vitrine.signature import ColumnSpec


class _Network(BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron with one argument for each hyper-parameter.

    Args:
        layers: Number of hidden layers.
        units: Units of each hidden layer.
        activation: One of `training.architectures.hidden.ACTIVATIONS`.
        batch_normalization: Whether each layer is normalized over the batch.
        dropout: Share of the outputs of each layer that training hides.
        optimizer: One of `training.fitting.OPTIMIZERS`.
        learning_rate: Learning rate of every step.
        batch_size: Number of instances in a batch.
        epochs: Number of epochs; there is no early stopping.
        specs: Columns of a table in the order of `x`, which holds numbers first and then codes of
            categories. None where all columns are numbers.
        random_state: Seed of the initial weights, dropout and the order of instances.

    Attributes:
        learner_: The fitted network.
        history_: Losses and metrics of training by epoch.
        n_features_in_: Number of columns, or height of a picture.

    Shapes:
        x: (n, columns), where NaN is a missing value, or pictures (n, height, width, channels)
        with levels in [0, 255].
    """

    def __init__(  # noqa: PLR0913 - each hyper-parameter by its name
        self,
        *,
        layers: int = 2,
        units: int = 64,
        activation: str = "relu",
        batch_normalization: bool = False,
        dropout: float = 0.0,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        epochs: int = 50,
        specs: tuple[ColumnSpec, ...] | None = None,
        random_state: int = 0,
    ) -> None:
        self.layers = layers
        self.units = units
        self.activation = activation
        self.batch_normalization = batch_normalization
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.specs = specs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags

    @property
    def hidden(self) -> Hidden:
        """The hidden layers."""
        return Hidden(
            units=(self.units,) * self.layers,
            activation=self.activation,
            batch_normalization=self.batch_normalization,
            dropout=self.dropout,
        )

    @property
    def fitting(self) -> Fitting:
        """The hyper-parameters of the fit."""
        return Fitting(
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            epochs=self.epochs,
        )

    def _learn(self, learning_task: LearningTask, sample: Sample) -> None:
        self.learner_ = build_learner(learning_task, sample, self.hidden, seed=self.random_state)
        self.history_ = self.learner_.fit(sample, self.fitting, seed=self.random_state)

    def _outputs(self, x: Array) -> Array:
        check_is_fitted(self)
        return self.learner_.predict(self._checked(x, reset=False))

    def _checked(self, x: Array, *, reset: bool) -> Array:
        checked: Array = validate_data(
            self, x, reset=reset, allow_nd=True, dtype=None, ensure_all_finite="allow-nan"
        )
        return checked if checked.ndim > 2 else checked.astype(np.float32)


class NetworkClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A multilayer perceptron that predicts one of several class labels, or any number of them.

    See `_Network` for the arguments.

    Attributes:
        classes_: Class labels in the order of the probabilities.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, x: Array, y: Array) -> Self:
        """Fit a new network.

        Shapes:
            y: (n,), class labels, or (n, labels), 0 and 1.
        """
        x, y = self._checked(x, reset=True), np.asarray(y)
        check_classification_targets(y)
        if type_of_target(y) == "multilabel-indicator":
            self.classes_ = np.arange(y.shape[1])
            learning_task = LearningTask(
                task="multilabel", classes=y.shape[1], specs=tuple(self.specs or ())
            )
            self._learn(learning_task, Sample(x, y.astype(np.float32)))
            return self
        self.classes_, codes = np.unique(y, return_inverse=True)
        learning_task = LearningTask(
            task="binary" if len(self.classes_) == 2 else "multiclass",
            classes=len(self.classes_),
            specs=tuple(self.specs or ()),
        )
        self._learn(learning_task, Sample(x, codes.astype(np.int64)))
        return self

    def predict_proba(self, x: Array) -> Array:
        """Return probabilities.

        Shapes:
            Result: (n, classes); rows sum to 1 where each instance has one label.
        """
        return self._outputs(x)

    def predict(self, x: Array) -> Array:
        """Return the most probable labels, or 0 and 1 for each label of several."""
        probabilities = self.predict_proba(x)
        if self.learner_.learning_task.task == "multilabel":
            return (probabilities > 0.5).astype(np.int64)
        labels: Array = self.classes_[probabilities.argmax(axis=1)]
        return labels


class NetworkRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A multilayer perceptron that predicts a number.

    See `_Network` for the arguments.
    """

    def fit(self, x: Array, y: Array) -> Self:
        """Fit a new network.

        Shapes:
            x: (n, columns); y: (n,).
        """
        x = self._checked(x, reset=True)
        learning_task = LearningTask(task="regression", specs=tuple(self.specs or ()))
        self._learn(learning_task, Sample(x, np.asarray(y, dtype=np.float64)))
        return self

    def predict(self, x: Array) -> Array:
        """Return values, (n,)."""
        return self._outputs(x).astype(np.float64)
