"""The command `images` fails in one sentence."""

from pathlib import Path

import pytest

from training.__main__ import main


def test_missing_data_is_refused_in_one_sentence(
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


def test_unknown_set_is_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["images", "nist"])

    assert status == 1
    assert capsys.readouterr().err == (
        "SET must be digits8x8, mnist, fashion_mnist, cifar10, cifar100, or a folder with one "
        "sub-folder for each class. Received: 'nist'. Did you mean 'mnist'?\n"
    )


def test_size_of_a_set_that_keeps_its_own_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["images", "digits8x8", "--size", "48", "--models", str(tmp_path)])

    assert status == 1
    assert "The pictures of digits8x8 keep their size: leave out --size." in capsys.readouterr().err
