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


class Unlimited:
    """The slot of a caller that shares its process with nobody."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def give_way(self) -> None:
        """Do nothing: there are no others."""


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
