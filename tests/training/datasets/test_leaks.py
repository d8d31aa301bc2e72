"""Columns that give the target away are named."""

import numpy as np
import pytest

from training.datasets.leaks import find_leaking_columns

RNG = np.random.default_rng(0)


TARGET = RNG.lognormal(5, 1, 400)


ANY_NUMBERS = RNG.normal(0, 1, 400).astype(np.float32)


LEAKS = {
    "copy": TARGET.astype(np.float32),
    "rescaled": (3 - TARGET * 0.9).astype(np.float32),
    "logarithm": np.log(TARGET).astype(np.float32),
    "with a little noise": (TARGET + RNG.normal(0, 2, 400)).astype(np.float32),
    "band as text": np.array([f"band {band}" for band in np.argsort(np.argsort(TARGET)) // 10]),
}


@pytest.mark.parametrize("name", [*LEAKS])
def test_column_that_gives_the_target_away_is_named(name: str) -> None:
    values = LEAKS[name].astype(object) if name == "band as text" else LEAKS[name]

    assert list(find_leaking_columns({"other": ANY_NUMBERS, name: values}, TARGET, seed=0)) == [
        name
    ]


def test_good_but_honest_column_is_no_leak() -> None:
    values = (TARGET + RNG.normal(0, TARGET.std() / 4, 400)).astype(np.float32)

    assert find_leaking_columns({"x": values}, TARGET, seed=0) == {}


def test_value_that_only_comes_with_the_rarer_outcome_is_named() -> None:
    failed = (np.arange(400) % 20 == 0).astype(np.float64)
    cause = (failed * (np.arange(400) % 40 == 0)).astype(np.float32)

    assert list(find_leaking_columns({"cause": cause}, failed, seed=0)) == ["cause"]
