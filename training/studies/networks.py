"""The networks that studies fit: built, given their initial weights, fitted and asked.

A sample's `x` is one array, so that scikit-learn can cut it: pictures, or a table's rows with the
numbers first and the codes of categories after them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training import interruption
from training.architectures.hidden import Hidden
from training.architectures.pictures import mlp
from training.architectures.tables import (
    BinaryHead,
    ClassesHead,
    Head,
    LabelsHead,
    ValueHead,
    plain_table_network,
)
from training.datasets.tables import Rows
from training.datasets.targets import Task
from training.fitting import Fitting
from training.studies.measures import Array
from vitrine.signature import CategoryInput, ColumnSpec

History = dict[str, list[float]]

_SCORED_AT_ONCE = 4096
_LOSSES: Mapping[Task, str] = {
    "regression": "mean_squared_error",
    "binary": "sparse_categorical_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "multilabel": "binary_crossentropy",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Instances with their targets.

    Shapes:
        x: (n, height, width, channels) or (n, columns); y: (n,) values or codes, or (n, labels).
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.y)

    def take(self, places: NDArray[np.intp]) -> "Sample":
        """Return the instances at some places."""
        return Sample(self.x[places], self.y[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a network has to tell from what.

    Attributes:
        task: What kind of target.
        classes: How many class labels; 1 for a regression.
        specs: A table's columns; none where all are numbers, or for pictures.
    """

    task: Task
    classes: int = 1
    specs: tuple[ColumnSpec, ...] = ()

    @property
    def head(self) -> Head | None:
        """The last layer of a table's network; None where it takes its scale from the targets."""
        if self.task == "regression":
            return None
        if self.task == "multilabel":
            return LabelsHead(self.classes)
        return BinaryHead() if self.classes == 2 else ClassesHead(self.classes)

    def tensors(self, x: Array) -> dict[str, Array]:
        """Return the arrays by the names of the network's inputs."""
        return {"image": x} if x.ndim > 2 else self.rows(x).tensors()

    def rows(self, x: Array) -> Rows:
        """Return the two sides of a table's rows."""
        categories = sum(isinstance(spec, CategoryInput) for spec in self.specs)
        numbers = x.shape[1] - categories
        return Rows(x[:, :numbers].astype(np.float32), x[:, numbers:].astype(np.int32))


def matrix(rows: Rows) -> NDArray[np.float32]:
    """Return a table's rows as one array: numbers, then codes of categories."""
    return np.concatenate([rows.numbers, rows.categories.astype(np.float32)], axis=1)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in an order that depends on the seed and the epoch alone."""

    def __init__(self, problem: Problem, sample: Sample, *, size: int, seed: int) -> None:
        super().__init__()
        self._problem, self._sample, self._size, self._seed = problem, sample, size, seed
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._sample) / self._size)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        rng = np.random.default_rng([self._seed, self._epoch])
        self._order = rng.permutation(len(self._sample))

    def __getitem__(self, batch: int) -> tuple[dict[str, Array], Array]:
        taken = self._sample.take(self._order[batch * self._size : (batch + 1) * self._size])
        return self._problem.tensors(taken.x), _targets(taken.y)


def _targets(y: Array) -> Array:
    return y.astype(np.float32)[:, np.newaxis] if y.dtype == np.float64 else y


class Interruptible(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops between batches if the program was told to."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002, D102
        interruption.check()


@dataclass(frozen=True, slots=True)
class Learner:
    """A network of one output that can be fitted and asked; `build` makes one."""

    network: keras.Model
    problem: Problem

    def fit(
        self,
        sample: Sample,
        fitting: Fitting,
        *,
        seed: int,
        validation: Sample | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> History:
        """Fit the network.

        Returns:
            By epoch: `loss`, for a regression the squared error over the targets' variance, and
            `accuracy` or `rmse`; those of validation under "val_" and the name.
        """
        self._compile(fitting)
        tensors = self.problem.tensors
        history = self.network.fit(
            Batches(self.problem, sample, size=fitting.batch_size, seed=seed),
            validation_data=validation and (tensors(validation.x), _targets(validation.y)),
            validation_batch_size=_SCORED_AT_ONCE,
            epochs=fitting.epochs,
            callbacks=[Interruptible(), *callbacks],
            verbose=0,
            shuffle=False,
        )
        return {name: [float(value) for value in each] for name, each in history.history.items()}

    def _compile(self, fitting: Fitting) -> None:
        task, weight = self.problem.task, None
        metric: Any = "accuracy"
        if task == "multilabel":  # by that name Keras would only compare the most probable labels
            metric = keras.metrics.BinaryAccuracy(name="accuracy")
        if task == "regression":
            weight = 1 / float(self.network.get_layer("value").scale) ** 2
            metric = keras.metrics.RootMeanSquaredError(name="rmse")
        self.network.compile(
            fitting.build_optimizer(), _LOSSES[task], loss_weights=weight, metrics=[metric]
        )

    def predict(self, x: Array) -> NDArray[np.float32]:
        """Return values, (n,), or probabilities, (n, classes)."""
        # Called as it is: Keras' own predict would first compile each of a study's many networks.
        found = np.concatenate(
            [
                np.asarray(self.network(self.problem.tensors(piece), training=False))
                for piece in np.split(x, range(_SCORED_AT_ONCE, len(x), _SCORED_AT_ONCE))
            ]
        )
        return found[:, 0] if self.problem.task == "regression" else found


def build(problem: Problem, sample: Sample, hidden: Hidden, *, seed: int) -> Learner:
    """Build a multilayer perceptron.

    Its initial weights depend on the seed and on their shapes alone: networks that differ in
    nothing but their activation, dropout or batch normalisation start from the same ones.

    Args:
        problem: What it is for.
        sample: Training instances, for their shape, medians and scales.
        hidden: Its layers.
        seed: Of weights and dropout.
    """
    keras.utils.set_random_seed(seed)
    if sample.x.ndim > 2:
        network = mlp(sample.x.shape[1:], problem.classes, hidden)
    else:
        head = problem.head or ValueHead.of(sample.y)
        network = plain_table_network(problem.rows(sample.x), problem.specs, head, hidden)
    output = "value" if problem.task == "regression" else "probabilities"
    learner = Learner(keras.Model(network.input, network.output[output]), problem)
    _draw_weights(learner.network, seed)
    return learner


def _draw_weights(network: keras.Model, seed: int) -> None:
    """Draw each kernel by the seed and its place among the kernels.

    Keras draws all from one stream, in which every dropout layer shifts what comes after it.
    """
    with_kernels = (layer for layer in network.layers if hasattr(layer, "kernel"))
    for place, layer in enumerate(with_kernels):
        kind, config = type(layer.kernel_initializer), layer.kernel_initializer.get_config()
        of_its_own = int(np.random.default_rng([seed, place]).integers(2**31))
        draw = kind.from_config({**config, "seed": of_its_own})
        layer.kernel.assign(draw(layer.kernel.shape))
