"""The inputs of a table's network, by kind and by column."""

import keras
import numpy as np

from training.architectures.table_inputs import (
    by_column,
    code_input,
    date_columns,
    number_input,
    vocabulary_sizes,
)
from vitrine.signature import CategoryInput, DateInput, NumberInput


def number(name: str) -> NumberInput:
    """Describe a number column."""
    return NumberInput(
        name=name,
        tensor=name,
        dtype="float32",
        shape=(1,),
        minimum=0,
        maximum=1,
        median=0,
        blanks=False,
    )


SPECS = (
    number("first"),
    CategoryInput(
        name="kind", tensor="kind", dtype="int32", shape=(1,), vocabulary=("a", "b"), blanks=False
    ),
    DateInput(
        name="day",
        tensor="day",
        dtype="float32",
        shape=(1,),
        minimum=0,
        maximum=1,
        median=0,
        blanks=False,
        format="%Y-%m-%d",
    ),
    number("last"),
)


def test_dates_are_counted_among_the_numbers() -> None:
    assert date_columns(SPECS) == [1]


def test_vocabulary_has_codes_for_missing_and_other() -> None:
    assert vocabulary_sizes(SPECS) == [4]


def test_each_column_becomes_an_input_that_reaches_its_kind_in_order() -> None:
    numbers, codes = number_input(3), code_input(1)
    inner = keras.Model(
        {"numbers": numbers, "categories": codes},
        {"value": keras.layers.Identity()(numbers), "codes": keras.layers.Identity()(codes)},
    )

    outputs = by_column(inner, SPECS)(
        {
            "first": np.array([[1]], np.float32),
            "kind": np.array([[2]], np.int32),
            "day": np.array([[3]], np.float32),
            "last": np.array([[4]], np.float32),
        }
    )

    assert np.asarray(outputs["value"]).tolist() == [[1, 3, 4]]
    assert np.asarray(outputs["codes"]).tolist() == [[2]]
