"""Paired differences over folds and how sure they are."""

import numpy as np
import pytest

from training.studies.paired_difference import PairedDifference, paired_difference, verdict


def test_difference_is_the_mean_of_pairs() -> None:
    difference = paired_difference([1.0, 2.0, 6.0], [0.0, 3.0, 4.0], scored=1, trained=2)

    assert difference.mean == pytest.approx(2 / 3)
    assert difference.error == pytest.approx(np.std([1, -1, 2], ddof=1) / np.sqrt(3))


def test_difference_that_never_changes_is_sure() -> None:
    difference = paired_difference([5.0, 6.0, 7.0], [4.0, 5.0, 6.0], scored=1, trained=2)

    assert (difference.mean, difference.error, difference.cautious_error) == (1, 0, 0)


def test_shared_training_rows_make_the_error_larger() -> None:
    difference = paired_difference([1.0, 0.0, 2.0, 1.0], [0.0] * 4, scored=25, trained=75)

    assert difference.cautious_error == pytest.approx(
        difference.error * np.sqrt((1 / 4 + 1 / 3) / (1 / 4))
    )


VERDICTS = {
    "larger is better": (0.3, 0.1, True, 1),
    "smaller is better": (0.3, 0.1, False, -1),
    "smaller is better, and it is": (-0.3, 0.1, False, 1),
    "within two errors": (0.2, 0.1, True, 0),
    "equal": (0.0, 0.0, True, 0),
}


@pytest.mark.parametrize(
    ("mean", "error", "larger_is_better", "expected"), VERDICTS.values(), ids=VERDICTS
)
def test_verdict_is_careful(
    mean: float, error: float, larger_is_better: bool, expected: int
) -> None:
    difference = PairedDifference(mean=mean, error=0, cautious_error=error)

    assert verdict(difference, larger_is_better=larger_is_better) == expected
