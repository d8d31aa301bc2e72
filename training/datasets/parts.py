"""The parts that data is kept apart in."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

SomePart = TypeVar("SomePart", bound=Sized)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts(Generic[SomePart]):
    """Data kept apart: `train` fits, `validation` chooses, `calibration` measures trust.

    Attributes:
        calibration: Empty where a table is too small to spare rows for it.
        test: For the one final score.
        sha256: Of all the data, unpacked.
    """

    train: SomePart
    validation: SomePart
    calibration: SomePart
    test: SomePart
    sha256: str

    @property
    def sizes(self) -> dict[str, int]:
        """Instances in each part."""
        names = ("train", "validation", "calibration", "held_out", "test")
        return {name: len(getattr(self, name)) for name in names if hasattr(self, name)}
