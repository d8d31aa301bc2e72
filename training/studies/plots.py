"""The plots of studies, one each."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from training.evaluation import plain
from training.plots.style import COLOURS, GREY, GRID, PRIMARY, SECONDARY, saved_figure

if TYPE_CHECKING:
    from training.studies.compare import Trial
    from training.studies.cross_validation import Scores
    from training.studies.learning_curve import Curve
    from training.studies.measures import Measure
    from training.studies.search import Candidate

_LOGARITHMIC_PARAMETERS = frozenset({"learning_rate"})
# The worst of a random search would press all others together.
_SHOWN_SHARE = 0.85
# From here on the largest value of a curve hides what the small ones do.
_LOGARITHMIC_FROM = 8


def plot_learning_curves(path: Path, curves: Sequence["Curve"], *, title: str) -> None:
    """Draw scores by training size, a panel a measure, the spread of subsets around the mean."""
    with saved_figure(path, width=5.0 * len(curves), height=4.2) as figure:
        panels = figure.subplots(1, len(curves), squeeze=False)[0]
        for axes, curve in zip(panels, curves, strict=True):
            _plot_learning_curve(axes, curve)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")


def _plot_learning_curve(axes: Axes, curve: "Curve") -> None:
    for values, colour, marker, label in (
        (curve.train, SECONDARY, "s", "instances that trained"),
        (curve.scored, PRIMARY, "o", f"{curve.part}, which did not"),
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
    axes.set(title=curve.measure.title, xlabel="training instances")
    axes.yaxis.set_major_formatter(lambda value, _: plain(value))
    axes.legend()


def plot_trials(
    path: Path, trials: Sequence["Trial"], measures: Sequence[str], *, title: str
) -> None:
    """Draw measures by epoch, a panel each: validation thick, training thin."""
    with saved_figure(path, width=11.0, height=4.6) as figure:
        panels = figure.subplots(1, len(measures))
        for axes, measure in zip(panels, measures, strict=True):
            for trial, colour in zip(trials, COLOURS, strict=False):
                epochs = np.arange(1, len(trial.history[measure]) + 1)
                axes.plot(epochs, trial.history[measure], color=colour, linewidth=0.8, alpha=0.7)
                axes.plot(
                    epochs,
                    trial.history[f"val_{measure}"],
                    color=colour,
                    label=trial.name,
                )
            _scale(axes, [each for trial in trials for each in trial.history[f"val_{measure}"]])
            axes.set(title="RMSE" if measure == "rmse" else measure, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        panels[-1].plot([], [], color=GREY, linewidth=0.8, label="thin: training")
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.suptitle(title[:1].upper() + title[1:], x=0.01, ha="left", fontweight="bold")


def _scale(axes: Axes, values: Sequence[float]) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: plain(value))
    if min(values) > 0 and max(values) > _LOGARITHMIC_FROM * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: plain(value))
        axes.yaxis.set_minor_formatter(NullFormatter())


def plot_search(
    path: Path, ranked: Sequence["Candidate"], measure: "Measure", *, title: str
) -> None:
    """Draw every candidate's score, a panel for each hyper-parameter; the best one stands out."""
    scores = np.array([each.mean(measure) for each in ranked])
    known = scores[np.isfinite(scores)]
    if not len(known):
        known = np.zeros(1)
    # Ranked: the better ones come first.
    best, worst = known[0], known[int(_SHOWN_SHARE * (len(known) - 1))]
    shown = np.clip(np.where(np.isfinite(scores), scores, worst), *sorted((worst, best)))
    names = list(ranked[0].parameters)
    with saved_figure(path, width=10.5, height=8.0) as figure:
        panels = figure.subplots(-(-len(names) // 3), 3, sharey=True)
        for axes, name in zip(panels.flat, names, strict=True):
            _plot_parameter(axes, name, [each.parameters[name] for each in ranked], shown)
            axes.set_title(name.replace("_", " "))
        for axes in panels[:, 0]:
            axes.set_ylabel(measure.title)
            axes.yaxis.set_major_formatter(lambda value, _: plain(value))
            axes.margins(y=0.12)
        beyond = ", the worst cut off at the edge" if (shown != scores).any() else ""
        text = f"{title}: the best in orange{beyond}"
        figure.suptitle(text, x=0.01, ha="left", fontweight="bold")


def _plot_parameter(
    axes: Axes, name: str, values: Sequence[Any], scores: NDArray[np.float64]
) -> None:
    if name in _LOGARITHMIC_PARAMETERS:
        places = np.array(values, dtype=np.float64)
        axes.set_xscale("log")
    else:
        kinds = sorted(set(values))
        # Spread a little, so that equal choices do not hide each other.
        aside = np.random.default_rng(0).uniform(-0.18, 0.18, len(values))
        places = np.array([kinds.index(value) for value in values]) + aside
        axes.set_xticks(range(len(kinds)), [_choice(kind) for kind in kinds])
        if any(len(_choice(kind)) > 4 for kind in kinds):
            axes.tick_params(axis="x", rotation=25)
        axes.set_xlim(-0.5, len(kinds) - 0.5)
        axes.grid(visible=False, axis="x")
    axes.scatter(places[1:], scores[1:], s=26, color=PRIMARY, alpha=0.65, linewidths=0)
    axes.scatter(places[:1], scores[:1], s=60, color=SECONDARY, zorder=3)


def _choice(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def plot_folds(path: Path, found: Sequence["Scores"], *, title: str) -> None:
    """Draw scores by fold, a panel a measure; lines at the means, and between what is paired."""
    with saved_figure(path, width=5.2 * len(found), height=4.2) as figure:
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        for axes, scores in zip(panels, found, strict=True):
            folds = np.arange(1, len(next(iter(scores.by_model.values()))) + 1)
            if scores.difference:
                axes.vlines(folds, *scores.by_model.values(), color=GRID, linewidth=4, zorder=1)
            for (model, values), colour, marker in zip(
                scores.by_model.items(), (PRIMARY, SECONDARY), "os", strict=False
            ):
                mean = float(np.mean(values))
                axes.plot(folds, values, marker, color=colour, label=f"{model}: {plain(mean)}")
                axes.axhline(mean, color=colour, linewidth=1, linestyle="--")
            axes.set(title=scores.measure.title, xlabel="fold")
            axes.set_xticks(folds)
            axes.yaxis.set_major_formatter(lambda value, _: plain(value))
            axes.margins(x=0.1, y=0.12)
            # Below the panel: beside the points there may be no room.
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
