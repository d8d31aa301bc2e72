"""Who hears of the pipeline's work, and who lets it compute."""

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
    """What is told of the work while it is done; this one does nothing about it.

    Attributes:
        decode, inference, encode: Entered around each part of the work.
    """

    decode: AbstractContextManager[None] = nullcontext()
    inference: AbstractContextManager[None] = nullcontext()
    encode: AbstractContextManager[None] = nullcontext()

    def decoded(self, instances: int) -> None:
        """Hear of the number of instances that are predicted next."""

    def predicted(self, predicted: PredictedBlock) -> None:
        """Hear of a block that was predicted, with the network's input."""
