"""The sentences of the card about the network beside one constant answer."""

from training.cards.advantage import advantage_text
from training.evaluation.advantage import Advantage


def beside(gain: float) -> Advantage:
    """Return an advantage with an error of 0.01."""
    return Advantage(
        measure="accuracy",
        constant="'a|b'",
        score=0.5 + gain,
        constant_score=0.5,
        gain=gain,
        error=0.01,
        instances=1200,
    )


def test_scores_and_their_difference_are_told() -> None:
    assert advantage_text(beside(0.25), instances="rows") == (
        "On 1,200 rows that did not train the network, its accuracy is 0.75. Always answering "
        "'a\\|b' has 0.5. The difference is 0.25 ± 0.01."
    )


def test_version_that_was_forced_is_told() -> None:
    text = advantage_text(beside(0.01), instances="rows")

    assert text.endswith(
        "The difference is 0.01 ± 0.01. It is not larger than its standard error. Without "
        "`--force`, this version would not have been published."
    )
