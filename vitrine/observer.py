"""What a pipeline calls around its work: a compute slot, and an observer that measures it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from vitrine.predictions import PredictedBlock


class Slot(Protocol):
    """The right to compute, held inside `with`, which may be nested."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def give_way(self) -> None:
        """Let others compute first."""

    def released(self) -> AbstractContextManager[None]:
        """Let others compute inside this `with`, where the caller waits."""

    def spare(self) -> AbstractContextManager[None] | None:
        """Return a slot for one more thread, which is free after its `with`; None if all are taken.

        Nobody who waits for a slot has to wait longer for it.
        """


class Unlimited:
    """The slot of a caller that shares its process with nobody."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def give_way(self) -> None:
        """Do nothing: there are no others."""

    def released(self) -> AbstractContextManager[None]:
        """Do nothing: there are no others."""
        return nullcontext()

    def spare(self) -> AbstractContextManager[None] | None:
        """Return a slot, as many as there are callers."""
        return nullcontext()


class OneThread(Unlimited):
    """The slot of a caller that has one core for itself."""

    def spare(self) -> None:
        """Return nothing: a second thread would take the core of another process."""


class Observer:
    """Methods that a pipeline calls during its work; this class does nothing in them.

    Attributes:
        decode, inference, encode: Entered around each part of the work.
    """

    decode: AbstractContextManager[None] = nullcontext()
    inference: AbstractContextManager[None] = nullcontext()
    encode: AbstractContextManager[None] = nullcontext()

    def decoded(self, instances: int) -> None:
        """Take note of the number of instances that are predicted next."""

    def predicted(self, predicted: PredictedBlock) -> None:
        """Take note of a block that was predicted, with the network's input."""
