"""Ctrl-C and TERM, remembered even where the code of a library catches the exception.

The callbacks of CatBoost do that, and so do finalizers that run inside of TensorFlow.
"""

import signal
import threading

_interrupted = threading.Event()


def listen() -> None:
    """Let SIGINT and SIGTERM interrupt the program, and remember them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def check() -> None:
    """Stop here if the program was interrupted.

    Raises:
        KeyboardInterrupt: A signal came, though its exception may have been caught.
    """
    if _interrupted.is_set():
        raise KeyboardInterrupt


def _interrupt(_number: int, _frame: object) -> None:
    _interrupted.set()
    raise KeyboardInterrupt
