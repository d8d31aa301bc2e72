"""Arguments of all commands: what is wrong is refused, and every option has a help text."""

import pytest

from training.__main__ import main

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
