"""Progress on the terminal: what is being done, and how long it still takes."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from training import interruption

Item = TypeVar("Item")
# Tells that so much more is done.
Advance: TypeAlias = Callable[[float], None]

console = Console(highlight=False, soft_wrap=True)


def count_bar(*, on: Console = console) -> Progress:
    """Return a bar that counts, such as steps of an epoch; nothing is drawn without a terminal."""
    return _bar(MofNCompleteColumn(), TimeRemainingColumn(), on=on)


@contextmanager
def stretch(
    description: str, *, total: float | None = None, on: Console = console
) -> Iterator[Advance]:
    """Tell what is being done, with a bar while it lasts.

    A program without a terminal prints the description alone, so that a log stays readable.

    Args:
        description: What is being done.
        total: How much there is to do; the bar then tells the time left. None where that is not
            known; the bar then tells the time that has passed.
        on: Where it is shown.

    Yields:
        A function that tells how much more is done. It stops an interrupted program.
    """
    on.print(f"{description} ...", markup=False)
    if total is None:
        bar = _bar(TimeElapsedColumn(), on=on)
    else:
        bar = _bar(TaskProgressColumn(), TimeRemainingColumn(), on=on)
    with bar:
        task = bar.add_task(description, total=total)

        def advance(amount: float) -> None:
            interruption.check()
            bar.advance(task, amount)

        yield advance


def track(items: Collection[Item], description: str, *, on: Console = console) -> Iterator[Item]:
    """Yield items in turn while a bar tells the time left; without a terminal, print nothing.

    Args:
        items: What is done one by one.
        description: What the items are.
        on: Where it is shown.
    """
    with count_bar(on=on) as bar:
        # Updating the bar for each of many items would take longer than many of these.
        for item in bar.track(items, description=description) if on.is_terminal else items:
            interruption.check()
            yield item


def nothing(_amount: float) -> None:
    """Take notice of nothing: what is done is not shown."""


def _bar(*columns: ProgressColumn, on: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *columns,
        console=on,
        transient=True,
        disable=not on.is_terminal,
    )
