"""Layers that no network will have."""

from pathlib import Path

import pytest

from tests.training.conftest import write_rents
from training.__main__ import main

LAYERS = {
    "activation": (["--activation", "tanh"], "--activation needs --hidden"),
    "batch normalization": (["--batch-normalization"], "--batch-normalization needs --hidden"),
    "no dropout": (["--dropout", "0"], "--dropout needs --hidden"),
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
