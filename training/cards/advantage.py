"""The network beside one constant answer."""

from training.cards.markdown import inline
from training.cards.templates import fill
from training.evaluation.advantage import Advantage
from training.formatting import format_error, format_number

_FORCED = (
    "It is not larger than its standard error. Without `--force`, this version would not have been "
    "published."
)


def advantage_text(advantage: Advantage, *, instances: str) -> str:
    """Return the sentences of the card about a network beside one constant answer.

    Args:
        advantage: How much better the network is.
        instances: What the instances are called: pictures or rows.
    """
    return fill(
        "advantage",
        instances=f"{advantage.instances:,} {instances}",
        measure=advantage.measure,
        score=format_number(advantage.score),
        constant=inline(advantage.constant),
        constant_score=format_number(advantage.constant_score),
        gain=format_number(advantage.gain),
        error=format_error(advantage.error),
        forced="" if advantage.is_clear else _FORCED,
    )
