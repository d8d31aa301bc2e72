"""One choice made in every way, all else equal: activations, batch sizes, and so on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from training.architectures.hidden import ACTIVATIONS, Hidden
from training.evaluation import plain
from training.fitting import OPTIMIZERS, Fitting
from training.studies import plots
from training.studies.measures import MEASURES
from training.studies.networks import History, build
from training.studies.runs import Cell, Folder, Key, Result, open_folder
from training.studies.subjects import Subject

Variants = Mapping[str, tuple[Hidden, Fitting]]

# Plain gradient descent wants larger steps than the optimizers that scale theirs.
_USUAL_RATES = {"sgd": 1e-2, "momentum": 1e-2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a comparison is made with.

    Attributes:
        choice: One of `CHOICES`.
        command: As typed, for the record.
        out: The study's folder.
        seed: Of initial weights and batches.
        hidden, fitting: What all variants have in common.
        rate_given: Whether the learning rate holds for every optimizer; else each has its usual.
    """

    choice: str
    command: str
    out: Path
    seed: int = 0
    hidden: Hidden
    fitting: Fitting
    rate_given: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What one variant measured after each epoch."""

    name: str
    history: History
    seconds: float

    def best_epoch(self, name: str, *, sign: int) -> int:
        """Return the epoch, from 1, at which a validation measure was best.

        Args:
            name: The measure.
            sign: 1 where larger is better, else -1.
        """
        values = sign * np.array(self.history[f"val_{name}"], dtype=np.float64)
        return int(np.argmax(np.nan_to_num(values, nan=-np.inf))) + 1


def _activations(config: Config) -> Variants:
    return {name: (replace(config.hidden, activation=name), config.fitting) for name in ACTIVATIONS}


def _batch_sizes(config: Config) -> Variants:
    return {
        str(size): (config.hidden, replace(config.fitting, batch_size=size))
        for size in (16, 32, 64, 128, 256)
    }


def _batch_normalization(config: Config) -> Variants:
    return {
        name: (replace(config.hidden, batch_normalization=on), config.fitting)
        for name, on in (("off", False), ("on", True))
    }


def _dropout(config: Config) -> Variants:
    return {
        f"{share:g}": (replace(config.hidden, dropout=share), config.fitting)
        for share in (0.0, 0.1, 0.2, 0.3, 0.5)
    }


def _optimizers(config: Config) -> Variants:
    given = config.fitting.learning_rate
    rates = {
        name: given if config.rate_given else _USUAL_RATES.get(name, given) for name in OPTIMIZERS
    }
    return {
        f"{name} at {rate:g}": (
            config.hidden,
            replace(config.fitting, optimizer=name, learning_rate=rate),
        )
        for name, rate in rates.items()
    }


CHOICES: Mapping[str, Callable[[Config], Variants]] = {
    "activations": _activations,
    "batch-sizes": _batch_sizes,
    "batch-normalization": _batch_normalization,
    "dropout": _dropout,
    "optimizers": _optimizers,
}


def run(subject: Subject, config: Config) -> Path:
    """Fit a network in every way of one choice, from the same weights, in the same order.

    Returns:
        The study's folder.

    Raises:
        CannotTrain: The folder holds another study.
    """
    variants = CHOICES[config.choice](config)
    about = subject.about(
        f"compare {config.choice}",
        command=config.command,
        seed=config.seed,
        variants=list(variants),
        **asdict(config.hidden),
        **asdict(config.fitting),
    )
    folder = open_folder(config.out, about)
    metric = "rmse" if subject.problem.task == "regression" else "accuracy"
    title = f"{config.choice.replace('-', ' ')} on {subject.name}"

    def measure(key: Key) -> Result:
        hidden, fitting = variants[key["variant"]]
        learner = build(subject.problem, subject.train, hidden, seed=config.seed)
        return learner.fit(
            subject.train,
            fitting,
            seed=config.seed,
            validation=subject.validation,
        )

    results = folder.run(
        [{"variant": name} for name in variants],
        measure,
        said=lambda result: f"validation {metric} {plain(result[f'val_{metric}'][-1])} at the end",
    )
    trials = [
        Trial(
            result["variant"],
            {name: each for name, each in result.items() if isinstance(each, list)},
            result["seconds"],
        )
        for result in results
    ]
    _write(folder, subject, trials, title, metric)
    plots.plot_trials(folder.plot, trials, ("loss", metric), title=title)
    return folder.path


def _write(
    folder: Folder, subject: Subject, trials: Sequence[Trial], title: str, metric: str
) -> None:
    (measure,) = (each for each in MEASURES[subject.problem.task] if each.name == metric)
    rows: list[Sequence[Cell]] = []
    for trial in trials:
        best = trial.best_epoch(metric, sign=measure.sign)
        rows.append(
            [
                trial.name,
                trial.history[f"val_{metric}"][best - 1],
                best,
                min(trial.history["val_loss"]),
                trial.history[metric][best - 1],
                trial.seconds,
            ]
        )
    rows.sort(key=lambda row: (-measure.sign * float(row[1]), float(row[3])))
    header = [
        "variant",
        f"best validation {metric}",
        "at epoch",
        "least validation loss",
        f"training {metric} then",
        "seconds",
    ]
    folder.write_table(
        title[:1].upper() + title[1:],
        header,
        rows,
        text=(
            f"Best on the {len(subject.validation):,} validation instances: {rows[0][0]}, with "
            f"{measure.title} {plain(float(rows[0][1]))} at epoch {rows[0][2]}; last: "
            f"{rows[-1][0]}, with {plain(float(rows[-1][1]))}. All begin with the same weights and "
            "see the instances in the same order: differences of a few instances are chance."
        ),
    )
