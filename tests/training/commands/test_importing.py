"""The command `import`."""

from pathlib import Path

import keras
import pytest
from keras import layers

from tests.training.importing.conftest import softmax_network
from training.__main__ import main
from vitrine import bundle
from vitrine.signature import ProbabilitiesOutput


def test_import_is_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    softmax_network().save(tmp_path / "own.keras")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join("abcdefghij"), encoding="utf-8")
    models = tmp_path / "models"

    status = main(
        [
            *("import", str(tmp_path / "own.keras"), "--name", "own", "--models", str(models)),
            *("--levels", "-1-1", "--labels", str(labels), "--target", "letter"),
        ]
    )

    assert status == 0
    printed = capsys.readouterr().out
    assert f"Written: {models / 'own' / '1'}" in printed
    assert "There is no test score: the network was trained elsewhere." in printed
    assert "examples/seven.png http://127.0.0.1:8080/models/own/predict" in printed
    manifest = bundle.read_manifest(models / "own" / "1")
    output = manifest.signature.prediction
    assert isinstance(output, ProbabilitiesOutput)
    assert (output.labels, manifest.target) == (tuple("abcdefghij"), "letter")
    assert "levels from -1 to 1" in (models / "own" / "1" / "CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("labels", ["none.txt", "/dev/null/x"], ids=["missing", "no folder"])
def test_labels_that_cannot_be_read_are_refused(
    labels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["import", "own.keras", "--name", "own", "--labels", labels])

    assert status == 1
    assert "--labels must be a file with one label in each line" in capsys.readouterr().err


def test_network_that_takes_all_memory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    greedy = [keras.Input((3,)), layers.RepeatVector(2 * 10**9), layers.GlobalMaxPooling1D()]
    keras.Sequential([*greedy, layers.Dense(1)]).save(tmp_path / "own.keras")
    models = tmp_path / "models"

    status = main(["import", str(tmp_path / "own.keras"), "--name", "own", "--models", str(models)])

    assert status == 1
    (refusal,) = capsys.readouterr().err.splitlines()
    assert refusal.startswith("The network cannot be served")
    assert not list(models.iterdir())
