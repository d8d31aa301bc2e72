"""One plot for each study, such as the picture of a learning curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from training.formatting import format_number
from training.plots.style import (
    COLOURS,
    GREY,
    GRID,
    PRIMARY,
    SECONDARY,
    label_logarithmic,
    saved_figure,
)
from training.studies.metrics import Metric
from training.studies.results import Candidate, FoldScores, LearningCurve, VariantHistory

_LOGARITHMIC_PARAMETERS = frozenset({"learning_rate"})
# The worst candidates of a random search would press all others together.
_SHOWN_SHARE = 0.85
# From this ratio on, the largest value of a curve hides what the small ones do.
_LOGARITHMIC_FROM = 8


def plot_learning_curves(path: Path, curves: Sequence[LearningCurve], *, title: str) -> None:
    """Draw scores by the number of training instances, with one panel for each metric.

    A band around the mean shows the spread over random subsets.
    """
    with saved_figure(path, width=5.0 * len(curves), height=4.2) as figure:
        panels = figure.subplots(1, len(curves), squeeze=False)[0]
        for axes, curve in zip(panels, curves, strict=True):
            _plot_learning_curve(axes, curve)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")


def _plot_learning_curve(axes: Axes, curve: LearningCurve) -> None:
    for values, colour, marker, label in (
        (curve.train, SECONDARY, "s", "training instances"),
        (curve.scored, PRIMARY, "o", f"{curve.part} part"),
    ):
        mean, spread = values.mean(axis=1), values.std(axis=1)
        axes.plot(curve.sizes, mean, marker=marker, markersize=4, color=colour, label=label)
        axes.fill_between(
            curve.sizes, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0
        )
    axes.set_xscale("log")
    axes.set_xticks(list(curve.sizes), [f"{size:,}" for size in curve.sizes], rotation=35)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set(title=curve.metric.title, xlabel="training instances")
    axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
    axes.legend()


def plot_variants(
    path: Path, histories: Sequence[VariantHistory], metrics: Sequence[str], *, title: str
) -> None:
    """Draw losses and metrics by epoch, with one panel for each.

    Validation is a thick line, training a thin one.
    """
    with saved_figure(path, width=11.0, height=4.6) as figure:
        panels = figure.subplots(1, len(metrics))
        for axes, metric in zip(panels, metrics, strict=True):
            _plot_variants_by_epoch(axes, histories, metric)
        panels[-1].plot([], [], color=GREY, linewidth=0.8, label="thin: training")
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.suptitle(title[:1].upper() + title[1:], x=0.01, ha="left", fontweight="bold")


def _plot_variants_by_epoch(axes: Axes, histories: Sequence[VariantHistory], metric: str) -> None:
    for each, colour in zip(histories, COLOURS, strict=False):
        training, validation = each.history[metric], each.history[f"val_{metric}"]
        epochs = np.arange(1, len(training) + 1)
        axes.plot(epochs, training, color=colour, linewidth=0.8, alpha=0.7)
        axes.plot(epochs, validation, color=colour, label=each.name)
    _scale_values(axes, [value for each in histories for value in each.history[f"val_{metric}"]])
    axes.set(title="RMSE" if metric == "rmse" else metric, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _scale_values(axes: Axes, values: Sequence[float]) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
    if min(values) > 0 and max(values) > _LOGARITHMIC_FROM * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.yaxis.set_minor_formatter(NullFormatter())


def plot_search(path: Path, ranked: Sequence[Candidate], metric: Metric, *, title: str) -> None:
    """Draw the score of every candidate, with one panel for each hyper-parameter.

    The best candidate has a colour of its own.

    Args:
        path: File to write.
        ranked: Candidates, the best one first.
        metric: Metric that ranks them.
        title: Title of the plot.
    """
    scores = np.array([each.mean(metric) for each in ranked])
    shown = _clipped(scores)
    names = list(ranked[0].parameters)
    with saved_figure(path, width=10.5, height=8.0) as figure:
        panels = figure.subplots(-(-len(names) // 3), 3, sharey=True)
        for axes, name in zip(panels.flat, names, strict=True):
            _plot_parameter(axes, name, [each.parameters[name] for each in ranked], shown)
            axes.set_title(name.replace("_", " "))
        for axes in panels[:, 0]:
            axes.set_ylabel(metric.title)
            axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
            axes.margins(y=0.12)
        beyond = ", the worst cut off at the edge" if (shown != scores).any() else ""
        text = f"{title}: the best in orange{beyond}"
        figure.suptitle(text, x=0.01, ha="left", fontweight="bold")


def _clipped(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranked scores with the worst ones, and those that are not finite, at the edge."""
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        finite = np.zeros(1)
    best, worst = finite[0], finite[int(_SHOWN_SHARE * (len(finite) - 1))]
    kept = np.where(np.isfinite(scores), scores, worst)
    return np.clip(kept, min(worst, best), max(worst, best))


def _plot_parameter(
    axes: Axes, name: str, values: Sequence[Any], scores: NDArray[np.float64]
) -> None:
    if name in _LOGARITHMIC_PARAMETERS:
        x = np.array(values, dtype=np.float64)
        axes.set_xscale("log")
        label_logarithmic(axes.xaxis, minor=False)
    else:
        x = _category_positions(axes, values)
    axes.scatter(x[1:], scores[1:], s=26, color=PRIMARY, alpha=0.65, linewidths=0)
    axes.scatter(x[:1], scores[:1], s=60, color=SECONDARY, zorder=3)


def _category_positions(axes: Axes, values: Sequence[Any]) -> NDArray[np.float64]:
    """Label the axis with the distinct values, and return where each value is drawn."""
    distinct = sorted(set(values))
    labels = [_value_label(value) for value in distinct]
    axes.set_xticks(range(len(distinct)), labels)
    if any(len(label) > 4 for label in labels):
        axes.tick_params(axis="x", rotation=25)
    axes.set_xlim(-0.5, len(distinct) - 0.5)
    axes.grid(visible=False, axis="x")
    # A little noise keeps equal values from hiding each other.
    noise = np.random.default_rng(0).uniform(-0.18, 0.18, len(values))
    return np.array([distinct.index(value) for value in values]) + noise


def _value_label(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def plot_folds(path: Path, scores: Sequence[FoldScores], *, title: str) -> None:
    """Draw scores by fold, with one panel for each metric.

    Dashed lines mark the means; a bar joins the scores of two models in the same fold.
    """
    with saved_figure(path, width=5.2 * len(scores), height=4.2) as figure:
        panels = figure.subplots(1, len(scores), squeeze=False)[0]
        for axes, each in zip(panels, scores, strict=True):
            _plot_fold_scores(axes, each)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")


def _plot_fold_scores(axes: Axes, scores: FoldScores) -> None:
    folds = np.arange(1, len(next(iter(scores.by_model.values()))) + 1)
    if scores.difference:
        first, second = scores.by_model.values()
        axes.vlines(folds, first, second, color=GRID, linewidth=4, zorder=1)
    for (model, values), colour, marker in zip(
        scores.by_model.items(), (PRIMARY, SECONDARY), "os", strict=False
    ):
        mean = float(np.mean(values))
        axes.plot(folds, values, marker, color=colour, label=f"{model}: {format_number(mean)}")
        axes.axhline(mean, color=colour, linewidth=1, linestyle="--")
    axes.set(title=scores.metric.title, xlabel="fold")
    axes.set_xticks(folds)
    axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
    axes.margins(x=0.1, y=0.12)
    # The legend is below the panel, because there may be no room beside the points.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
