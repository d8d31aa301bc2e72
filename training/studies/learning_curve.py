"""How scores grow with the number of instances that train."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.architectures.hidden import Hidden
from training.errors import CannotTrain
from training.evaluation import plain
from training.fitting import Fitting, Watch
from training.studies import plots
from training.studies.measures import MEASURES, Measure, score
from training.studies.networks import Learner, build
from training.studies.runs import Folder, Key, Result, open_folder, signed
from training.studies.subjects import Subject

_LEAST_SIZE = 10
_SIZES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a learning curve is made with.

    Attributes:
        command: As typed, for the record.
        out: The study's folder.
        seed: Of initial weights, subsets and batches.
        hidden: The network's layers.
        fitting: How each is fitted, at most for so many epochs.
        patience: Epochs without a smaller validation loss before stopping.
        sizes: Of the subsets; None for eight up to all, each larger by the same factor.
        repeats: Subsets of each size.
        part: What is scored beside what trained.
    """

    command: str
    out: Path
    seed: int = 0
    hidden: Hidden
    fitting: Fitting
    patience: int = 10
    sizes: tuple[int, ...] | None = None
    repeats: int = 3
    part: Literal["validation", "test"] = "validation"


@dataclass(frozen=True, slots=True)
class Curve:
    """One measure by size.

    Attributes:
        measure: Which.
        sizes: Of the subsets, ascending.
        train, scored: Of each subset, and of the part that did not train.
        part: Which that is.

    Shapes:
        train, scored: (sizes, repeats).
    """

    measure: Measure
    sizes: Sequence[int]
    train: NDArray[np.float64]
    scored: NDArray[np.float64]
    part: str


def run(subject: Subject, config: Config) -> Path:
    """Fit networks that begin alike on subsets of every size.

    Returns:
        The study's folder.

    Raises:
        CannotTrain: The folder holds another study, or a size is too large.
    """
    sizes = _sizes(len(subject.train), config.sizes)
    about = subject.about(
        "learning-curve",
        command=config.command,
        seed=config.seed,
        **asdict(config.hidden),
        **asdict(config.fitting),
        patience=config.patience,
        training_sizes=sizes,
        repeats=config.repeats,
        part=config.part,
    )
    folder = open_folder(config.out, about)
    measures = MEASURES[subject.problem.task]
    plan = [{"size": size, "repeat": repeat} for size in sizes for repeat in range(config.repeats)]
    results = folder.run(
        plan,
        lambda key: _measure(subject, config, key),
        said=lambda result: (
            f"{measures[0].title} {plain(result['train'][measures[0].name])} of what trained, "
            f"{plain(result[config.part][measures[0].name])} of {config.part}"
        ),
    )
    curves = [_curve(results, measure, sizes, config.part) for measure in measures[:2]]
    _write(folder, subject, curves)
    plots.plot_learning_curves(folder.plot, curves, title=f"Learning curve of {subject.name}")
    return folder.path


def _sizes(available: int, asked: tuple[int, ...] | None) -> list[int]:
    if asked is None:
        steps = np.geomspace(min(_LEAST_SIZE, available), available, _SIZES)
        return sorted({round(step) for step in steps})
    if max(asked) > available:
        raise CannotTrain(f"{available:,} instances train: no size may be {max(asked):,}.")
    return sorted(set(asked))


def first_learner(subject: Subject, config: Config) -> Learner:
    """Build the network that every run begins with.

    A table's medians and scales are those of all the rows that may train: with a subset's own, no
    two runs would begin alike.
    """
    return build(subject.problem, subject.train, config.hidden, seed=config.seed)


def _measure(subject: Subject, config: Config, key: Key) -> Result:
    order = np.random.default_rng([config.seed, key["repeat"]]).permutation(len(subject.train))
    subset = subject.train.take(order[: key["size"]])
    learner = first_learner(subject, config)
    stopping = Watch(patience=config.patience).early_stopping()
    history = learner.fit(
        subset,
        config.fitting,
        seed=config.seed,
        validation=subject.validation,
        callbacks=[stopping],
    )
    samples = {"train": subset, config.part: getattr(subject, config.part)}
    return {
        **{
            name: score(subject.problem.task, learner.predict(sample.x), sample.y)
            for name, sample in samples.items()
        },
        "epochs": len(history["loss"]),
        "kept": stopping.best_epoch + 1,
    }


def _curve(results: Sequence[Result], measure: Measure, sizes: Sequence[int], part: str) -> Curve:
    def of(name: str) -> NDArray[np.float64]:
        values = [result[name][measure.name] for result in results]
        return np.array(values, dtype=np.float64).reshape(len(sizes), -1)

    return Curve(measure, sizes, of("train"), of(part), part)


def _write(folder: Folder, subject: Subject, curves: Sequence[Curve]) -> None:
    header = ["size"]
    columns: list[Sequence[float]] = []
    for curve in curves:
        for name, values in (("train", curve.train), (curve.part, curve.scored)):
            header += [f"{curve.measure.name} {name} {what}" for what in ("mean", "std")]
            columns += [values.mean(axis=1).tolist(), values.std(axis=1).tolist()]
    rows = [[size, *values] for size, *values in zip(curves[0].sizes, *columns, strict=True)]
    folder.write_table(f"Learning curve of {subject.name}", header, rows, text=_finding(curves[0]))


def _finding(curve: Curve) -> str:
    """Say what more instances would be good for."""
    last, before = curve.scored[-1].mean(), curve.scored[-2:][0].mean()
    gap = curve.train[-1].mean() - last
    title = curve.measure.title
    grown = f", where {curve.sizes[-2]:,} gave {plain(before)}" if len(curve.sizes) > 1 else ""
    repeats = curve.scored.shape[1]
    subsets = "one subset" if repeats == 1 else f"{repeats} subsets"
    return (
        f"With {curve.sizes[-1]:,} instances the {title} of {curve.part} is "
        f"{plain(last)}{grown}; that of the instances that trained differs by {signed(gap)}. Means "
        f"and standard deviations over {subsets} of each size; all networks begin with the same "
        "weights."
    )
