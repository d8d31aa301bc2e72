"""The plots of the card, and those of the data set, which stay with the user."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.datasets.pictures import PictureParts
from training.errors import CannotTrain
from training.evaluation.scores import confusion_matrix
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.evaluate import Evaluation, PictureOutputs, reliabilities
from training.history import History
from training.plots.confusion import plot_confusion
from training.plots.credibility import plot_credibility
from training.plots.history import plot_history
from training.plots.pictures import plot_mistakes, plot_titled
from training.plots.reliability import plot_reliability
from training.progress import console
from vitrine.bundle import Calibration
from vitrine.trust import p_values

# Number of pictures of the set that are drawn.
_SHOWN = 24


def show_samples(parts: PictureParts, config: PictureConfig) -> None:
    """Draw some training pictures with their labels, where there is a folder for them."""
    if config.plots is None:
        return
    some = parts.train.take(np.arange(min(_SHOWN, len(parts.train))))
    path = _plot_path(config.plots, "samples.png")
    plot_titled(path, some.x, [parts.labels[code] for code in some.y], columns=6)
    console.print(f"Training pictures: {path}", markup=False)


def show_predictions(outputs: PictureOutputs, parts: PictureParts, config: PictureConfig) -> None:
    """Draw some test pictures with their predictions, where there is a folder for them."""
    if config.plots is None:
        return
    count = min(_SHOWN, len(parts.test))
    some = parts.test.take(np.arange(count))
    path = _plot_path(config.plots, "test_predictions.png")
    plot_mistakes(path, some.x, outputs.test["probabilities"][:count], some.y, parts.labels)
    console.print(f"Test pictures with their predictions: {path}", markup=False)


def find_example(parts: PictureParts, config: PictureConfig) -> Path | None:
    """Return a file with a test picture: its own, or one that is written beside the plots."""
    if parts.example is not None or config.plots is None:
        return parts.example
    path = _plot_path(config.plots, "first_test_picture.png")
    Image.fromarray(np.squeeze(parts.test.x[0])).save(path)
    return path


def _plot_path(folder: Path, name: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotTrain(f"{folder} cannot be written to: {error.strerror}.") from error
    return folder / name


def draw_card_plots(
    folder: Path, history: History, parts: PictureParts, evaluation: Evaluation
) -> None:
    """Draw the plots of the card; none of them shows a picture of the data set."""
    plot_history(folder / "loss.png", history, "loss", title="Cross-entropy by epoch")
    plot_history(folder / "accuracy.png", history, "accuracy", title="Accuracy by epoch")
    _draw_confusion(folder / "confusion.png", parts, evaluation.outputs)
    if evaluation.calibration is not None:
        _draw_trust(folder, parts, evaluation.outputs, evaluation.calibration)


def _draw_confusion(path: Path, parts: PictureParts, outputs: PictureOutputs) -> None:
    predicted, y = outputs.test["probabilities"].argmax(axis=1), parts.test.y
    wrong = int((predicted != y).sum())
    plot_confusion(
        path,
        confusion_matrix(predicted, y, len(parts.labels)),
        parts.labels,
        title=f"Test part: {wrong:,} of {len(y):,} predictions are wrong",
    )


def _draw_trust(
    folder: Path, parts: PictureParts, outputs: PictureOutputs, calibration: Calibration
) -> None:
    plot_reliability(
        folder / "reliability.png",
        reliabilities(outputs.test, parts.test.y, calibration),
        title="Probabilities of the test part",
    )
    plot_credibility(
        folder / "credibility.png",
        p_values(outputs.test["novelty"][:, 0], np.array(calibration.novelty, np.float32)),
        title="Credibility of the test part",
    )
