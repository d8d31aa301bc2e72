"""Ranges, vocabularies and names of tensors."""

from training.datasets.column_kinds import ColumnKinds
from training.datasets.column_specs import learn_specs, learn_vocabulary, tensor_names
from vitrine.signature import CategoryInput, DateInput, Dialect, NumberInput

POINT = Dialect()


def test_rare_texts_are_left_to_other() -> None:
    assert learn_vocabulary(["b"] * 60 + ["a"] * 60 + ["once", "twice", "twice"]) == (
        "a",
        "b",
        "twice",
    )


def test_words_for_yes_and_no_are_one_text_in_any_case() -> None:
    assert learn_vocabulary(["TRUE", "True", "false"]) == ("false", "true")
    assert learn_vocabulary(["TRUE", "FALSE"]) == ("FALSE", "TRUE")


def test_specs_know_ranges_and_blanks() -> None:
    kinds = ColumnKinds({"x": "number", "c": "category", "d": "%Y-%m-%d"}, {})
    columns: dict[str, list[str | None]] = {
        "x": ["3", None, "1"],
        "c": ["b", "a", "b"],
        "d": ["1970-01-02", "1970-01-04", "1970-01-11"],
    }

    number, category, date = learn_specs(columns, kinds, POINT)

    assert isinstance(category, CategoryInput)
    assert not isinstance(number, CategoryInput)
    assert not isinstance(date, CategoryInput)
    assert (number.minimum, number.maximum, number.median, number.blanks) == (1, 3, 2, True)
    assert (category.vocabulary, category.blanks) == (("a", "b"), False)
    assert (date.minimum, date.maximum, date.median) == (1, 10, 3)


def test_numbers_keep_their_unit_and_know_what_stands_for_nothing() -> None:
    kinds = ColumnKinds({"x": "number", "d": "%Y-%m-%d"}, {}, units={"x": "$"})

    number, date = learn_specs({"x": ["$3", "-", "($1)"], "d": ["1970-01-02", "-"]}, kinds, POINT)

    assert isinstance(number, NumberInput)
    assert isinstance(date, DateInput)
    assert (number.unit, number.minimum, number.maximum, number.blanks) == ("$", -1, 3, True)
    assert (date.minimum, date.blanks) == (1, True)


def test_tensor_names_are_plain_and_unique() -> None:
    names = ["size [m2]", "Size m2", "größe", "größe!", "1st", "value", "日本", "_"]

    tensors = tensor_names(names)

    assert list(tensors) == names
    assert all(tensor.isascii() and tensor.isidentifier() for tensor in tensors.values())
    assert len({tensor.lower() for tensor in tensors.values()} | {"value"}) == len(names) + 1
