"""What a caller may ask of a prediction, the same over HTTP, for files and in this process."""

from dataclasses import dataclass

# Coverage of sets and intervals where a caller asks for none.
DEFAULT_COVERAGE = 0.9
# Number of pixels that one picture may have: enough for any camera, and little enough to decode.
DEFAULT_MAX_PIXELS = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a caller asks for.

    Attributes:
        top: Number of the most probable classes or labels to list; None for all.
        report: Whether a faulty instance gets an error in its own record, instead of ending all.
        echo: Whether an answer in columns repeats those of the body.
        coverage: Probability that sets and intervals hold the truth; None for the default.
        abstain_below: Credibility below which no class label is given.
        explain: Whether to say which pixels or features decided.
        delimiter, decimal, thousands: Marks of a CSV body; None to find them in the body.
    """

    top: int | None = 3
    report: bool = False
    echo: bool = False
    coverage: float | None = None
    abstain_below: float | None = None
    explain: bool = False
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
