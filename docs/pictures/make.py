"""Make the pictures of the documents from the shipped models and the examples.

`python docs/pictures/make.py [FOLDER]` writes them into FOLDER, by default the folder of this file.
"""

import csv
import shutil
import sys
import tempfile
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from training.__main__ import main as main_of_training  # noqa: E402
from training.drawing.digits import Pen, draw_digit, draw_on_paper  # noqa: E402
from vitrine import bundle  # noqa: E402 - found through the line above
from vitrine.explain import explain  # noqa: E402
from vitrine.loading import load_version  # noqa: E402
from vitrine.model import Model  # noqa: E402
from vitrine.predictions import Predictions, TrustOptions  # noqa: E402
from vitrine.signature import CategoryInput  # noqa: E402
from vitrine.trust import threshold  # noqa: E402

Pixels = NDArray[np.uint8]

INK, GREY, BLUE, ORANGE = "#1f2937", "#6b7280", "#2563eb", "#ea580c"
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 130,
}
PAPER = 245
SIDE = 160


def main(folder: Path) -> None:
    """Draw all pictures into a folder."""
    digits, housing = (_latest(name) for name in ("digits", "housing"))
    with plt.rc_context(STYLE):
        draw_scores(housing, folder / "scores.png")
        draw_sets(digits, folder / "sets.png")
        draw_intervals(housing, folder / "intervals.png")
        draw_saliency(digits, folder / "saliency.png")
    draw_points(folder / "points.png")


def _latest(name: str) -> Model:
    models = ROOT / "models"
    return load_version(models / name / str(bundle.versions(models, name)[-1]), threads=1)


def draw_points(path: Path) -> None:
    """Train on the points of the examples, and copy the plot of what the network predicts."""
    with tempfile.TemporaryDirectory() as models:
        words = ["table", str(ROOT / "examples/points.csv"), "--target", "colour"]
        main_of_training([*words, "--hidden", "32", "32", "--models", models])
        shutil.copyfile(Path(models) / "points/1/plots/surface.png", path)


def draw_scores(model: Model, path: Path) -> None:
    """Draw a histogram of the calibration scores, with the thresholds of three coverages."""
    scores = model.trust.scores if model.trust else np.empty(0)
    figure, axes = plt.subplots(figsize=(7.6, 3.2))
    axes.hist(scores, np.linspace(0, 4, 81).tolist(), color=BLUE, alpha=0.5)
    for coverage, height in ((0.8, 150), (0.9, 110), (0.95, 70)):
        limit = threshold(scores, coverage)
        axes.vlines(limit, 0, height + 24, color=ORANGE, linewidth=1.2)
        axes.annotate(
            f"{coverage:.0%} of the scores\nare below {limit:.2f}",
            (limit, height),
            xytext=(5, 0),
            textcoords="offset points",
            color=ORANGE,
            fontsize=9,
        )
    axes.set(
        xlabel="score: distance between true and predicted value, in predicted spreads",
        ylabel="calibration rows",
        xlim=(0, 4),
    )
    _save(figure, path)


def draw_sets(model: Model, path: Path) -> None:
    """Draw pictures, some of which show no digit, with the answer to each."""
    rng = np.random.default_rng(3)
    pictures = [
        _digit("7", rng),
        _overwritten("3", "5"),
        _digit("3", rng),
        _letter("R"),
        _letter("w"),
        _scribble(rng),
        _dots(rng),
        rng.integers(0, 256, (40, 40), dtype=np.uint8),
    ]
    predictions = _predict(model, pictures, TrustOptions(coverage=0.999, abstain_below=0.05))
    records = predictions.records(top=3)
    figure, grid = plt.subplots(2, 4, figsize=(8.4, 5.4))
    for axes, picture, record in zip(grid.flat, pictures, records, strict=True):
        _show(axes, picture)
        label = record["label"] or "no label"
        probability = max(record["probabilities"].values())
        axes.set_title(
            f"{label}\nprobability {probability:.1%}\nset {{{', '.join(record['set'])}}}\n"
            f"credibility {record['credibility']:.4f}",
            fontsize=9,
            color=INK if record["label"] else ORANGE,
        )
    _save(figure, path)


def draw_intervals(model: Model, path: Path) -> None:
    """Draw the intervals of the example rows at three coverages."""
    with (ROOT / "examples/houses.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    instances = {
        spec.name: np.array(
            [row[spec.name] or None for row in rows],
            dtype=object if isinstance(spec, CategoryInput) else np.float32,
        )
        for spec in model.manifest.signature.columns
    }
    figure, axes = plt.subplots(figsize=(7.6, 3.2))
    heights = np.arange(len(rows))[::-1]  # the first row is at the top
    for coverage, width in ((0.99, 3.0), (0.9, 7.0), (0.8, 12.0)):
        predictions = model.predict(instances, TrustOptions(coverage=coverage))
        low, high = (predictions.columns()[end] / 1000 for end in ("lower", "upper"))
        axes.hlines(
            heights, low, high, color=BLUE, alpha=0.35, linewidth=width, label=f"{coverage:.0%}"
        )
    axes.plot(predictions.values / 1000, heights, "o", color=ORANGE, markersize=5, label="value")
    axes.set_yticks(heights, [f"row {number}" for number in range(1, len(rows) + 1)])
    axes.set_xlabel("predicted median house value, thousands of dollars")
    axes.legend(loc="center right", frameon=False)
    _save(figure, path)


def draw_saliency(model: Model, path: Path) -> None:
    """Draw three pictures, what the network received of each, and which ink decided."""
    rng = np.random.default_rng(7)
    with Image.open(ROOT / "examples/seven.png") as image:
        pictures = [np.asarray(image.convert("L")), _digit("8", rng), _digit("9", rng)]
    predictions = _predict(model, pictures, TrustOptions(coverage=0.9))
    explanations = list(explain(model, predictions))
    figure, grid = plt.subplots(3, 3, figsize=(5.4, 5.8))
    for row, picture, record, explanation in zip(
        grid, pictures, predictions.records(top=1), explanations, strict=True
    ):
        _show(row[0], picture)
        _show(row[1], _decode(explanation["image"]))
        row[2].imshow(_decode(explanation["saliency"]), cmap="inferno")
        row[2].set(xticks=[], yticks=[])
        row[1].set_xlabel(", ".join(explanation["steps"]), fontsize=7, color=GREY)
        row[2].set_xlabel(f"read as {record['label']}", fontsize=9)
    titles = ("sent", "network input", "ink that decided")
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=10)
    _save(figure, path)


def _predict(model: Model, pictures: list[Pixels], options: TrustOptions) -> Predictions:
    instances = np.empty(len(pictures), dtype=object)
    for index, picture in enumerate(pictures):
        instances[index] = picture.reshape(*picture.shape[:2], 1)
    return model.predict({"image": instances}, options)


def _digit(digit: str, rng: np.random.Generator) -> Pixels:
    pen = Pen(side=SIDE, height=0.62, width=0.05, slant=0.1, tremble=0.012)
    return draw_on_paper(draw_digit(digit, pen, rng), rng).mean(axis=2).astype(np.uint8)


def _overwritten(first: str, second: str) -> Pixels:
    """Draw one digit over another, like a correction or a slip of the pen."""
    rng = np.random.default_rng(5)
    pen = Pen(side=SIDE, height=0.62, width=0.05, slant=0.1, tremble=0.0)
    ink = np.maximum(draw_digit(first, pen, rng), draw_digit(second, pen, rng))
    return np.asarray(PAPER - 200 * ink, dtype=np.uint8)


def _letter(letter: str) -> Pixels:
    sheet = Image.new("L", (SIDE, SIDE), PAPER)
    font = ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), 96)
    ImageDraw.Draw(sheet).text((SIDE / 2, SIDE / 2), letter, 40, font, anchor="mm")
    return np.asarray(sheet)


def _scribble(rng: np.random.Generator) -> Pixels:
    sheet = Image.new("L", (SIDE, SIDE), PAPER)
    corners = rng.uniform(0.15, 0.85, (12, 2)) * SIDE
    ImageDraw.Draw(sheet).line([tuple(corner) for corner in corners], 40, 6, joint="curve")
    return np.asarray(sheet)


def _dots(rng: np.random.Generator) -> Pixels:
    sheet = Image.new("L", (SIDE, SIDE), PAPER)
    for x, y in rng.uniform(0.15, 0.85, (9, 2)) * SIDE:
        ImageDraw.Draw(sheet).ellipse((x - 6, y - 6, x + 6, y + 6), 40)
    return np.asarray(sheet)


def _decode(uri: str) -> Pixels:
    with Image.open(BytesIO(b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image)


def _show(axes: Axes, picture: Pixels) -> None:
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color="#e5e7eb")


def _save(figure: Any, path: Path) -> None:
    # Without the version of matplotlib in the file, equal pictures have equal bytes.
    figure.savefig(path, metadata={"Software": None}, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
