"""The lowest score of a network that is published."""

from training.errors import CannotTrain


def require_score(score: float, least: float | None, *, measure: str) -> None:
    """Refuse to publish a network whose validation score is too low.

    Args:
        score: Score on the validation part; more is better.
        least: The lowest score that is accepted; None accepts any.
        measure: Name of the score.

    Raises:
        CannotTrain: The score is lower, or is not a number.
    """
    if least is not None and not score >= least:
        raise CannotTrain(
            f"Not published: the validation {measure} must be at least {least:g}. "
            f"Received: {score:.6g}."
        )
