"""The studies' commands: what they take, what they publish, and that they fail in one sentence."""

from pathlib import Path

import keras
import pytest
from keras import layers

from training.__main__ import main
from training.architectures.hidden import Hidden
from training.datasets.picture_sets import PictureSet
from training.experiments import pictures
from training.fitting import Fitting
from vitrine import bundle
from vitrine.bundle import KERAS_NAME

COMMANDS = ("learning-curve", "compare", "search", "cross-validate")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_describes_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([command, "--help"])

    assert raised.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "--target COLUMN" in shown
    assert "An interrupted study" in shown


WRONG = {
    "no such choice": ["compare", "colours"],
    "one fold": ["cross-validate", "wine", "--folds", "1"],
    "no such part": ["learning-curve", "wine", "--part", "train"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)

    assert raised.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err


NOT_USED = {
    "limit of rows": (["learning-curve", "wine", "--limit", "50"], "--limit and --size are for"),
    "size of rows": (["search", "wine", "--size", "48"], "--limit and --size are for pictures"),
    "task of pictures": (["compare", "dropout", "--task", "binary"], "are for tables"),
    "columns of pictures": (["cross-validate", "--ignore", "x"], "are for tables"),
    "size of a known set": (["compare", "dropout", "--size", "48"], "digits8x8 keep their size"),
    "varied activation": (["compare", "activations", "--activation", "tanh"], "--activation"),
    "varied batch size": (["compare", "batch-sizes", "--batch-size", "16"], "--batch-size"),
    "varied dropout": (["compare", "dropout", "--dropout", "0"], "leave out --dropout"),
    "varied optimizer": (["compare", "optimizers", "--optimizer", "sgd"], "--optimizer"),
    "varied normalization": (
        ["compare", "batch-normalization", "--batch-normalization"],
        "leave out --batch-normalization",
    ),
}


@pytest.mark.parametrize(("words", "message"), NOT_USED.values(), ids=NOT_USED)
def test_option_that_would_change_nothing_is_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([*words, "--out", str(tmp_path / "study")])

    assert status == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_batch_that_is_larger_than_the_data_is_told(
    rents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "batch-normalization", str(rents), "--target", "rent", "--epochs", "1"]

    main([*words, "--batch-size", "500", "--out", str(tmp_path / "study")])

    assert "Each step has all 84 training instances" in capsys.readouterr().out


REFUSED = {
    "activation": (["--activation", "step"], "--activation must be one of relu, "),
    "optimizer": (["--optimizer", "newton"], "--optimizer must be one of adam, "),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_impossible_network_is_refused_in_one_sentence(
    options: list[str],
    message: str,
    rents: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["compare", "dropout", str(rents), "--target", "rent", *options]

    status = main([*words, "--out", str(tmp_path / "study")])

    assert status == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_winner_of_a_search_is_published_if_forced_where_it_has_learned_nothing(
    rents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, models = tmp_path / "study", tmp_path / "models"

    status = main(
        [
            *("search", str(rents), "--target", "rent", "--out", str(study), "--iterations", "1"),
            *("--folds", "2", "--epochs", "1", "--publish", "rents", "--models", str(models)),
            "--force",
        ]
    )

    assert status == 0
    assert "Warning: --force publishes a network" in capsys.readouterr().out
    assert (study / "table.csv").exists()
    assert bundle.read_manifest(models / "rents" / "1").task == "regression"


def test_study_without_a_name_to_publish_leaves_models_alone(
    rents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(
        [
            *("learning-curve", str(rents), "--target", "rent", "--sizes", "20"),
            *("--repeats", "1", "--epochs", "1"),
        ]
    )

    assert status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["studies"]
    assert [path.name for path in (tmp_path / "studies").iterdir()] == ["learning-curve-rents"]


def test_picture_network_has_the_layers_that_were_found(
    drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    found = pictures.PictureConfig(
        pictures=drawn_set,
        name="drawn",
        models=tmp_path,
        command="python -m training search drawn --publish drawn",
        data=idx_folder,
        architecture="mlp",
        hidden=Hidden(units=(24, 12), activation="tanh"),
        fitting=Fitting(optimizer="nadam", epochs=1),
        force=True,
    )

    folder = pictures.train(found)

    network = keras.saving.load_model(folder / KERAS_NAME)
    units = [layer.units for layer in network.layers if isinstance(layer, layers.Dense)]
    assert units[:2] == [24, 12]
    assert "optimizer `nadam`" in (folder / "CARD.md").read_text()
