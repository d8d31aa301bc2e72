"""What was measured beside what is promised."""

from dataclasses import dataclass

SLACK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    Attributes:
        name: What was measured.
        value: What came out.
        unit: Of the value and of the promise.
        at_most, at_least: What is promised; None for a figure that is only told.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_far_off(self) -> bool:
        """Whether it is twice as bad as what is promised: a machine's bad day is not a fault."""
        if self.at_least is not None and not SLACK * self.value >= self.at_least:
            return True
        return self.at_most is not None and not self.value <= SLACK * self.at_most

    @property
    def is_kept(self) -> bool:
        """Whether it is as promised."""
        is_enough = self.at_least is None or self.value >= self.at_least
        return is_enough and (self.at_most is None or self.value <= self.at_most)

    def _promised(self) -> str:
        if self.at_least is not None:
            return f"   promised: at least {self.at_least:g}"
        return "" if self.at_most is None else f"   promised: at most {self.at_most:g}"

    def __str__(self) -> str:
        verdict = "" if self.is_kept else "   MISSED"
        verdict = "   TOO FAR OFF" if self.is_far_off else verdict
        return f"{self.name:<64} {self.value:>12,.4g} {self.unit:<8}{self._promised()}{verdict}"
