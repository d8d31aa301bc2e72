"""Make the pictures of these documents from the shipped models: `python docs/pictures/make.py`.

They are written beside this file, or into the folder that is named after it.
"""

import csv
import sys
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
LOOK: Any = {
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
    """Draw them all."""
    digits, housing = (_latest(name) for name in ("digits", "housing"))
    with plt.rc_context(LOOK):
        draw_scores(housing, folder / "scores.png")
        draw_sets(digits, folder / "sets.png")
        draw_intervals(housing, folder / "intervals.png")
        draw_saliency(digits, folder / "saliency.png")


def _latest(name: str) -> Model:
    models = ROOT / "models"
    return load_version(models / name / str(bundle.versions(models, name)[-1]), threads=1)


def draw_scores(model: Model, path: Path) -> None:
    """Draw the calibration scores and where some coverages cut them."""
    scores = model.trust.scores if model.trust else np.empty(0)
    figure, axes = plt.subplots(figsize=(7.6, 3.2))
    axes.hist(scores, np.linspace(0, 4, 81).tolist(), color=BLUE, alpha=0.5)
    for coverage, height in ((0.8, 150), (0.9, 110), (0.95, 70)):
        place = threshold(scores, coverage)
        axes.vlines(place, 0, height + 24, color=ORANGE, linewidth=1.2)
        axes.annotate(
            f"{coverage:.0%} of the scores\nare below {place:.2f}",
            (place, height),
            xytext=(5, 0),
            textcoords="offset points",
            color=ORANGE,
            fontsize=9,
        )
    axes.set(
        xlabel="how far off: distance of the true value, in predicted spreads",
        ylabel="calibration rows",
        xlim=(0, 4),
    )
    _save(figure, path)


def draw_sets(model: Model, path: Path) -> None:
    """Draw pictures, some of which are no digits, with what is answered about each."""
    rng = np.random.default_rng(3)
    pictures = [
        _digit("7", rng),
        _between("3", "5"),
        _digit("3", rng),
        _letter("R"),
        _letter("w"),
        _scribble(rng),
        _dots(rng),
        rng.integers(0, 256, (40, 40), dtype=np.uint8),
    ]
    found = _ask(model, pictures, TrustOptions(coverage=0.999, abstain_below=0.05))
    figure, places = plt.subplots(2, 4, figsize=(8.4, 5.4))
    for axes, picture, record in zip(places.flat, pictures, found.records(top=3), strict=True):
        _show(axes, picture)
        label = record["label"] or "no label"
        sure = max(record["probabilities"].values())
        axes.set_title(
            f"{label}\nprobability {sure:.1%}\nset {{{', '.join(record['set'])}}}\n"
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
    places = np.arange(len(rows))[::-1]
    for coverage, width in ((0.99, 3.0), (0.9, 7.0), (0.8, 12.0)):
        found = model.predict(instances, TrustOptions(coverage=coverage))
        low, high = (found.columns()[end] / 1000 for end in ("lower", "upper"))
        axes.hlines(
            places, low, high, color=BLUE, alpha=0.35, linewidth=width, label=f"{coverage:.0%}"
        )
    axes.plot(found.values / 1000, places, "o", color=ORANGE, markersize=5, label="value")
    axes.set_yticks(places, [f"row {place}" for place in range(1, len(rows) + 1)])
    axes.set_xlabel("predicted median house value, thousands of dollars")
    axes.legend(loc="center right", frameon=False)
    _save(figure, path)


def draw_saliency(model: Model, path: Path) -> None:
    """Draw a picture, what the network took of it, and which ink decided."""
    rng = np.random.default_rng(7)
    with Image.open(ROOT / "examples/seven.png") as image:
        pictures = [np.asarray(image.convert("L")), _digit("8", rng), _digit("9", rng)]
    found = _ask(model, pictures, TrustOptions(coverage=0.9))
    figure, places = plt.subplots(3, 3, figsize=(5.4, 5.8))
    explained = list(explain(model, found))
    for row, picture, record, why in zip(
        places, pictures, found.records(top=1), explained, strict=True
    ):
        _show(row[0], picture)
        _show(row[1], _decode(why["image"]))
        row[2].imshow(_decode(why["saliency"]), cmap="inferno")
        row[2].set(xticks=[], yticks=[])
        row[1].set_xlabel(", ".join(why["steps"]), fontsize=7, color=GREY)
        row[2].set_xlabel(f"read as {record['label']}", fontsize=9)
    for axes, title in zip(
        places[0], ("sent", "what the network took", "ink that decided"), strict=True
    ):
        axes.set_title(title, fontsize=10)
    _save(figure, path)


def _ask(model: Model, pictures: list[Pixels], asked: TrustOptions) -> Predictions:
    instances = np.empty(len(pictures), dtype=object)
    for place, picture in enumerate(pictures):
        instances[place] = picture.reshape(*picture.shape[:2], 1)
    return model.predict({"image": instances}, asked)


def _digit(digit: str, rng: np.random.Generator) -> Pixels:
    pen = Pen(side=SIDE, height=0.62, width=0.05, slant=0.1, tremble=0.012)
    return draw_on_paper(draw_digit(digit, pen, rng), rng).mean(axis=2).astype(np.uint8)


def _between(first: str, second: str) -> Pixels:
    """Lay one digit over the other: a correction, or a slip of the pen."""
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
    turns = rng.uniform(0.15, 0.85, (12, 2)) * SIDE
    ImageDraw.Draw(sheet).line([tuple(turn) for turn in turns], 40, 6, joint="curve")
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
    # Without the library's version in the file, equal pictures are equal bytes.
    figure.savefig(path, metadata={"Software": None}, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
