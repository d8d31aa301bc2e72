"""What the user says about the columns of a table reaches its training."""

import argparse

import pytest

from training.commands.column_arguments import add_column_options, read_overrides
from training.datasets.column_kinds import Overrides
from training.errors import CannotTrain


def read(*words: str) -> Overrides:
    """Parse the options of a command."""
    parser = argparse.ArgumentParser()
    add_column_options(parser)
    return read_overrides(parser.parse_args(words))


def test_options_become_overrides() -> None:
    assert read(
        *("--numeric", "a", "b", "--categorical", "c", "--date", "d", "--ignore", "e"),
        *("--decimal", ",", "--thousands", "\u202f", "--month-first"),
    ) == Overrides(
        numeric=("a", "b"),
        categorical=("c",),
        dates=("d",),
        ignored=("e",),
        decimal=",",
        thousands=" ",
        order="month",
    )


def test_names_of_columns_are_read_in_nfc() -> None:
    assert read("--ignore", "a\u0301rea").ignored == ("\xe1rea",)


def test_nothing_is_overridden_by_default() -> None:
    assert read() == Overrides()


def test_no_thousands_mark_can_be_given() -> None:
    assert read("--thousands", "").thousands == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--thousands", "x"), r"--thousands: .* must be one of \. , ' a space, or nothing"),
        (("--thousands", ",", "--decimal", ","), "--thousands: .* must differ from decimal"),
    ],
)
def test_impossible_mark_is_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CannotTrain, match=message):
        read(*words)


def test_both_orders_of_dates_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--day-first", "--month-first")

    assert "not allowed with argument" in capsys.readouterr().err
