"""The sums over the areas of all processes."""

import numpy as np
import pytest

from service.telemetry.numbers import Area, Combining, Key, Numbers, encode
from service.telemetry.totals import Totals, combined

A, B = Key("sum", "a"), Key("sum", "b")


@pytest.mark.parametrize(
    ("combining", "expected"), [("sum", 5), ("min", 1), ("max", 4), ("livesum", 5)]
)
def test_series_are_combined_as_their_key_says(combining: Combining, expected: float) -> None:
    key = Key(combining, "a")
    areas = {str(value): encode({key: np.array([value])}) for value in (1.0, 4.0)}

    ((found, values),) = combined(areas)

    assert found == key
    assert values.tolist() == [expected]


def test_series_that_only_some_have_are_combined_too() -> None:
    low, high = Key("min", "low"), Key("max", "high")
    first = encode({A: np.array([1.0, 2.0]), low: np.array([-3.0])})
    second = encode({high: np.array([-5.0]), A: np.array([10.0, 20.0])})

    found = {key: values.tolist() for key, values in combined({"1": first, "2": second})}

    assert found == {A: [11, 22], low: [-3], high: [-5]}


def test_areas_and_series_that_come_and_go_are_seen() -> None:
    one, other = Numbers(None), Numbers(None)
    areas: dict[str, Area] = {}
    totals = Totals(lambda: areas)

    def read() -> dict[Key, list[float]]:
        layout, values = totals.read()
        return {key: values[cells].tolist() for key, cells in layout.cells.items()}

    assert read() == {}
    one.series(A, 1).cells[0] = 1
    areas.update(one.areas())
    assert read() == {A: [1]}
    one.series(B, 2).cells[1] = 2
    assert read() == {A: [1], B: [0, 2]}
    other.series(A, 1).cells[0] = 5
    areas.update(other.areas())
    assert read() == {A: [6], B: [0, 2]}
    areas.pop(*one.areas())
    assert read() == {A: [5]}


def test_layout_is_the_same_while_series_stay() -> None:
    numbers = Numbers(None)
    totals = Totals(numbers.areas)
    numbers.series(A, 1)
    before, _ = totals.read()

    numbers.series(A, 1).cells[0] = 3
    after, values = totals.read()

    assert after is before
    assert values.tolist() == [3]
