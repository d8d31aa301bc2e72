"""Learning curve: how scores change with the number of training instances."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.architectures.hidden import Hidden
from training.errors import CannotTrain
from training.fitting import Callbacks, Fitting
from training.formatting import format_number
from training.studies import plots
from training.studies.data import StudyData
from training.studies.metrics import METRICS, Metric, score
from training.studies.networks import Learner, build_learner
from training.studies.results import LearningCurve
from training.studies.study_folder import (
    Key,
    MakeRuns,
    Result,
    StudyFolder,
    one_by_one,
    open_study,
    signed,
)

_SMALLEST_SIZE = 10
_DEFAULT_SIZES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurveConfig:
    """Settings of a learning curve.

    Attributes:
        command: Command as typed, for the record.
        out: Folder of the study.
        seed: Seed of initial weights, subsets and batches.
        hidden: Hidden layers of the network.
        fitting: Hyper-parameters of each fit, with the largest number of epochs.
        patience: Number of epochs without a smaller validation loss before a fit stops.
        sizes: Numbers of training instances; None for eight sizes up to all instances, each
            larger by the same factor.
        repeats: Number of random subsets of each size.
        part: Part that is scored beside the training instances.
        make_runs: Makes the runs, in this process or on a cluster.
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
    make_runs: MakeRuns = one_by_one


def run(data: StudyData, config: LearningCurveConfig) -> Path:
    """Fit networks with the same initial weights on random subsets of every size.

    Returns:
        The folder of the study.

    Raises:
        CannotTrain: The folder holds another study, or a size is too large.
    """
    sizes = _subset_sizes(len(data.train), config.sizes)
    folder = _open(data, config, sizes)
    metrics = METRICS[data.learning_task.task]
    results = folder.run(
        [{"size": size, "repeat": repeat} for size in sizes for repeat in range(config.repeats)],
        lambda key: _fit_and_score(data, config, key),
        summarize=lambda result: _summary(result, metrics[0], config.part),
        make_runs=config.make_runs,
    )
    curves = [_curve(results, metric, sizes, config.part) for metric in metrics[:2]]
    title = f"Learning curve of {data.name}"
    _write_table(folder, curves, title)
    plots.plot_learning_curves(folder.plot, curves, title=title)
    return folder.path


def _open(data: StudyData, config: LearningCurveConfig, sizes: Sequence[int]) -> StudyFolder:
    description = data.describe_study(
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
    return open_study(config.out, description)


def _subset_sizes(available: int, sizes: tuple[int, ...] | None) -> list[int]:
    if sizes is None:
        steps = np.geomspace(min(_SMALLEST_SIZE, available), available, _DEFAULT_SIZES)
        return sorted({round(step) for step in steps})
    if max(sizes) > available:
        raise CannotTrain(
            f"No size may be larger than the {available:,} training instances. "
            f"Received: {max(sizes):,}."
        )
    return sorted(set(sizes))


def build_first_learner(data: StudyData, config: LearningCurveConfig) -> Learner:
    """Build the network that every run starts from.

    The medians and scales of a table come from all of its training rows. With those of each
    subset, no two runs would start from the same network.
    """
    return build_learner(data.learning_task, data.train, config.hidden, seed=config.seed)


def _fit_and_score(data: StudyData, config: LearningCurveConfig, key: Key) -> Result:
    order = np.random.default_rng([config.seed, key["repeat"]]).permutation(len(data.train))
    subset = data.train.take(order[: key["size"]])
    learner = build_first_learner(data, config)
    stopping = Callbacks(patience=config.patience).early_stopping()
    history = learner.fit(
        subset,
        config.fitting,
        seed=config.seed,
        validation=data.validation,
        callbacks=[stopping],
    )
    samples = {"train": subset, config.part: getattr(data, config.part)}
    scores = {
        name: score(data.learning_task.task, learner.predict(sample.x), sample.y)
        for name, sample in samples.items()
    }
    return {**scores, "epochs": len(history["loss"]), "kept": stopping.best_epoch + 1}


def _summary(result: Result, metric: Metric, part: str) -> str:
    return (
        f"{metric.title} {format_number(result['train'][metric.name])} on the training instances, "
        f"{format_number(result[part][metric.name])} on the {part} part"
    )


def _curve(
    results: Sequence[Result], metric: Metric, sizes: Sequence[int], part: str
) -> LearningCurve:
    def scores(name: str) -> NDArray[np.float64]:
        values = [result[name][metric.name] for result in results]
        return np.array(values, dtype=np.float64).reshape(len(sizes), -1)

    return LearningCurve(metric, sizes, scores("train"), scores(part), part)


def _write_table(folder: StudyFolder, curves: Sequence[LearningCurve], title: str) -> None:
    header = ["size"]
    columns: list[Sequence[float]] = []
    for curve in curves:
        for name, values in (("train", curve.train), (curve.part, curve.scored)):
            header += [f"{curve.metric.name} {name} {statistic}" for statistic in ("mean", "std")]
            columns += [values.mean(axis=1).tolist(), values.std(axis=1).tolist()]
    rows = [[size, *values] for size, *values in zip(curves[0].sizes, *columns, strict=True)]
    folder.write_table(title, header, rows, text=_finding(curves[0]))


def _finding(curve: LearningCurve) -> str:
    """Say how the score grew with the last step, and how far it is from that of training."""
    last, before = curve.scored[-1].mean(), curve.scored[-2:][0].mean()
    gap = curve.train[-1].mean() - last
    grown = (
        f"; with {curve.sizes[-2]:,} it was {format_number(before)}" if len(curve.sizes) > 1 else ""
    )
    repeats = curve.scored.shape[1]
    subsets = "one subset" if repeats == 1 else f"{repeats} subsets"
    return (
        f"With {curve.sizes[-1]:,} training instances, the {curve.metric.title} on the "
        f"{curve.part} part is {format_number(last)}{grown}. On the training instances it differs "
        f"by {signed(gap)}. The table has means and standard deviations over {subsets} of each "
        "size. All networks start from the same weights."
    )
