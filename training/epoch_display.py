"""The epochs of a fit on the terminal."""

import time
from typing import Any, Self

import keras

from training import interruption
from training.progress import console, count_bar

# Without a terminal, at most about this number of epochs is printed.
_MOST_LINES = 40


class EpochDisplay(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar while an epoch runs, and a line when the epoch is done.

    A program without a terminal prints the lines only, so that a log stays readable. If there are
    many epochs, it prints about forty of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar = count_bar()
        self._task = self._bar.add_task("learning")
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002, D102
        self._began = time.monotonic()
        description = f"epoch {epoch + 1}/{self.params['epochs']}"
        self._bar.reset(self._task, total=self.params["steps"], description=description)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002, D102
        interruption.check()
        self._bar.update(self._task, completed=batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        every = -(-self.params["epochs"] // _MOST_LINES)
        if (epoch + 1) % every and epoch + 1 != self.params["epochs"]:
            return
        measures = "  ".join(f"{name} {value:.4g}" for name, value in (logs or {}).items())
        seconds = time.monotonic() - self._began
        console.print(f"epoch {epoch + 1:3d}/{self.params['epochs']}  {measures}  {seconds:.0f} s")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()
