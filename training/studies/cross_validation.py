"""Cross-validation over K folds: how good a kind of model is, and how sure that is.

For tables, scikit-learn's boosted trees stand beside the network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.architectures.hidden import Hidden
from training.architectures.table_inputs import predict
from training.datasets.table_splits import Split, split_rows
from training.datasets.tables import TableData, TableParts, read_table_data, split_table
from training.datasets.targets import Task
from training.experiments import tables
from training.experiments.tables.learn import learn
from training.fitting import Fitting
from training.formatting import format_number
from training.progress import stretch
from training.studies import plots
from training.studies.boosted_trees import predict_by_boosted_trees
from training.studies.data import DataSelection, StudyData
from training.studies.folds import Fold, make_folds
from training.studies.metrics import METRICS, Array, Metric, score
from training.studies.networks import build_learner
from training.studies.paired_difference import paired_difference, verdict
from training.studies.results import FoldScores
from training.studies.study_folder import (
    Cell,
    Key,
    MakeRuns,
    Result,
    StudyDescription,
    StudyFolder,
    one_by_one,
    open_study,
    signed,
)

NETWORK, TREES = "network", "boosted trees"

_VALIDATION_SHARE = 1 / 8
_LEAST_VALIDATION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidationConfig:
    """Settings of a cross-validation.

    Attributes:
        command: Command as typed, for the record.
        out: Folder of the study.
        seed: Seed of the folds and of every model.
        folds: Number of folds.
        make_runs: Makes the runs, in this process or on a cluster.
    """

    command: str
    out: Path
    seed: int = 0
    folds: int = 5
    make_runs: MakeRuns = one_by_one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """The models of a cross-validation and the folds that score them.

    Attributes:
        data: Name of the data.
        sha256: Hash of the data.
        task: Kind of the target.
        options: Everything else that decides how the network is made.
        folds: Indices of the training instances and of the scored instances, by fold.
        models: Names of the models; the first one is the network.
        score: Fits a model in one fold and returns its scores.
    """

    data: str
    sha256: str
    task: Task
    options: Mapping[str, Any]
    folds: Sequence[Fold]
    models: tuple[str, ...]
    score: Callable[[str, Fold], dict[str, float]]


def run_on_table(
    selection: DataSelection, learning: tables.LearningConfig, config: CrossValidationConfig
) -> Path:
    """Cross-validate the network that `table` would train, beside boosted trees.

    In every fold, ranges, vocabularies and medians are learned from the training rows of that
    fold. The test part is not used.

    Args:
        selection: The table.
        learning: How the network is trained.
        config: Settings of the study.

    Returns:
        The folder of the study.

    Raises:
        CannotTrain: The table cannot be read, the folder holds another study, or there are too
            few rows.
    """
    file, targets = selection.find_table()
    with stretch(f"Reading {file.name}"):
        source = read_table_data(file, targets, selection.overrides, task=selection.task)
    rows = _rows_besides_test(source, seed=config.seed)
    y, task = source.targets.y, source.targets.target.task

    def score_fold(model: str, fold: Fold) -> dict[str, float]:
        parts = _fold_parts(source, rows[fold[0]], rows[fold[1]], seed=config.seed)
        predict_test = (
            predict_by_boosted_trees
            if model == TREES
            else partial(_predict_by_network, learning=learning)
        )
        return score(task, predict_test(parts, seed=config.seed), parts.test.y)

    plan = _Plan(
        data=selection.name,
        sha256=source.sha256,
        task=task,
        options={**selection.reading_options(), **asdict(learning)},
        folds=make_folds(task, y[rows], folds=config.folds, seed=config.seed),
        models=(NETWORK, TREES),
        score=score_fold,
    )
    return _run(plan, config)


def run_on_pictures(
    data: StudyData, hidden: Hidden, fitting: Fitting, config: CrossValidationConfig
) -> Path:
    """Cross-validate a multilayer perceptron on the training part.

    Args:
        data: The pictures.
        hidden: Hidden layers of the network.
        fitting: Hyper-parameters of the fit. There is no early stopping.
        config: Settings of the study.

    Returns:
        The folder of the study.

    Raises:
        CannotTrain: The folder holds another study, or there are too few pictures.
    """
    learning_task, train = data.learning_task, data.train

    def score_fold(_model: str, fold: Fold) -> dict[str, float]:
        training, scored = (train.take(indices) for indices in fold)
        learner = build_learner(learning_task, training, hidden, seed=config.seed)
        learner.fit(training, fitting, seed=config.seed)
        return score(learning_task.task, learner.predict(scored.x), scored.y)

    plan = _Plan(
        data=data.name,
        sha256=data.sha256,
        task=learning_task.task,
        options={**data.reading_options, **asdict(hidden), **asdict(fitting)},
        folds=make_folds(learning_task.task, train.y, folds=config.folds, seed=config.seed),
        models=(NETWORK,),
        score=score_fold,
    )
    return _run(plan, config)


def _rows_besides_test(source: TableData, *, seed: int) -> NDArray[np.intp]:
    split = split_rows(source.targets, Split(), seed=seed)
    return np.sort(np.concatenate([split[name] for name in ("train", "validation", "calibration")]))


def _fold_parts(
    source: TableData, training: NDArray[np.intp], scored: NDArray[np.intp], *, seed: int
) -> TableParts:
    """Return the table with the scored rows as its test part.

    A share of the training rows validates: the network stops by them.
    """
    validation = _validation_indices(source, training, seed=seed)
    return split_table(
        source,
        {
            "train": np.delete(training, validation),
            "validation": training[validation],
            "calibration": training[:0],
            "test": scored,
        },
    )


def _validation_indices(
    source: TableData, training: NDArray[np.intp], *, seed: int
) -> NDArray[np.intp]:
    """Draw the rows that validate, by their indices among the training rows."""
    candidates = np.arange(len(training))
    if source.targets.target.is_one_label:
        # The first row of every label trains, so that no label is missing from training.
        first = np.unique(source.targets.y[training], return_index=True)[1]
        candidates = np.setdiff1d(candidates, first)
    count = max(_LEAST_VALIDATION, round(_VALIDATION_SHARE * len(training)))
    return np.random.default_rng(seed).permutation(candidates)[:count]


def _predict_by_network(parts: TableParts, *, learning: tables.LearningConfig, seed: int) -> Array:
    outputs = predict(learn(parts, learning, seed=seed).network, parts.test.rows)
    return outputs["value" if parts.target.task == "regression" else "probabilities"]


def _run(plan: _Plan, config: CrossValidationConfig) -> Path:
    folder = open_study(config.out, _describe(plan, config))
    metrics = METRICS[plan.task]

    def score_one(key: Key) -> Result:
        return {"scores": plan.score(key["model"], plan.folds[key["fold"] - 1])}

    results = folder.run(
        [
            {"fold": number, "model": model}
            for number in range(1, len(plan.folds) + 1)
            for model in plan.models
        ],
        score_one,
        summarize=lambda result: (
            f"{metrics[0].title} {format_number(result['scores'][metrics[0].name])}"
        ),
        make_runs=config.make_runs,
    )
    scores = [_fold_scores(metric, results, plan) for metric in metrics]
    title = f"{len(plan.folds)} folds of {plan.data}"
    _write_table(folder, scores, title)
    plots.plot_folds(folder.plot, scores[:2], title=title)
    return folder.path


def _describe(plan: _Plan, config: CrossValidationConfig) -> StudyDescription:
    return StudyDescription(
        study="cross-validate",
        command=config.command,
        data=plan.data,
        data_sha256=plan.sha256,
        sizes={"cross-validated": sum(len(scored) for _, scored in plan.folds)},
        seed=config.seed,
        options={"task": plan.task, "folds": config.folds, **plan.options},
    )


def _fold_scores(metric: Metric, results: Sequence[Result], plan: _Plan) -> FoldScores:
    by_model = {
        model: [each["scores"][metric.name] for each in results if each["model"] == model]
        for model in plan.models
    }
    if len(by_model) < 2:
        return FoldScores(metric, by_model, None)
    training, scored = plan.folds[0]
    difference = paired_difference(*by_model.values(), scored=len(scored), trained=len(training))
    return FoldScores(metric, by_model, difference)


def _write_table(folder: StudyFolder, scores: Sequence[FoldScores], title: str) -> None:
    header = ["score"]
    for model in scores[0].by_model:
        header += [f"{model} mean", f"{model} std"]
    if scores[0].difference:
        header += ["difference", "standard error", "cautious standard error"]
    rows = [_row(each) for each in scores]
    folder.write_table(title, header, rows, text=" ".join(_finding(each) for each in scores[:2]))


def _row(scores: FoldScores) -> Sequence[Cell]:
    row: list[Cell] = [scores.metric.title]
    for values in scores.by_model.values():
        row += [float(np.mean(values)), float(np.std(values, ddof=1))]
    if scores.difference:
        difference = scores.difference
        row += [difference.mean, difference.error, difference.cautious_error]
    return row


def _finding(scores: FoldScores) -> str:
    title, difference = scores.metric.title, scores.difference
    means = {model: float(np.mean(values)) for model, values in scores.by_model.items()}
    if difference is None:
        deviation = float(np.std(scores.by_model[NETWORK], ddof=1))
        return (
            f"The mean {title} of the network is {format_number(means[NETWORK])}, with a standard "
            f"deviation of {format_number(deviation)} over folds."
        )
    conclusion = {
        1: "The network is better by more than chance would explain.",
        -1: "The boosted trees are better by more than chance would explain.",
        0: "The difference may be chance.",
    }[verdict(difference, larger_is_better=scores.metric.larger_is_better)]
    return (
        f"The mean {title} is {format_number(means[NETWORK])} for the network and "
        f"{format_number(means[TREES])} for scikit-learn's boosted trees. The paired difference is "
        f"{signed(difference.mean)}. "
        f"Its standard error over folds is {format_number(difference.error)}, or "
        f"{format_number(difference.cautious_error)} when the training rows that the folds share "
        f"are taken into account. {conclusion}"
    )
