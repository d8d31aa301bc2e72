"""Arguments of all commands: what is wrong is refused, and every option has a help text."""

import argparse

import pytest

from tests.parsers import all_parsers, example_of
from training.__main__ import _parser, main
from training.commands.arguments import join_signed_values

PROG = "vitrine train"
PARSERS = {each.prog: each for each in all_parsers(_parser(PROG))}

WRONG = {
    "no command": [],
    "tiny pictures": ["images", "--size", "23"],
    "no epochs": ["images", "mnist", "--name", "x", "--epochs", "0"],
    "dropout of all": ["table", "wine", "--hidden", "4", "--dropout", "1"],
    "no rate": ["compare", "dropout", "--learning-rate", "0"],
    "seed below 0": ["images", "--seed", "-1"],
    "seed of 33 bits": ["compare", "dropout", "--seed", str(2**32)],
    "share of all": ["table", "x.csv", "--target", "y", "--name", "x", "--test-size", "1"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)

    assert raised.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["images", "table", "baseline"])
def test_help_describes_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([command, "--help"])

    assert raised.value.code == 0
    assert "--seed" in capsys.readouterr().out


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_help_has_an_example_that_is_accepted(parser: argparse.ArgumentParser) -> None:
    options = PARSERS[PROG].parse_args(example_of(parser, PROG))

    assert callable(options.run)


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_help_shows_the_defaults_that_are_values(parser: argparse.ArgumentParser) -> None:
    shown = parser.format_help()

    assert not any(f"(default: {empty})" in shown for empty in ("None", "False", "[]"))
    for option, default in (("--models DIR", "models"), ("--seed SEED", "0")):
        assert (option in shown) == (f"(default: {default})" in " ".join(shown.split()))


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_every_argument_has_a_help_text(parser: argparse.ArgumentParser) -> None:
    assert all(action.help or action.choices for action in parser._actions)


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["--levels", "-1-1", "--logits"], ["--levels=-1-1", "--logits"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["-1-1"], ["-1-1"]),
    ],
    ids=["a range", "a number", "no option"],
)
def test_range_that_begins_with_a_minus_is_joined_to_its_option(
    words: list[str], joined: list[str]
) -> None:
    assert join_signed_values(words) == joined
