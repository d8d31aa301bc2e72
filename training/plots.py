"""Plots for the model card.

Each function draws one figure and writes one PNG.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.ticker import LogLocator, MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from training.calibration import Reliability
from training.evaluation import History, plain
from training.look import BLUES, COLOURS, FIRST, GREY, GRID, INK, SECOND, sheet

_LOGARITHMIC_FROM = 8
_MOST_COUNTED = 20


def plot_history(path: Path, history: History, measure: str, *, title: str) -> None:
    """Draw one measure of training and validation by epoch.

    Args:
        path: Of the PNG.
        history: Of the fit.
        measure: Which one.
        title: Over the plot.
    """
    training, validation = history.measures[measure], history.measures[f"val_{measure}"]
    epochs = np.arange(1, len(validation) + 1)
    at_best = validation[history.kept - 1]
    marker = "o" if len(epochs) < 40 else ""
    with sheet(path, width=6.4, height=3.8) as figure:
        axes = figure.add_subplot()
        for values, colour, label in (
            (training, SECOND, "training"),
            (validation, FIRST, "validation"),
        ):
            axes.plot(epochs, values, marker=marker, markersize=4, color=colour, label=label)
        axes.plot(
            *(history.kept, at_best),
            "o",
            markersize=10,
            markerfacecolor="none",
            color=FIRST,
            label=f"kept: epoch {history.kept}, {plain(at_best)}",
        )
        both = [*training, *validation]
        if min(both) > 0 and max(both) > _LOGARITHMIC_FROM * min(both):
            axes.set_yscale("log")
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            for put in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
                put(StrMethodFormatter("{x:g}"))
        axes.set(title=title, xlabel="epoch", ylabel=measure.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()


def plot_confusion(
    path: Path, counts: NDArray[np.int64], labels: Sequence[str], *, title: str
) -> None:
    """Draw a confusion matrix, its colours the share of each true class that went wrong.

    The counts of more than twenty classes would not be legible, and are left out.

    Shapes:
        counts: (classes, classes), true class by row.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mistakes = shares.copy()
    np.fill_diagonal(mistakes, 0)
    side = max(5.8, min(0.25 * len(labels), 11.5))
    size = min(10, 55 * side / len(labels))
    upright = max(len(label) for label in labels) <= 2
    with sheet(path, width=side + 0.4, height=side) as figure:
        axes = figure.add_subplot()
        # Coloured by the mistakes: beside a full diagonal they would all look white.
        axes.imshow(mistakes, cmap=BLUES, vmin=0, vmax=max(mistakes.max() * 1.6, 1e-9))
        for row, column in np.ndindex(*counts.shape):
            if counts[row, column] and len(labels) <= _MOST_COUNTED:
                right = row == column
                axes.text(
                    column,
                    row,
                    f"{counts[row, column]}",
                    ha="center",
                    va="center",
                    color=GREY if right else INK,
                    fontsize=9,
                    fontweight="normal" if right else "bold",
                )
        axes.set(title=title, xlabel="predicted", ylabel="true")
        axes.set_xticks(range(len(labels)), labels, rotation=0 if upright else 90, fontsize=size)
        axes.set_yticks(range(len(labels)), labels, fontsize=size)
        axes.grid(visible=False)


def plot_residuals(
    path: Path, predicted: NDArray[np.floating[Any]], true: NDArray[np.floating[Any]], *, unit: str
) -> None:
    """Draw predicted against true values and how the differences spread.

    Only densities are drawn, so that no single row of the data can be read off.

    Shapes:
        (n,).
    """
    with sheet(path, width=9.6, height=4.2) as figure:
        left, right = figure.subplots(1, 2)
        low, high = np.quantile(np.concatenate([predicted, true]), [0.001, 0.999])
        left.hexbin(
            true,
            predicted,
            gridsize=36,
            extent=(low, high, low, high),
            cmap=BLUES,
            norm=LogNorm(vmin=0.4),
            mincnt=1,
            linewidths=0,
        )
        left.plot([low, high], [low, high], color=SECOND, linewidth=1.2)
        left.set(
            title="Predicted and true",
            xlabel=f"true {unit}".strip(),
            ylabel=f"predicted {unit}".strip(),
        )
        _plot_spread(right, predicted - true, unit)
        for axis in (left.xaxis, left.yaxis, right.xaxis):
            axis.set_major_locator(MaxNLocator(5))
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))


def _plot_spread(axes: Axes, residuals: NDArray[np.floating[Any]], unit: str) -> None:
    reach = float(np.quantile(np.abs(residuals), 0.99)) or 1.0
    axes.hist(residuals, bins=np.linspace(-reach, reach, 41).tolist(), color=FIRST, alpha=0.85)
    for share in (0.1, 0.9):
        place = float(np.quantile(residuals, share))
        axes.axvline(place, color=SECOND, linewidth=1.2)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(
        title="Residuals, 80 % between the lines",
        xlabel=f"predicted - true {unit}".strip(),
        ylabel="instances",
    )


def plot_pictures(
    path: Path,
    pictures: NDArray[np.uint8],
    probabilities: NDArray[np.floating[Any]],
    labels: Sequence[str],
    *,
    columns: int = 5,
) -> None:
    """Draw pictures, each with its most probable label.

    Shapes:
        pictures: (n, height, width, channels); probabilities: (n, classes).
    """
    gap = "   " if max(len(label) for label in labels) <= 2 else "\n"
    tops = probabilities.argmax(axis=1)
    titles = [
        f"{labels[top]}{gap}{each[top]:.1%}" for top, each in zip(tops, probabilities, strict=True)
    ]
    plot_titled(path, pictures, titles, columns=columns)


def plot_mistakes(
    path: Path,
    pictures: NDArray[np.uint8],
    probabilities: NDArray[np.floating[Any]],
    y: NDArray[np.int64],
    labels: Sequence[str],
    *,
    columns: int = 6,
) -> None:
    """Draw pictures, each with its most probable label, and with the true one where that differs.

    Shapes:
        pictures: (n, height, width, channels); probabilities: (n, classes); y: (n,), codes.
    """
    tops = probabilities.argmax(axis=1)
    titles = [
        f"{labels[top]}\n{each[top]:.1%}" + ("" if top == code else f", is {labels[code]}")
        for top, each, code in zip(tops, probabilities, y, strict=True)
    ]
    plot_titled(path, pictures, titles, columns=columns, marked=tops != y)


def plot_titled(
    path: Path,
    pictures: NDArray[np.uint8],
    titles: Sequence[str],
    *,
    columns: int,
    marked: NDArray[np.bool_] | None = None,
) -> None:
    """Draw pictures under titles of one or two lines.

    Args:
        path: PNG to write.
        pictures: Levels in [0, 255].
        titles: One a picture.
        columns: Pictures a row.
        marked: Those whose titles are set off.

    Shapes:
        pictures: (n, height, width, channels); marked: (n,).
    """
    rows = -(-len(pictures) // columns)
    lines = max(title.count("\n") for title in titles)
    longest = max(len(line) for title in titles for line in title.split("\n"))
    size = 10 if longest <= 12 else 8
    is_marked = np.zeros(len(titles), dtype=bool) if marked is None else marked
    with sheet(path, width=1.55 * columns, height=(1.8 + 0.2 * lines) * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(titles) :]:
            axes.axis("off")
        for axes, picture, title, mark in zip(grid, pictures, titles, is_marked, strict=False):
            axes.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=255)
            colour = SECOND if mark else INK
            axes.set_title(title, loc="center", fontsize=size, color=colour)
            axes.grid(visible=False)
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(visible=True, color=GRID)


def plot_values(
    path: Path, names: Sequence[str], values: NDArray[np.floating[Any]], *, title: str, label: str
) -> None:
    """Draw predicted values as bars, one made-up instance each.

    Shapes:
        values: (n,).
    """
    with sheet(path, width=7.2, height=0.6 + 0.42 * len(values)) as figure:
        axes = figure.add_subplot()
        places = np.arange(len(values))[::-1]
        axes.barh(places, values, color=FIRST, alpha=0.85, height=0.62)
        for place, value in zip(places, values, strict=True):
            axes.annotate(f" {value:,.6g}", (value, place), va="center", fontsize=9)
        axes.set_yticks(places, list(names))
        axes.margins(x=0.16)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.set(title=title, xlabel=label)


def plot_reliability(path: Path, found: Sequence[Reliability], *, title: str) -> None:
    """Draw how often the most probable label is right against its probability.

    Args:
        path: PNG to write.
        found: Before calibration, where there was one, and as it is served.
        title: Of the plot.
    """
    with sheet(path, width=5.6, height=5.6) as figure:
        upper, lower = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="as stated")
        drawn = [("before calibration", SECOND)] * (len(found) - 1) + [("as served", FIRST)]
        for each, (name, colour) in zip(found, drawn, strict=True):
            some = each.counts > 0
            upper.plot(
                each.confidence[some],
                each.accuracy[some],
                "o-",
                color=colour,
                linewidth=1.2,
                markersize=5,
                label=f"{name}: {100 * each.error:.2f} % off on average",
            )
        last = found[-1]
        edges = np.linspace(0, 1, len(last.counts) + 1)
        lower.bar(edges[:-1], last.counts, np.diff(edges), align="edge", color=FIRST, alpha=0.5)
        lower.set_yscale("log")
        upper.set(title=title, ylabel="share that is right", xlim=(0, 1), ylim=(-0.03, 1.03))
        lower.set(xlabel="probability of the most probable label", ylabel="instances")
        upper.legend(loc="lower right")


def plot_credibility(path: Path, credibility: NDArray[np.float64], *, title: str) -> None:
    """Draw how credibility is distributed; of instances like those of training it is even.

    Shapes:
        credibility: (n,).
    """
    with sheet(path, width=5.6, height=3.2) as figure:
        axes = figure.subplots()
        edges = np.linspace(0, 1, 21)
        shares = np.histogram(credibility, edges)[0] / len(credibility)
        colours = [SECOND, *[FIRST] * (len(shares) - 1)]
        axes.bar(edges[:-1], shares, np.diff(edges), align="edge", color=colours, alpha=0.7)
        axes.axhline(1 / len(shares), color=GREY, linewidth=1, linestyle="--")
        axes.set(
            title=f"{title}: {shares[0]:.1%} below 0.05",
            xlabel="credibility",
            ylabel="share of instances",
            xlim=(0, 1),
        )


def plot_strangeness(
    path: Path, scores: Mapping[str, NDArray[np.floating[Any]]], *, limit: float, title: str
) -> None:
    """Draw how scores of several kinds of pictures are distributed.

    Args:
        path: PNG to write.
        scores: By kind, above 0; those like the training pictures first.
        limit: Above it a picture is doubted.
        title: Of the plot.

    Shapes:
        Each (n,).
    """
    together = np.concatenate(list(scores.values()))
    edges = np.geomspace(max(together.min(), 1e-6), max(together.max(), 1e-5), 61)
    with sheet(path, width=7.2, height=3.8) as figure:
        axes = figure.subplots()
        for (kind, each), colour in zip(scores.items(), COLOURS, strict=False):
            shares = np.histogram(each, edges)[0] / len(each)
            shares = shares / max(shares.max(), 1e-9)
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.25)
            axes.stairs(shares, edges, color=colour, linewidth=1.4, label=kind)
        axes.axvline(limit, color=INK, linewidth=1, linestyle="--", label="credibility 0.05")
        axes.set_xscale("log")
        axes.set(title=title, xlabel="score", ylabel="how frequent, of each kind")
        axes.legend(loc="upper left")


def plot_reconstructions(
    path: Path,
    pictures: NDArray[np.floating[Any]],
    redrawn: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]],
    *,
    columns: int,
) -> None:
    """Draw pictures, each with its score, and under it what the network made of it.

    Shapes:
        pictures, redrawn: (n, height, width, channels), levels in [0, 1]; scores: (n,).
    """
    rows = -(-len(pictures) // columns)
    with sheet(path, width=0.95 * columns, height=2.2 * rows) as figure:
        grid = figure.subplots(2 * rows, columns, squeeze=False)
        for place, (picture, again, each) in enumerate(zip(pictures, redrawn, scores, strict=True)):
            row, column = divmod(place, columns)
            upper, lower = grid[2 * row, column], grid[2 * row + 1, column]
            upper.set_title(f"{each:.3f}", loc="center", fontsize=9, fontweight="normal")
            for axes, shown in ((upper, picture), (lower, again)):
                axes.imshow(np.squeeze(shown), cmap="gray", vmin=0, vmax=1)
                axes.grid(visible=False)
                axes.set(xticks=[], yticks=[])


def plot_intervals(
    path: Path,
    values: NDArray[np.floating[Any]],
    widths: NDArray[np.floating[Any]],
    *,
    constant: float,
    asked: float,
    unit: str,
) -> None:
    """Draw how wide intervals are, beside what one width for all would have to be.

    Only densities are drawn, so that no single row of the data can be read off.

    Args:
        path: PNG to write.
        values: As predicted.
        widths: Of their intervals.
        constant: The one width.
        asked: The coverage of both.
        unit: Of all of them.

    Shapes:
        values, widths: (n,).
    """
    with sheet(path, width=7.2, height=4.2) as figure:
        axes = figure.subplots()
        top = float(np.quantile(widths, 0.995)) * 1.1
        low, high = np.quantile(values, [0.001, 0.999])
        axes.hexbin(
            values,
            widths,
            gridsize=(48, 24),
            extent=(low, high, 0, top),
            cmap=BLUES,
            norm=LogNorm(vmin=0.4),
            mincnt=1,
            linewidths=0,
        )
        mean = float(widths.mean())
        for height, colour, text in (
            (constant, SECOND, f"one width for all: {plain(constant)}"),
            (mean, FIRST, f"mean of these: {plain(mean)}"),
        ):
            axes.axhline(height, color=colour, linewidth=1.4, label=text)
        axes.set(
            title="Narrow where the network is sure",
            xlabel=f"predicted {unit}".strip(),
            ylabel=f"width of the {asked:.0%} interval",
            ylim=(0, top),
        )
        axes.xaxis.set_major_formatter(lambda value, _: plain(value))
        axes.yaxis.set_major_formatter(lambda value, _: plain(value))
        axes.legend(loc="upper left")


def plot_curves(
    path: Path,
    probabilities: NDArray[np.floating[Any]],
    truth: NDArray[np.bool_],
    label: str,
) -> None:
    """Draw the ROC and the precision-recall curve of one label.

    Args:
        path: PNG to write.
        probabilities: Of the label.
        truth: Which instances have it.
        label: Its name.

    Shapes:
        probabilities, truth: (n,).
    """
    wrong, right, _ = roc_curve(truth, probabilities)
    precision, recall, _ = precision_recall_curve(truth, probabilities)
    with sheet(path, width=9.2, height=4.2) as figure:
        left, rightmost = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="by chance")
        left.plot(wrong, right, color=FIRST, label=f"area {auc(wrong, right):.3f}")
        left.set(
            title="ROC",
            xlabel=f"share of the others taken for {label}",
            ylabel=f"share of {label} found",
        )
        share = float(truth.mean())
        rightmost.axhline(share, color=GREY, linewidth=1, linestyle="--", label="by chance")
        area = average_precision_score(truth, probabilities)
        rightmost.step(recall, precision, where="post", color=FIRST, label=f"area {area:.3f}")
        rightmost.set(
            title="Precision and recall",
            xlabel=f"share of {label} found",
            ylabel="share of the found that is right",
            ylim=(0, 1.03),
        )
        for axes in (left, rightmost):
            axes.legend(loc="lower right" if axes is left else "best")


def plot_shares(
    path: Path,
    names: Sequence[str],
    probabilities: NDArray[np.floating[Any]],
    labels: Sequence[str],
) -> None:
    """Draw probabilities that sum to 1 as stacked bars, one made-up instance each.

    Shapes:
        probabilities: (n, classes).
    """
    most = np.argsort(-probabilities.max(axis=0), kind="stable")[: len(COLOURS) - 1]
    with sheet(path, width=7.2, height=1.2 + 0.36 * len(names)) as figure:
        axes = figure.add_subplot()
        places = np.arange(len(names))[::-1]
        begun = np.zeros(len(names))
        for code, colour in zip(sorted(most.tolist()), COLOURS, strict=False):
            width = probabilities[:, code]
            axes.barh(places, width, left=begun, color=colour, height=0.66, label=labels[code])
            begun = begun + width
        if len(labels) > len(most):
            axes.barh(places, 1 - begun, left=begun, color=GRID, height=0.66, label="others")
        axes.set_yticks(places, list(names))
        axes.grid(visible=False, axis="y")
        axes.set(title="Made-up rows, as predicted", xlabel="probability", xlim=(0, 1))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def plot_probabilities(
    path: Path,
    names: Sequence[str],
    probabilities: NDArray[np.floating[Any]],
    labels: Sequence[str],
) -> None:
    """Draw the probability of each of several labels, one made-up instance a row.

    Shapes:
        probabilities: (n, labels).
    """
    width = 2.4 + 0.9 * len(labels)
    with sheet(path, width=max(4.8, width), height=1.4 + 0.34 * len(names)) as figure:
        axes = figure.add_subplot()
        axes.imshow(probabilities, cmap=BLUES, vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(*probabilities.shape):
            value = probabilities[row, column]
            colour = "white" if value > 0.6 else INK
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
        axes.set(title="Made-up rows, as predicted")
        axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), list(names))
        axes.grid(visible=False)


def plot_label_scores(
    path: Path,
    probabilities: NDArray[np.floating[Any]],
    truth: NDArray[np.floating[Any]],
    labels: Sequence[str],
) -> None:
    """Draw how frequent each of several labels is, and the precision and recall at one half.

    Shapes:
        probabilities, truth: (n, labels).
    """
    given = probabilities >= 0.5
    right = (given * truth).sum(axis=0)
    bars = {
        "frequency": (truth.mean(axis=0), GREY),
        "precision": (right / np.maximum(given.sum(axis=0), 1), FIRST),
        "recall": (right / np.maximum(truth.sum(axis=0), 1), SECOND),
    }
    with sheet(path, width=6.4, height=1.4 + 0.62 * len(labels)) as figure:
        axes = figure.add_subplot()
        places = np.arange(len(labels))[::-1].astype(float)
        for offset, (name, (values, colour)) in zip((0.26, 0, -0.26), bars.items(), strict=True):
            axes.barh(places + offset, values, height=0.24, color=colour, label=name, alpha=0.85)
        axes.set_yticks(places, list(labels))
        axes.grid(visible=False, axis="y")
        axes.set(title="Each label on the test part", xlabel="share", xlim=(0, 1))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


@dataclass(frozen=True, slots=True)
class Axis:
    """One feature of a surface and the values it is drawn at: numbers, or texts of a category."""

    name: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Surface:
    """What is predicted over two features.

    Attributes:
        values: Values, or probabilities of labels.
        name: Of what is predicted.
        labels: Of classes; none for values.

    Shapes:
        values: (first, second) or (first, second, labels).
    """

    values: NDArray[np.floating[Any]]
    name: str
    labels: tuple[str, ...] = ()


def plot_surface(path: Path, first: Axis, second: Axis, surface: Surface) -> None:
    """Draw a value over two features, or where which label is most probable, and how probable."""
    with sheet(path, width=7.2, height=5.2) as figure:
        axes = figure.add_subplot()
        places = [_places(axis) for axis in (first, second)]
        if surface.labels:
            _draw_regions(axes, places, surface)
        else:
            mesh = axes.pcolormesh(*places, surface.values.T, cmap="viridis", shading="nearest")
            figure.colorbar(mesh, ax=axes, label=surface.name)
        for axis, (ticks, name) in zip(
            (first, second), zip(places, "xy", strict=True), strict=True
        ):
            axes.set(**{f"{name}label": axis.name})
            if axis.values.dtype == object:
                texts = ["blank" if text is None else str(text) for text in axis.values]
                (axes.set_xticks if name == "x" else axes.set_yticks)(ticks, texts)
        axes.grid(visible=False)
        title = "Most probable label" if surface.labels else "Predicted value"
        axes.set(title=f"{title} over both features")


def _places(axis: Axis) -> NDArray[Any]:
    return np.arange(len(axis.values)) if axis.values.dtype == object else axis.values


def _draw_regions(axes: Axes, places: Sequence[NDArray[Any]], surface: Surface) -> None:
    top = surface.values.argmax(axis=-1)
    sure = surface.values.max(axis=-1)
    least = 1 / len(surface.labels)
    # Where an instance may have none of the labels, even the most probable one may be unlikely.
    strength = np.clip((sure - least) / (1 - least), 0, 1)[..., np.newaxis]
    palette = np.array([to_rgb(colour) for colour in COLOURS])
    coloured = 1 - strength * (1 - palette[top % len(palette)])
    axes.pcolormesh(*places, coloured.transpose(1, 0, 2), shading="nearest")
    for code in np.unique(top):
        colour = COLOURS[code % len(COLOURS)]
        axes.plot([], [], "s", color=colour, label=surface.labels[code])
    axes.legend(title=f"{surface.name}, paler where less sure", loc="upper left", frameon=True)
