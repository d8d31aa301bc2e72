"""What a network must score to be published."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.conftest import picture_config
from tests.training.made_tables import TARGETS, write_table
from training.__main__ import main
from training.architectures.autoencoder import autoencoder as build_autoencoder
from training.architectures.autoencoder import without_reconstruction
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import PictureParts
from training.errors import CannotTrain
from training.evaluation.advantage import Advantage
from training.experiments import autoencoder, pictures
from training.experiments.pictures.data import read
from training.history import History
from training.publishing.acceptance import require_advantage, require_score
from vitrine import bundle


def test_score_below_the_least_is_refused() -> None:
    with pytest.raises(CannotTrain, match=r"must be at least 0\.9\. Received: 0\.89"):
        require_score(0.89, 0.9, measure="accuracy")


def test_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(CannotTrain, match="Received: nan"):
        require_score(float("nan"), 0.9, measure="R2")


@pytest.mark.parametrize("least", [None, 0.9])
def test_good_score_is_accepted(least: float | None) -> None:
    require_score(0.9, least, measure="accuracy")


def beside(gain: float) -> Advantage:
    """Return an advantage over the commonest class, with an error of 0.055."""
    return Advantage(
        measure="accuracy",
        constant="'cat'",
        score=0.333 + gain,
        constant_score=0.333,
        gain=gain,
        error=0.055,
        instances=75,
    )


FINDING = (
    "not clearly better than always answering 'cat': accuracy 0.383 against 0.333 on 75 pictures "
    "that did not train it. The difference must be larger than its standard error, 0.055."
)


def test_network_that_is_not_better_than_one_answer_is_refused_with_the_way_out() -> None:
    with pytest.raises(CannotTrain) as refused:
        require_advantage(beside(0.05), instances="pictures", force=False)

    assert str(refused.value) == (
        f"Not published: the network is {FINDING} Give it more data or other hyper-parameters; "
        "--force publishes it anyway."
    )


def test_network_that_is_forced_is_published_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    require_advantage(beside(0.05), instances="pictures", force=True)

    printed = capsys.readouterr().out
    assert printed == f"Warning: --force publishes a network that is {FINDING}\n"


@pytest.mark.parametrize("force", [False, True])
def test_network_that_is_better_is_accepted_without_a_word(
    capsys: pytest.CaptureFixture[str], *, force: bool
) -> None:
    require_advantage(beside(0.06), instances="pictures", force=force)

    assert capsys.readouterr().out == ""


def test_training_below_the_least_score_publishes_nothing(
    drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    config = replace(
        picture_config(drawn_set, idx_folder, tmp_path), architecture="mlp", min_score=1.01
    )

    with pytest.raises(CannotTrain, match="validation accuracy must be at least 1"):
        pictures.train(config)

    assert list(tmp_path.iterdir()) == []


def answer_the_commonest(
    network: keras.Model, parts: PictureParts, _config: pictures.PictureConfig
) -> History:
    """Let a network give every picture the commonest label, as one that did not learn may do."""
    last = network.get_layer("probabilities")
    weights, bias = last.get_weights()
    commonest = np.bincount(parts.train.y, minlength=len(bias)).argmax()
    last.set_weights([weights * 0, np.eye(len(bias))[commonest]])
    names = ("loss", "val_loss", "accuracy", "val_accuracy")
    measures: dict[str, Sequence[float]] = {name: [1.0] for name in names}
    return History(measures, kept=1)


def test_pictures_that_were_not_learned_are_published_only_if_forced(
    drawn_set: PictureSet,
    idx_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = replace(picture_config(drawn_set, idx_folder, tmp_path), architecture="mlp")

    with pytest.raises(CannotTrain, match=r"^Not published: .* on 75 pictures"):
        pictures.train(replace(config, force=False), fit_network=answer_the_commonest)
    assert list(tmp_path.iterdir()) == []

    folder = pictures.train(config, fit_network=answer_the_commonest)
    assert "Warning: --force publishes a network" in capsys.readouterr().out
    assert "this version would not have been published" in (folder / "CARD.md").read_text()


def test_autoencoder_that_has_not_learned_is_refused(
    drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    config = replace(picture_config(drawn_set, idx_folder, tmp_path), force=False)
    parts = read(config)
    network = without_reconstruction(build_autoencoder(parts.train.x.shape[1:]))

    with pytest.raises(CannotTrain, match="better than always answering the mean picture: mean"):
        autoencoder.score_all(network, parts, config)


UNLEARNED = ("--hidden", "4", "--learning-rate", "1e-9", "--epochs", "1")


@pytest.mark.parametrize("task", TARGETS)
def test_table_that_was_not_learned_is_refused(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_table(tmp_path / f"{task}.csv", task)
    targets, models = TARGETS[task][0].split(","), tmp_path / "models"
    words = ["table", str(file), "--target", *targets, "--models", str(models), *UNLEARNED]

    assert main(words) == 1

    error = capsys.readouterr().err
    assert error.startswith("Not published: the network is not clearly better than always")
    assert ("`table --class-weights`" in error) == (task != "regression")
    assert list(models.iterdir()) == []


def test_table_that_was_not_learned_is_published_if_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_table(tmp_path / "made.csv", "regression")
    words = ["table", str(file), "--target", "price", "--models", str(tmp_path), *UNLEARNED]

    assert main([*words, "--force"]) == 0

    assert "Warning: --force publishes a network" in capsys.readouterr().out
    assert bundle.versions(tmp_path, "made") == [1]


def test_thirty_rows_that_a_small_network_learns_are_published(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.uniform(0, 10, (30, 2))
    lines = [f"{a:.3f},{b:.3f},{2 * a + 3 * b:.3f}" for a, b in rows]
    file = tmp_path / "data.csv"
    file.write_text("a,b,resultado\n" + "\n".join(lines) + "\n")
    words = ["table", str(file), "--target", "resultado", "--models", str(tmp_path / "models")]

    quickly = ("--learning-rate", "0.02", "--epochs", "20")
    assert main([*words, "--hidden", "4", "4", "--validation-split", "0.3", *quickly]) == 0
