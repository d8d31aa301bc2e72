"""The networks that studies fit, and the arrays that the networks learn from.

The inputs of a sample are one array, which scikit-learn can split: pictures, or rows of a table
with the numbers first and the codes of categories after them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training import interruption
from training.architectures.heads import BinaryHead, ClassesHead, Head, LabelsHead, ValueHead
from training.architectures.hidden import Hidden
from training.architectures.pictures import mlp
from training.architectures.plain_tables import plain_table_network
from training.datasets.tables import Rows
from training.datasets.targets import Task
from training.fitting import Fitting
from training.studies.metrics import Array
from vitrine.signature import CategoryInput, ColumnSpec

History = dict[str, list[float]]

# Number of instances that the network takes in one call.
_PREDICTED_AT_ONCE = 4096
_LOSSES: Mapping[Task, str] = {
    "regression": "mean_squared_error",
    "binary": "sparse_categorical_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "multilabel": "binary_crossentropy",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Instances with their targets.

    Attributes:
        x: Inputs.
        y: Targets.

    Shapes:
        x: (n, height, width, channels) or (n, columns); y: (n,) values or codes, or (n, labels).
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: NDArray[np.intp]) -> "Sample":
        """Return the instances at the indices, in that order."""
        return Sample(self.x[indices], self.y[indices])


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTask:
    """The task that a network learns, and the columns that it takes.

    Attributes:
        task: Kind of the target.
        classes: Number of class labels; 1 for a regression.
        specs: Columns of a table; empty for pictures, or where all columns are numbers.
    """

    task: Task
    classes: int = 1
    specs: tuple[ColumnSpec, ...] = ()

    @property
    def head(self) -> Head | None:
        """Last layer of a table network; None for a regression, whose head needs the targets."""
        if self.task == "regression":
            return None
        if self.task == "multilabel":
            return LabelsHead(self.classes)
        return BinaryHead() if self.classes == 2 else ClassesHead(self.classes)

    def tensors(self, x: Array) -> dict[str, Array]:
        """Return the arrays by the names of the network inputs."""
        return {"image": x} if x.ndim > 2 else self.rows(x).tensors()

    def rows(self, x: Array) -> Rows:
        """Separate the rows of a table into numbers and codes of categories."""
        categories = sum(isinstance(spec, CategoryInput) for spec in self.specs)
        numbers = x.shape[1] - categories
        return Rows(x[:, :numbers].astype(np.float32), x[:, numbers:].astype(np.int32))


def rows_as_matrix(rows: Rows) -> NDArray[np.float32]:
    """Return the rows of a table as one array: numbers, then codes of categories."""
    return np.concatenate([rows.numbers, rows.categories.astype(np.float32)], axis=1)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in an order that depends on nothing but the seed and the epoch."""

    def __init__(
        self, learning_task: LearningTask, sample: Sample, *, size: int, seed: int
    ) -> None:
        super().__init__()
        self._learning_task, self._sample, self._size, self._seed = (
            learning_task,
            sample,
            size,
            seed,
        )
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
        chosen = self._order[batch * self._size : (batch + 1) * self._size]
        sample = self._sample.take(chosen)
        return self._learning_task.tensors(sample.x), _targets(sample.y)


def _targets(y: Array) -> Array:
    return y.astype(np.float32)[:, np.newaxis] if y.dtype == np.float64 else y


class Interruptible(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the fit between batches if the program was interrupted."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002, D102
        interruption.check()


@dataclass(frozen=True, slots=True)
class Learner:
    """A network with one output that can be fitted and can predict. `build_learner` makes one.

    Attributes:
        network: The Keras network.
        learning_task: Task that the network learns.
    """

    network: keras.Model
    learning_task: LearningTask

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

        Args:
            sample: Training instances.
            fitting: Hyper-parameters of the fit.
            seed: Seed of the order of the instances.
            validation: Instances to score after each epoch.
            callbacks: Further Keras callbacks.

        Returns:
            One number for each epoch: `loss`, and `accuracy` or `rmse`. The loss of a regression
            is the mean squared error divided by the variance of the targets. The names of
            validation begin with "val_".
        """
        self._compile(fitting)
        tensors = self.learning_task.tensors
        history = self.network.fit(
            Batches(self.learning_task, sample, size=fitting.batch_size, seed=seed),
            validation_data=validation and (tensors(validation.x), _targets(validation.y)),
            validation_batch_size=_PREDICTED_AT_ONCE,
            epochs=fitting.epochs,
            callbacks=[Interruptible(), *callbacks],
            verbose=0,
            shuffle=False,
        )
        return {name: [float(value) for value in each] for name, each in history.history.items()}

    def _compile(self, fitting: Fitting) -> None:
        task, weight = self.learning_task.task, None
        metric: Any = "accuracy"
        if task == "multilabel":  # Keras' "accuracy" would only compare the most probable labels
            metric = keras.metrics.BinaryAccuracy(name="accuracy")
        if task == "regression":
            weight = 1 / float(self.network.get_layer("value").scale) ** 2
            metric = keras.metrics.RootMeanSquaredError(name="rmse")
        self.network.compile(
            fitting.build_optimizer(), _LOSSES[task], loss_weights=weight, metrics=[metric]
        )

    def predict(self, x: Array) -> NDArray[np.float32]:
        """Return values, (n,), or probabilities, (n, classes)."""
        # The network is called directly: Keras' predict would first compile each of the many
        # networks of a study.
        predicted = np.concatenate(
            [
                np.asarray(self.network(self.learning_task.tensors(piece), training=False))
                for piece in np.split(x, range(_PREDICTED_AT_ONCE, len(x), _PREDICTED_AT_ONCE))
            ]
        )
        return predicted[:, 0] if self.learning_task.task == "regression" else predicted


def build_learner(
    learning_task: LearningTask, sample: Sample, hidden: Hidden, *, seed: int
) -> Learner:
    """Build a multilayer perceptron.

    The initial weights depend on nothing but the seed and the shapes of the layers. Networks that
    differ only in activation, dropout or batch normalization start from the same weights.

    Args:
        learning_task: Task that the network learns.
        sample: Training instances, which give the shape, medians and scales of the inputs.
        hidden: Hidden layers.
        seed: Seed of weights and dropout.
    """
    keras.utils.set_random_seed(seed)
    if sample.x.ndim > 2:
        network = mlp(sample.x.shape[1:], learning_task.classes, hidden)
    else:
        head = learning_task.head or ValueHead.of(sample.y)
        network = plain_table_network(
            learning_task.rows(sample.x), learning_task.specs, head, hidden
        )
    output = "value" if learning_task.task == "regression" else "probabilities"
    learner = Learner(keras.Model(network.input, network.output[output]), learning_task)
    _draw_weights(learner.network, seed)
    return learner


def _draw_weights(network: keras.Model, seed: int) -> None:
    """Draw each kernel by the seed and the index of its layer.

    Keras draws all kernels from one stream, in which every dropout layer would shift the kernels
    after it.
    """
    with_kernels = (layer for layer in network.layers if hasattr(layer, "kernel"))
    for index, layer in enumerate(with_kernels):
        initializer, config = type(layer.kernel_initializer), layer.kernel_initializer.get_config()
        own_seed = int(np.random.default_rng([seed, index]).integers(2**31))
        draw = initializer.from_config({**config, "seed": own_seed})
        layer.kernel.assign(draw(layer.kernel.shape))
