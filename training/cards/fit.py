"""How a network was fitted: epochs, steps and learning rate, as its history has them."""

from itertools import pairwise

from training.cards.templates import fill
from training.history import History


def epochs_text(history: History, *, limit: int) -> str:
    """Say which epoch was kept, and whether training ended early.

    Args:
        history: What was measured after each epoch.
        limit: Largest number of epochs.
    """
    kept = _kept_text(history)
    if history.epochs == limit:
        return kept
    return f"{kept} {fill('stopped_early', epochs=str(history.epochs), limit=str(limit))}"


def _kept_text(history: History) -> str:
    epochs, kept = str(history.epochs), str(history.kept)
    if history.epochs == 1:
        return fill("kept_only_epoch")
    if history.first == history.epochs:
        return fill("kept_last_epoch", epochs=epochs)
    if history.first > 1:
        return fill("kept_late_epoch", first=str(history.first), epochs=epochs, kept=kept)
    return fill("kept_epoch", epochs=epochs, kept=kept)


def steps_text(batch_size: int, instances: int, noun: str) -> str:
    """Say how many instances a step had.

    Args:
        batch_size: Largest number of instances in a step.
        instances: Number of training instances.
        noun: What the instances are, such as "rows".
    """
    if batch_size >= instances:
        return f"all {instances:,} {noun} in each step"
    rest = instances % batch_size
    last = f" but the last one of an epoch, which had {rest:,}" if rest else ""
    return f"{batch_size:,} {noun} in each step{last}"


def rate_text(history: History, rate: float, *, reduce_patience: int | None) -> str:
    """Describe a learning rate that follows no schedule.

    Args:
        history: What was measured after each epoch, with the learning rate if it could be halved.
        rate: Learning rate at the start.
        reduce_patience: Number of epochs without a smaller validation loss after which the rate was
            halved; None if it stayed the same.
    """
    if reduce_patience is None:
        return f"The learning rate was {rate:g} throughout."
    without = f"{_counted(reduce_patience, 'epoch')} without a smaller validation loss"
    rates = history.measures["learning_rate"]
    halved = sum(later < earlier for earlier, later in pairwise(rates))
    if not halved:
        return (
            f"The learning rate was {rate:g} throughout. It would have been halved after {without}."
        )
    return (
        f"The learning rate was {rate:g} at the start. After {without} it was halved, "
        f"{_counted(halved, 'time')} in all; in the last epoch it was {rates[-1]:.6g}."
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
