"""Texts that differ in case only are told."""

import pytest

from training.datasets.spellings import describe_spellings


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["Yes", "yes", "No", None],
            ["'sold' has 'No', 'Yes', 'yes', which are read as 'no' and 'yes'."],
        ),
        (
            ["Cat", "cat", "Dog"],
            [
                "'sold' has 'Cat' and 'cat', which differ in case only. Each is a category of its "
                "own; write them alike if they are one."
            ],
        ),
        (["Yes", "No"], []),
        (["a", "b", None], []),
    ],
    ids=["booleans", "others", "one spelling", "different"],
)
def test_texts_that_look_alike_are_told(texts: list[str | None], expected: list[str]) -> None:
    assert describe_spellings("sold", texts, "category") == expected
