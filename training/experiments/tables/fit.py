"""What both ways to learn a table share: the loss, the callbacks and the fit itself."""

from dataclasses import dataclass
from typing import Any

import keras

from training.architectures.heads import Head, Loss, balanced_loss
from training.cards.fit import epochs_text
from training.cards.templates import fill
from training.datasets.tables import TablePart, TableParts
from training.epoch_display import EpochDisplay
from training.experiments.tables.config import LearningConfig
from training.fitting import Callbacks, kept_history
from training.history import History
from training.outcomes import Outcome, outcome_of

_PREDICTED_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """A fitted network that takes rows, and how it was fitted.

    Attributes:
        network: The network, which tells how sure it is.
        history: What was measured after each epoch.
        fit_text: Sentences for the card on how it was fitted.
        beyond_text: Sentence for the card on what it does outside of the ranges that it knows.
    """

    network: keras.Model
    history: History
    fit_text: str
    beyond_text: str


def compile_learner(
    network: keras.Model,
    head: Head,
    parts: TableParts,
    *,
    optimizer: keras.optimizers.Optimizer,
    steps: int,
    class_weights: bool,
) -> keras.Model:
    """Return the part of a network that is fitted, compiled.

    Args:
        network: The network.
        head: Its last layer.
        parts: The table.
        optimizer: A new optimizer.
        steps: Number of steps between two updates of the display.
        class_weights: Whether all class labels count the same.
    """
    outcome = outcome_of(parts.target)
    loss: str | Loss = head.loss
    if class_weights:
        loss = balanced_loss(head, outcome.encode(parts.train.y).mean(axis=0))
    learner = keras.Model(network.input, network.get_layer(head.layer).output)
    learner.compile(
        optimizer,
        loss,
        loss_weights=head.loss_weight,
        metrics=[outcome.metric()],
        steps_per_execution=max(1, steps),
    )
    return learner


def callbacks_of(
    learning: LearningConfig, *, patience: int, start_from_epoch: int = 0
) -> Callbacks:
    """Return what is done between epochs.

    Args:
        learning: What the user states.
        patience: Patience where the user states none.
        start_from_epoch: Number of the first epoch that can be the best one.
    """
    return Callbacks(
        patience=learning.patience or patience,
        start_from_epoch=start_from_epoch,
        reduce_patience=learning.reduce_patience,
        tensorboard=learning.tensorboard,
    )


def run_fit(
    learner: keras.Model,
    callbacks: Callbacks,
    validation: TablePart,
    outcome: Outcome,
    **data: Any,
) -> History:
    """Fit a compiled network, keeping the weights of the epoch with the smallest validation loss.

    Args:
        learner: The network, compiled.
        callbacks: What is done between epochs.
        validation: The validation part.
        outcome: What depends on the task.
        **data: Data and options for Keras' `fit`.

    Returns:
        Loss and metric of training and validation by epoch.

    Raises:
        CannotTrain: The losses are no finite numbers.
    """
    stopping = callbacks.early_stopping()
    with EpochDisplay() as display:
        history = learner.fit(
            **data,
            validation_data=(validation.rows.tensors(), outcome.encode(validation.y)),
            validation_batch_size=_PREDICTED_AT_ONCE,
            callbacks=[stopping, *callbacks.optional(), display],
            verbose=0,
        )
    return kept_history(history.history, stopping)


def outcome_text(history: History, learning: LearningConfig, *, limit: int) -> str:
    """Write the sentences of the card about the epoch that was kept, and about class weights.

    Args:
        history: What was measured after each epoch.
        learning: What the user states.
        limit: Largest number of epochs.
    """
    kept = epochs_text(history, limit=limit)
    return f"{kept} {fill('class_weights')}" if learning.class_weights else kept
