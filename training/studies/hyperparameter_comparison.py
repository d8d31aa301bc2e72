"""One hyper-parameter in every variant, all else equal: activations, batch sizes, and so on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from training.architectures.hidden import ACTIVATIONS, Hidden
from training.fitting import OPTIMIZERS, Fitting
from training.formatting import format_number
from training.studies import plots
from training.studies.data import StudyData
from training.studies.metrics import METRICS, Metric
from training.studies.networks import build_learner
from training.studies.results import VariantHistory
from training.studies.study_folder import (
    Cell,
    Key,
    MakeRuns,
    Result,
    StudyFolder,
    one_by_one,
    open_study,
)

Variants = Mapping[str, tuple[Hidden, Fitting]]

# Plain gradient descent needs larger steps than the optimizers that scale their steps.
_USUAL_RATES = {"sgd": 1e-2, "momentum": 1e-2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonConfig:
    """Settings of a comparison.

    Attributes:
        choice: Hyper-parameter to vary, one of `CHOICES`.
        command: Command as typed, for the record.
        out: Folder of the study.
        seed: Seed of initial weights and batches.
        hidden: Hidden layers that all variants share.
        fitting: Hyper-parameters of the fit that all variants share.
        rate_given: Whether the learning rate holds for every optimizer. If not, each optimizer has
            its usual rate.
        make_runs: Makes the runs, in this process or on a cluster.
    """

    choice: str
    command: str
    out: Path
    seed: int = 0
    hidden: Hidden
    fitting: Fitting
    rate_given: bool = False
    make_runs: MakeRuns = one_by_one


def _activations(config: ComparisonConfig) -> Variants:
    return {name: (replace(config.hidden, activation=name), config.fitting) for name in ACTIVATIONS}


def _batch_sizes(config: ComparisonConfig) -> Variants:
    return {
        str(size): (config.hidden, replace(config.fitting, batch_size=size))
        for size in (16, 32, 64, 128, 256)
    }


def _batch_normalization(config: ComparisonConfig) -> Variants:
    return {
        name: (replace(config.hidden, batch_normalization=on), config.fitting)
        for name, on in (("off", False), ("on", True))
    }


def _dropout(config: ComparisonConfig) -> Variants:
    return {
        f"{share:g}": (replace(config.hidden, dropout=share), config.fitting)
        for share in (0.0, 0.1, 0.2, 0.3, 0.5)
    }


def _optimizers(config: ComparisonConfig) -> Variants:
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


CHOICES: Mapping[str, Callable[[ComparisonConfig], Variants]] = {
    "activations": _activations,
    "batch-sizes": _batch_sizes,
    "batch-normalization": _batch_normalization,
    "dropout": _dropout,
    "optimizers": _optimizers,
}


def run(data: StudyData, config: ComparisonConfig) -> Path:
    """Fit a network in every variant, from the same weights, on the same order of instances.

    Returns:
        The folder of the study.

    Raises:
        CannotTrain: The folder holds another study.
    """
    variants = choose_variants(config, instances=len(data.train))
    folder = _open(data, config, list(variants))
    metric = _metric(data)
    results = folder.run(
        [{"variant": name} for name in variants],
        lambda key: _fit(data, variants[key["variant"]], seed=config.seed),
        summarize=lambda result: (
            f"validation {metric.name} {format_number(result[f'val_{metric.name}'][-1])} at the end"
        ),
        make_runs=config.make_runs,
    )
    histories = [_history(result) for result in results]
    title = f"{config.choice.replace('-', ' ')} on {data.name}"
    _write_table(folder, data, histories, title)
    plots.plot_variants(folder.plot, histories, ("loss", metric.name), title=title)
    return folder.path


def choose_variants(config: ComparisonConfig, *, instances: int) -> Variants:
    """Return the variants; of batches that hold all instances or more, only one."""
    variants = CHOICES[config.choice](config)
    if config.choice != "batch-sizes":
        return variants
    smaller = {name: each for name, each in variants.items() if each[1].batch_size < instances}
    if len(smaller) == len(variants):
        return variants
    return {
        **smaller,
        str(instances): (config.hidden, replace(config.fitting, batch_size=instances)),
    }


def _open(data: StudyData, config: ComparisonConfig, variants: Sequence[str]) -> StudyFolder:
    description = data.describe_study(
        f"compare {config.choice}",
        command=config.command,
        seed=config.seed,
        variants=variants,
        **asdict(config.hidden),
        **asdict(config.fitting),
    )
    return open_study(config.out, description)


def _metric(data: StudyData) -> Metric:
    """Return the metric that ranks the variants; Keras computes it after each epoch."""
    name = "rmse" if data.learning_task.task == "regression" else "accuracy"
    return next(metric for metric in METRICS[data.learning_task.task] if metric.name == name)


def _fit(data: StudyData, variant: tuple[Hidden, Fitting], *, seed: int) -> Result:
    hidden, fitting = variant
    learner = build_learner(data.learning_task, data.train, hidden, seed=seed)
    return {**learner.fit(data.train, fitting, seed=seed, validation=data.validation)}


def _history(result: Key) -> VariantHistory:
    by_epoch = {name: values for name, values in result.items() if isinstance(values, list)}
    return VariantHistory(result["variant"], by_epoch, result["seconds"])


def _write_table(
    folder: StudyFolder, data: StudyData, histories: Sequence[VariantHistory], title: str
) -> None:
    metric = _metric(data)
    rows = [_row(history, metric) for history in histories]
    rows.sort(key=lambda row: (-metric.sign * float(row[1]), float(row[3])))
    header = [
        "variant",
        f"best validation {metric.name}",
        "at epoch",
        "least validation loss",
        f"training {metric.name} then",
        "seconds",
    ]
    text = _finding(rows, metric, scored=len(data.validation))
    folder.write_table(title[:1].upper() + title[1:], header, rows, text=text)


def _row(history: VariantHistory, metric: Metric) -> Sequence[Cell]:
    best = history.best_epoch(metric.name, sign=metric.sign)
    return [
        history.name,
        history.history[f"val_{metric.name}"][best - 1],
        best,
        min(history.history["val_loss"]),
        history.history[metric.name][best - 1],
        history.seconds,
    ]


def _finding(rows: Sequence[Sequence[Cell]], metric: Metric, *, scored: int) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"On the {scored:,} validation instances, {first[0]} is the best variant: its "
        f"{metric.title} is {format_number(float(first[1]))} at epoch {first[2]}. The last one is "
        f"{last[0]}, with {format_number(float(last[1]))}. All networks start from the same "
        "weights and see the instances in the same order. A difference of a few instances is "
        "chance."
    )
