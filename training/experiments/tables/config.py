"""The hyper-parameters of both ways to learn a table."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from training.architectures.hidden import Hidden
from training.datasets.column_kinds import Overrides
from training.datasets.table_splits import Split
from training.datasets.targets import Task
from training.distillation.ensemble import DistillationConfig
from training.fitting import Fitting, LearningRate

# An epoch has so many times `steps_per_execution` steps, at least and at most.
_LEAST_EXECUTIONS, _MOST_EXECUTIONS = 3, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRecipe:
    """How a network is taught by an ensemble, and fitted.

    Attributes:
        distillation: Size of the ensemble, and number of synthetic rows.
        multiply_adds: Largest cost of one row.
        epochs: Largest number of epochs.
        patience: Number of epochs without a smaller validation loss, in the second half of the
            epochs, after which the fit stops.
        batch_size: Number of rows in a step.
        steps_per_execution: Number of steps between two updates of the display. Cheap steps are
            faster with more.
        learning_rate: Highest learning rate.
        weight_decay: Weight decay of AdamW.
        masked_rows: Share of the rows in which values are hidden.
        masked_values: Share of the values of such a row that are hidden.
    """

    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    multiply_adds: int = 34_000
    epochs: int = 32
    patience: int = 8
    batch_size: int = 512
    steps_per_execution: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    masked_rows: float = 0.15
    masked_values: float = 0.15

    def steps(self, rows: int) -> int:
        """Return the number of steps of an epoch: about as many as half of the rows need."""
        executions = rows // (2 * self.batch_size * self.steps_per_execution)
        return self.steps_per_execution * int(
            np.clip(executions, _LEAST_EXECUTIONS, _MOST_EXECUTIONS)
        )

    def schedule(self, steps: int) -> LearningRate:
        """Return the learning rate of every step: a rise over an epoch, then a cosine's fall.

        Args:
            steps: Number of steps in an epoch.
        """
        return keras.optimizers.schedules.CosineDecay(
            1e-5,
            steps * self.epochs,
            alpha=0.01,
            warmup_target=self.learning_rate,
            warmup_steps=steps,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainNetwork:
    """A multilayer perceptron that learns from the rows alone, as in a tutorial.

    Attributes:
        hidden: Its hidden layers.
        fitting: How it is fitted.
        adapts_batch_size: Whether few rows are learned in smaller batches, so that an epoch has
            steps; not where the user states the batch size.
    """

    hidden: Hidden
    fitting: Fitting
    adapts_batch_size: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningConfig:
    """How a network learns a table.

    Attributes:
        plain: Network that learns from the rows alone; None for one that an ensemble teaches.
        recipe: How a network is taught and fitted.
        class_weights: Whether all class labels count the same, however rare.
        patience: Number of epochs without a smaller validation loss after which the fit stops; None
            for the usual number.
        reduce_patience: Number of such epochs after which the learning rate is halved; None to
            leave the rate alone.
        tensorboard: Folder that is written for TensorBoard; None to write nothing.
    """

    plain: PlainNetwork | None = None
    recipe: TableRecipe = field(default_factory=TableRecipe)
    class_weights: bool = False
    patience: int | None = None
    reduce_patience: int | None = None
    tensorboard: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableConfig:
    """What a network is trained with.

    Attributes:
        file: CSV file with a header.
        targets: Columns to predict; several are labels of which a row may have any.
        command: Command as typed, for the record.
        task: What is predicted; None to tell it from the target.
        name: Name of the model.
        models: Folder in which versions are published.
        overrides: Kinds of columns that the user states.
        unit: Unit of the target; None where it is not known.
        split: Shares of the rows in each part.
        seed: Seed of every random choice but the test part.
        learning: How the network learns.
        min_score: Lowest validation score, R2 or accuracy, that is published; None for any.
        force: Whether a network is published that is not better than one constant answer.
        comparison: File that `baseline` wrote, for the card; None for none.
        began: Reading of the monotonic clock at the start.
    """

    file: Path
    targets: tuple[str, ...]
    command: str
    task: Task | None = None
    name: str = ""
    models: Path = Path("models")
    overrides: Overrides = field(default_factory=Overrides)
    unit: str | None = None
    split: Split = field(default_factory=Split)
    seed: int = 0
    learning: LearningConfig = field(default_factory=LearningConfig)
    min_score: float | None = None
    force: bool = False
    comparison: Path | None = None
    began: float = field(default_factory=time.monotonic)
