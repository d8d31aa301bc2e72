"""The commands: what they take, and that they fail in one sentence."""

from pathlib import Path

import pytest

from tests.training.conftest import write_rents
from training.__main__ import main
from vitrine import bundle


def test_missing_data_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(
        ["images", "mnist", "--name", "digits", "--data", str(tmp_path), "--models", str(tmp_path)]
    )

    assert status == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "The folder given by --data or VITRINE_DATA must contain mnist/" in errors
    assert list(tmp_path.iterdir()) == []


def test_unknown_set_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["images", "nist"])

    assert status == 1
    assert capsys.readouterr().err == (
        "SET must be digits8x8, mnist, fashion_mnist, cifar10, cifar100, or a folder with one "
        "sub-folder for each class. Received: 'nist'.\n"
    )


def test_table_is_trained_and_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=30)
    models = tmp_path / "models"

    status = main(
        [
            *("table", str(file), "--target", "rent", "--name", "rents", "--models", str(models)),
            *("--ignore", "built", "--categorical", "row", "--epochs", "1", "--unit", "EUR"),
        ]
    )

    assert status == 0
    assert f"Written: {models / 'rents' / '1'}" in capsys.readouterr().out
    manifest = bundle.read_manifest(models / "rents" / "1")
    assert [spec.name for spec in manifest.signature.inputs] == ["row", "size [m2]", "district"]
    assert manifest.origin.command == (
        "python -m training table rents.csv --target rent --name rents --models models "
        "--ignore built --categorical row --epochs 1 --unit EUR"
    )


LAYERS = {
    "activation": (["--activation", "tanh"], "--activation is of a network"),
    "batch normalization": (["--batch-normalization"], "--batch-normalization is of a network"),
    "unknown activation": (["--hidden", "4", "--activation", "rely"], "must be one of relu"),
    "unknown optimizer": (["--hidden", "4", "--optimizer", "adm"], "must be one of adam"),
}


@pytest.mark.parametrize(("words", "message"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("command", ["table", "cross-validate"])
def test_layers_that_no_network_will_have_are_refused(
    command: str,
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=30)

    status = main([command, str(file), "--target", "rent", *words])

    assert status == 1
    assert message in capsys.readouterr().err


WRONG = {
    "no command": [],
    "tiny pictures": ["images", "--size", "23"],
    "no epochs": ["images", "mnist", "--name", "x", "--epochs", "0"],
    "dropout of all": ["table", "wine", "--hidden", "4", "--dropout", "1"],
    "no rate": ["compare", "dropout", "--learning-rate", "0"],
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
