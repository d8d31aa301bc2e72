"""What a network must score to be published."""

from training.errors import CannotTrain
from training.evaluation.advantage import Advantage
from training.formatting import format_error, format_number
from training.progress import console


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


def require_advantage(
    advantage: Advantage, *, instances: str, force: bool, advice: str = ""
) -> None:
    """Refuse to publish a network that is not better than one constant answer.

    Args:
        advantage: How much better it is, on instances that did not train it.
        instances: What the instances are called: pictures or rows.
        force: Whether it is published nevertheless, with a warning.
        advice: What else may help besides more data and other hyper-parameters.

    Raises:
        CannotTrain: The network is not better by more than one standard error.
    """
    if advantage.is_clear:
        return
    finding = (
        f"not clearly better than always answering {advantage.constant}: {advantage.measure} "
        f"{format_number(advantage.score)} against {format_number(advantage.constant_score)} on "
        f"{advantage.instances:,} {instances} that did not train it. The difference must be larger "
        f"than its standard error, {format_error(advantage.error)}."
    )
    if not force:
        raise CannotTrain(
            f"Not published: the network is {finding} Give it more data or other "
            f"hyper-parameters{advice}; --force publishes it anyway."
        )
    warning = f"Warning: --force publishes a network that is {finding}"
    console.print(warning, style="bold yellow", markup=False)
