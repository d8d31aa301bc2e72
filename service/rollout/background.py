"""Work that may take long, beside the thread that asks for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Start(Protocol):
    """Begins work, and returns at once what will hold its result."""

    def __call__(self, work: Callable[[], Result], /) -> "Future[Result]":
        """Begin work."""


def in_background(work: Callable[[], Result], /) -> "Future[Result]":
    """Work in a thread of its own, which no end of the process waits for: it may hang for ever."""
    future: Future[Result] = Future()
    threading.Thread(target=_fill, args=(future, work), name="background", daemon=True).start()
    return future


def at_once(work: Callable[[], Result], /) -> "Future[Result]":
    """Work in the thread that asks for it."""
    future: Future[Result] = Future()
    _fill(future, work)
    return future


def _fill(future: "Future[Any]", work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
        future.set_exception(error)
