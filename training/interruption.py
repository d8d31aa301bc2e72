"""Ctrl-C and TERM, kept even where a library's code swallows the exception.

CatBoost's callbacks and finalizers that run in the midst of TensorFlow now and then do.
"""

import signal
import threading

_interrupted = threading.Event()


def listen() -> None:
    """Let SIGINT and SIGTERM interrupt the program, and be remembered."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def check() -> None:
    """Stop here if the program was told to.

    Raises:
        KeyboardInterrupt: A signal came, though nobody may have seen its exception.
    """
    if _interrupted.is_set():
        raise KeyboardInterrupt


def _interrupt(_number: int, _frame: object) -> None:
    _interrupted.set()
    raise KeyboardInterrupt
