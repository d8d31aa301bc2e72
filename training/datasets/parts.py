"""The parts that data is split into."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

SomePart = TypeVar("SomePart", bound=Sized)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts(Generic[SomePart]):
    """Data in parts that have no instance in common.

    Attributes:
        train: Instances that a network is fitted on.
        validation: Instances that choose among networks and epochs.
        calibration: Instances that measure how far to trust a network; empty where a table is too
            small.
        test: Instances for the one final score.
        sha256: Hash of all the data, unpacked.
    """

    train: SomePart
    validation: SomePart
    calibration: SomePart
    test: SomePart
    sha256: str

    @property
    def sizes(self) -> dict[str, int]:
        """Number of instances in each part."""
        names = ("train", "validation", "calibration", "held_out", "test")
        return {name: len(getattr(self, name)) for name in names if hasattr(self, name)}
