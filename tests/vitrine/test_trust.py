"""Sets, intervals and credibility: worked out by hand, and as often right as they promise."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitrine import trust
from vitrine.trust import Trust, Values

DRAWS = 2000
# The same draws in every run, and no clock decides.
steady = settings(derandomize=True, deadline=None, max_examples=30)
steadily = settings(steady, max_examples=200)


def ranks(count: int) -> Values:
    """Return scores that are their own rank, from 1 on."""
    return np.arange(1, count + 1, dtype=np.float32)


def floats(*values: float) -> Values:
    """Return float32 numbers."""
    return np.array(values, dtype=np.float32)


@pytest.mark.parametrize(
    ("count", "coverage", "rank"),
    [
        (4, 0.5, 3),
        (4, 0.6, 3),
        (4, 0.61, 4),
        (4, 0.8, 4),
        (4, 1e-12, 1),
        (99, 0.07, 7),
        (99, 0.28, 28),
        (99, 0.29, 29),
        (99, 0.55, 55),
        (1, 0.5, 1),
    ],
    ids=[
        "between",
        "whole",
        "just above",
        "largest",
        "next to nothing",
        "a hair above 7",
        "a hair above 28",
        "a hair below 29",
        "a hair above 55",
        "one score",
    ],
)
def test_threshold_is_the_score_of_the_rank(count: int, coverage: float, rank: int) -> None:
    assert trust.threshold(ranks(count), coverage) == rank


@steadily
@given(count=st.integers(1, 3000), thousandths=st.integers(1, 999))
def test_threshold_has_the_rank_that_fractions_give(count: int, thousandths: int) -> None:
    rank = ceil((count + 1) * Fraction(thousandths, 1000))
    if rank > count:
        assert thousandths / 1000 > trust.largest_coverage(count)
    else:
        assert trust.threshold(ranks(count), thousandths / 1000) == rank


@steadily
@given(count=st.integers(1, 100_000))
def test_largest_coverage_needs_the_largest_score(count: int) -> None:
    assert trust.threshold(ranks(count), trust.largest_coverage(count)) == count


@pytest.mark.parametrize(("count", "largest"), [(0, 0.0), (1, 0.5), (4, 0.8), (999, 0.999)])
def test_more_scores_support_more_coverage(count: int, largest: float) -> None:
    assert trust.largest_coverage(count) == largest


def test_score_of_a_label_is_what_its_probability_lacks() -> None:
    assert trust.class_scores(np.array([[0.25, 0.75]], dtype=np.float32)).tolist() == [[0.75, 0.25]]


def test_set_holds_every_label_up_to_the_threshold() -> None:
    probabilities = np.array([[0.5, 0.25, 0.25], [0.75, 0.25, 0.0]], dtype=np.float32)

    members = trust.prediction_sets(probabilities, np.float32(0.75))

    assert members.tolist() == [[True, True, True], [True, True, False]]


def test_set_of_none_but_strange_labels_holds_the_most_probable() -> None:
    probabilities = np.array([[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]], dtype=np.float32)

    members = trust.prediction_sets(probabilities, np.float32(0.1))

    assert members.tolist() == [[False, True, False], [True, False, False]]


def answers(seed: int, count: int, classes: int = 4) -> Values:
    """Draw probabilities, sure and unsure ones."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, 0.5), count).astype(np.float32)


@steady
@given(seed=st.integers(0, 2**32), limit=st.floats(0, 1, width=32))
def test_sets_are_never_empty_and_hold_what_the_threshold_allows(seed: int, limit: float) -> None:
    probabilities = answers(seed, 50)

    members = trust.prediction_sets(probabilities, np.float32(limit))

    assert members.any(axis=1).all()
    allowed = 1 - probabilities <= np.float32(limit)
    assert members[allowed].all()
    beyond = members & ~allowed
    assert (probabilities == probabilities.max(axis=1, keepdims=True))[beyond].all()


def test_interval_reaches_as_far_as_the_quantiles_times_the_threshold() -> None:
    quantiles = np.array([[9.0, 12.0], [7.0, 10.5]], dtype=np.float32)

    ends = trust.intervals(floats(10, 10), quantiles, np.float32(2))

    assert ends.tolist() == [[8.0, 14.0], [4.0, 11.0]]


def test_score_of_a_value_is_its_distance_in_those_of_the_quantiles() -> None:
    quantiles = np.tile(floats(9, 14), (4, 1))

    scores = trust.value_scores(floats(*[10] * 4), quantiles, np.array([9.5, 10.0, 12.0, 18.0]))

    assert scores.tolist() == [0.5, 0.0, 0.5, 2.0]


@pytest.mark.parametrize("value", [0.0, 5.0, -3e8], ids=["nothing", "some", "much"])
@pytest.mark.parametrize("limit", [0.0, 1.0, 1e6], ids=["certain", "usual", "wide"])
@pytest.mark.parametrize("shift", [0.0, 1.0, -1.0], ids=["at the value", "above", "below"])
def test_interval_holds_the_value_wherever_the_quantiles_are(
    value: float, limit: float, shift: float
) -> None:
    quantiles = np.full((1, 2), value + shift * max(1, abs(value)), dtype=np.float32)

    ((lower, upper),) = trust.intervals(floats(value), quantiles, np.float32(limit))

    assert lower <= value <= upper
    assert np.isfinite([lower, upper]).all()


def test_quantile_at_the_value_still_scales() -> None:
    quantiles = np.array([[5.0, 5.0]], dtype=np.float32)

    (score,) = trust.value_scores(floats(5), quantiles, np.array([6.0]))
    ((lower, upper),) = trust.intervals(floats(5), quantiles, score)

    assert np.isfinite(score)
    assert (lower, upper) == (pytest.approx(4), pytest.approx(6))


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.0, 1.0), (1.0, 1.0), (1.5, 0.8), (2.0, 0.8), (2.5, 0.4), (3.0, 0.4), (9.0, 0.2)],
    ids=["first", "tie", "past one", "two ties", "past two", "last", "beyond"],
)
def test_p_value_counts_those_at_least_as_strange(score: float, expected: float) -> None:
    assert trust.p_values(floats(score), floats(1, 2, 2, 3)).tolist() == [expected]


@steady
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60))
def test_p_values_lie_above_0_and_up_to_1(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    calibration, scores = (
        np.sort(rng.integers(0, 20, size).astype(np.float32)) for size in (count, 100)
    )

    found = trust.p_values(scores, calibration)

    assert found.min() >= 1 / (count + 1)
    assert found.max() <= 1
    assert (np.diff(found) <= 0).all()


def test_score_that_is_no_number_is_stranger_than_all() -> None:
    assert trust.p_values(floats(np.nan), floats(1, 2, 3)).tolist() == [0.25]


def test_credibility_is_of_the_novelty_where_the_network_tells_it() -> None:
    measured = Trust.of([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
    probabilities = np.array([[0.5, 0.5], [1.0, 0.0]], dtype=np.float32)

    assert measured.credibility(probabilities, floats(2, 9)).tolist() == [0.75, 0.25]


def test_credibility_is_of_the_most_probable_label_otherwise() -> None:
    measured = Trust.of([0.125, 0.25, 0.375], [])
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]], dtype=np.float32)

    assert measured.credibility(probabilities, None).tolist() == [0.75, 1.0, 0.25]


def four_errors(share: float) -> float:
    """Return four standard errors of a share that was found in all draws."""
    return float(4 * np.sqrt(share * (1 - share) / DRAWS))


def covered_sets(rng: np.random.Generator, count: int, coverage: float) -> NDArray[np.bool_]:
    """Calibrate on some instances and predict another, many times: is its label in the set?"""
    probabilities = rng.dirichlet((0.5, 1, 2), DRAWS * (count + 1)).astype(np.float32)
    # Labels that the probabilities know too little of: the network may be as wrong as it likes.
    truth = (probabilities.argmax(axis=1) + (rng.random(len(probabilities)) < 0.3)) % 3
    parts = probabilities.reshape(DRAWS, count + 1, 3), truth.reshape(DRAWS, count + 1)
    held = np.empty(DRAWS, dtype=bool)
    for draw, (own, labels) in enumerate(zip(*parts, strict=True)):
        scores = np.sort(trust.class_scores(own)[np.arange(count), labels[:count]])
        members = Trust(scores, floats()).sets(own[count:], coverage)
        held[draw] = members[0, labels[count]]
    return held


def covered_intervals(rng: np.random.Generator, count: int, coverage: float) -> NDArray[np.bool_]:
    """Calibrate on some instances and predict another, many times: is its value held?"""
    shape = DRAWS, count + 1
    values = rng.normal(100, 30, shape).astype(np.float32)
    spread = rng.uniform(0.1, 9, (*shape, 2)) * (-1, 1)
    quantiles = (values[..., np.newaxis] + spread).astype(np.float32)
    truth = values + rng.standard_t(2, shape) + 2  # off to one side, now and then by far
    held = np.empty(DRAWS, dtype=bool)
    for draw, (own, ends, true) in enumerate(zip(values, quantiles, truth, strict=True)):
        scores = np.sort(trust.value_scores(own[:count], ends[:count], true[:count]))
        ((lower, upper),) = Trust(scores, floats()).intervals(own[count:], ends[count:], coverage)
        held[draw] = lower <= true[count] <= upper
    return held


samples = given(
    seed=st.integers(0, 2**32), count=st.integers(4, 40), share=st.floats(0.05, 1, exclude_max=True)
)
few = settings(steady, max_examples=12)


@few
@samples
def test_sets_hold_the_truth_at_least_as_often_as_asked(
    seed: int, count: int, share: float
) -> None:
    coverage = share * trust.largest_coverage(count)

    found = covered_sets(np.random.default_rng(seed), count, coverage).mean()

    exact = ceil((count + 1) * coverage) / (count + 1)
    assert exact >= coverage
    assert found >= exact - four_errors(exact)


@few
@samples
def test_intervals_hold_the_truth_as_often_as_asked(seed: int, count: int, share: float) -> None:
    coverage = share * trust.largest_coverage(count)

    found = covered_intervals(np.random.default_rng(seed), count, coverage).mean()

    exact = ceil((count + 1) * coverage) / (count + 1)
    assert found == pytest.approx(exact, abs=four_errors(exact))


@few
@samples
def test_p_values_are_small_as_seldom_as_they_say(seed: int, count: int, share: float) -> None:
    scores = np.random.default_rng(seed).exponential(size=(DRAWS, count + 1)).astype(np.float32)

    found = np.array([trust.p_values(each[count:], np.sort(each[:count]))[0] for each in scores])

    # Without ties a p-value is each of 1 / (n + 1), ..., 1 equally often.
    exact = np.floor(share * (count + 1)) / (count + 1)
    error = four_errors(exact)
    assert (found <= share).mean() == pytest.approx(exact, abs=error)


@steady
@given(seed=st.integers(0, 2**32), count=st.integers(2, 50))
def test_more_coverage_never_takes_away(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    measured = Trust(np.sort(rng.random(count).astype(np.float32)), floats())
    probabilities = answers(seed, 20)
    values = floats(*rng.normal(size=20))
    quantiles = np.stack([values - 1, values + 2], axis=1)

    coverages = np.linspace(0.01, 1, 40) * measured.largest_coverage
    sets = np.array([measured.sets(probabilities, each) for each in coverages])
    ends = np.array([measured.intervals(values, quantiles, each) for each in coverages])

    assert (sets[1:] >= sets[:-1]).all()
    assert (np.diff(ends[..., 0], axis=0) <= 0).all()
    assert (np.diff(ends[..., 1], axis=0) >= 0).all()
