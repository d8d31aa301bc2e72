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
        at_most: What is promised; None for a figure that is only told.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def is_far_off(self) -> bool:
        """Whether it is more than twice what is promised: a machine's bad day is not a fault."""
        return self.at_most is not None and not self.value <= SLACK * self.at_most

    def __str__(self) -> str:
        promised = "" if self.at_most is None else f"   promised: at most {self.at_most:g}"
        verdict = "   TOO FAR OFF" if self.is_far_off else ""
        return f"{self.name:<48} {self.value:>12,.4g} {self.unit:<8}{promised}{verdict}"
