"""K folds: how well a kind of model does, and how sure that is, beside boosted trees."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from training.architectures.hidden import Hidden
from training.architectures.tables import predict
from training.datasets.tables import (
    Source,
    Split,
    TablePart,
    TableParts,
    read_source,
    split_places,
    split_table,
)
from training.datasets.targets import Task
from training.evaluation import plain
from training.experiments import tables
from training.fitting import Fitting
from training.studies import plots
from training.studies.folds import Fold, make_folds
from training.studies.measures import MEASURES, Array, Measure, score
from training.studies.networks import build
from training.studies.pairing import Difference, pair, verdict
from training.studies.runs import About, Cell, Folder, Key, Result, open_folder, signed
from training.studies.subjects import Asked, Subject
from vitrine.signature import FIRST_CODE, CategoryInput, encode_texts

NETWORK, TREES = "network", "boosted trees"

_VALIDATING_SHARE = 1 / 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a cross-validation is made with.

    Attributes:
        command: As typed, for the record.
        out: The study's folder.
        seed: Of the folds and of every model.
        folds: How many.
    """

    command: str
    out: Path
    seed: int = 0
    folds: int = 5


@dataclass(frozen=True, slots=True)
class Scores:
    """One measure of each kind of model, by fold."""

    measure: Measure
    by_model: Mapping[str, Sequence[float]]
    difference: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """What is cross-validated.

    Attributes:
        data: What it is called.
        sha256: Of it.
        task: What is told.
        options: What else decides about the network.
        folds: Places among what is cross-validated.
        models: Kinds, the first of which is ours.
        score: Scores a model of one kind in one fold.
        bar: Whether to draw one of the runs.
    """

    data: str
    sha256: str
    task: Task
    options: Mapping[str, Any]
    folds: Sequence[Fold]
    models: tuple[str, ...]
    score: Callable[[str, Fold], dict[str, float]]
    bar: bool


def run_on_table(asked: Asked, learning: tables.Learning, config: Config) -> Path:
    """Cross-validate what `table` would train, beside scikit-learn's boosted trees.

    In every fold ranges, vocabularies and medians are learned from its own training rows. The test
    part is left alone.

    Args:
        asked: The table.
        learning: How the network comes about.
        config: The study.

    Returns:
        The study's folder.

    Raises:
        CannotTrain: The table cannot be read, the folder holds another study, or there are too
            few rows.
    """
    file, targets = asked.table
    source = read_source(file, targets, asked.overrides, task=asked.task)
    split = split_places(source.targets, Split(), seed=config.seed)
    places = np.sort(
        np.concatenate([split[name] for name in ("train", "validation", "calibration")])
    )
    y, task = source.targets.y, source.targets.target.task

    def score_fold(model: str, fold: Fold) -> dict[str, float]:
        parts = _fold_parts(source, places[fold[0]], places[fold[1]], seed=config.seed)
        told = _trees if model == TREES else partial(_network, learning=learning)
        return score(task, told(parts, seed=config.seed), parts.test.y)

    folds = make_folds(task, y[places], folds=config.folds, seed=config.seed)
    trial = _Trial(
        data=asked.name,
        sha256=source.sha256,
        task=task,
        options={**asked.reading, **asdict(learning)},
        folds=folds,
        models=(NETWORK, TREES),
        score=score_fold,
        bar=False,
    )
    return _run(trial, config)


def run_on_pictures(subject: Subject, hidden: Hidden, fitting: Fitting, config: Config) -> Path:
    """Cross-validate a multilayer perceptron on the training part.

    Args:
        subject: The pictures.
        hidden: The network's layers.
        fitting: How it is fitted; all epochs are run.
        config: The study.

    Returns:
        The study's folder.

    Raises:
        CannotTrain: The folder holds another study, or there are too few pictures.
    """
    problem, train = subject.problem, subject.train

    def score_fold(_model: str, fold: Fold) -> dict[str, float]:
        training, scored = (train.take(places) for places in fold)
        learner = build(problem, training, hidden, seed=config.seed)
        learner.fit(training, fitting, seed=config.seed)
        return score(problem.task, learner.predict(scored.x), scored.y)

    folds = make_folds(problem.task, train.y, folds=config.folds, seed=config.seed)
    trial = _Trial(
        data=subject.name,
        sha256=subject.sha256,
        task=problem.task,
        options={**subject.reading, **asdict(hidden), **asdict(fitting)},
        folds=folds,
        models=(NETWORK,),
        score=score_fold,
        bar=True,
    )
    return _run(trial, config)


def _fold_parts(
    source: Source, training: NDArray[np.intp], scored: NDArray[np.intp], *, seed: int
) -> TableParts:
    """Return a table whose test part is the fold; the network stops by some of the other rows."""
    y, target = source.targets.y, source.targets.target
    rng = np.random.default_rng(seed)
    if target.is_one_label:  # every label must have its chance to train
        first = np.unique(y[training], return_index=True)[1]
        order = np.setdiff1d(np.arange(len(training)), first)
    else:
        order = np.arange(len(training))
    validating = max(4, round(_VALIDATING_SHARE * len(training)))
    chosen = rng.permutation(order)[:validating]
    return split_table(
        source,
        {
            "train": np.delete(training, chosen),
            "validation": training[chosen],
            "calibration": training[:0],
            "test": scored,
        },
    )


def _network(parts: TableParts, *, learning: tables.Learning, seed: int) -> Array:
    outputs = predict(tables.learn(parts, learning, seed=seed).network, parts.test.rows)
    return outputs["value" if parts.target.task == "regression" else "probabilities"]


def _trees(parts: TableParts, *, seed: int) -> Array:
    """Fit scikit-learn's defaults on all of the fold's training rows."""
    frame = pd.concat([_frame(parts, parts.train), _frame(parts, parts.validation)])
    y = np.concatenate([parts.train.y, parts.validation.y])
    scored, task = _frame(parts, parts.test), parts.target.task
    if task == "regression":
        values: Array = (
            HistGradientBoostingRegressor(random_state=seed).fit(frame, y).predict(scored)
        )
        return values
    classes = len(parts.target.labels)
    if task != "multilabel":
        return _probabilities(frame, y, scored, classes=classes, seed=seed)
    return np.stack(
        [
            _probabilities(frame, label.astype(np.int64), scored, classes=2, seed=seed)[:, 1]
            for label in y.T
        ],
        axis=1,
    )


def _probabilities(
    frame: pd.DataFrame, y: Array, scored: pd.DataFrame, *, classes: int, seed: int
) -> Array:
    """Return probabilities of every class, none of those that no training row has."""
    known = np.unique(y)
    probabilities = np.zeros((len(scored), classes))
    if len(known) == 1:
        probabilities[:, known] = 1
        return probabilities
    trees = HistGradientBoostingClassifier(random_state=seed).fit(frame, y)
    probabilities[:, known] = trees.predict_proba(scored)
    return probabilities


def _frame(parts: TableParts, part: TablePart) -> pd.DataFrame:
    """Return rows as these trees take them: blanks as NaN, unknown categories, too."""
    columns = {
        spec.name: _categorical(part.instances[spec.name], spec)
        if isinstance(spec, CategoryInput)
        else part.instances[spec.name]
        for spec in parts.specs
    }
    return pd.DataFrame(columns)


def _categorical(texts: NDArray[np.object_], spec: CategoryInput) -> pd.Categorical:
    places = encode_texts(texts, spec.codes) - FIRST_CODE  # below 0 for what has no code of its own
    return pd.Categorical.from_codes(np.maximum(places, -1), spec.vocabulary)


def _run(trial: _Trial, config: Config) -> Path:
    scored = sum(len(fold[1]) for fold in trial.folds)
    about = About(
        study="cross-validate",
        command=config.command,
        data=trial.data,
        data_sha256=trial.sha256,
        sizes={"cross-validated": scored},
        seed=config.seed,
        options={"task": trial.task, "folds": config.folds, **trial.options},
    )
    folder = open_folder(config.out, about)
    measures = MEASURES[trial.task]

    def measure(key: Key) -> Result:
        return {"scores": trial.score(key["model"], trial.folds[key["fold"] - 1])}

    results = folder.run(
        [
            {"fold": number, "model": model}
            for number in range(1, len(trial.folds) + 1)
            for model in trial.models
        ],
        measure,
        said=lambda result: f"{measures[0].title} {plain(result['scores'][measures[0].name])}",
        bar=trial.bar,
    )
    found = [_scores(each, results, trial) for each in measures]
    title = f"{len(trial.folds)} folds of {trial.data}"
    _write(folder, found, title)
    plots.plot_folds(folder.plot, found[:2], title=title)
    return folder.path


def _scores(measure: Measure, results: Sequence[Result], trial: _Trial) -> Scores:
    by_model = {
        model: [each["scores"][measure.name] for each in results if each["model"] == model]
        for model in trial.models
    }
    if len(by_model) < 2:
        return Scores(measure, by_model, None)
    training, scored = trial.folds[0]
    first, second = by_model.values()
    return Scores(measure, by_model, pair(first, second, scored=len(scored), trained=len(training)))


def _write(folder: Folder, found: Sequence[Scores], title: str) -> None:
    header = ["score"]
    for model in found[0].by_model:
        header += [f"{model} mean", f"{model} std"]
    if found[0].difference:
        header += ["difference", "standard error", "cautious standard error"]
    rows: list[Sequence[Cell]] = []
    for each in found:
        row: list[Cell] = [each.measure.title]
        for values in each.by_model.values():
            row += [float(np.mean(values)), float(np.std(values, ddof=1))]
        if each.difference:
            row += [each.difference.mean, each.difference.error, each.difference.cautious_error]
        rows.append(row)
    folder.write_table(title, header, rows, text=" ".join(_finding(each) for each in found[:2]))


def _finding(scores: Scores) -> str:
    title, difference = scores.measure.title, scores.difference
    means = {model: float(np.mean(values)) for model, values in scores.by_model.items()}
    if difference is None:
        deviation = float(np.std(scores.by_model[NETWORK], ddof=1))
        return (
            f"{title}: {plain(means[NETWORK])}, standard deviation over folds {plain(deviation)}."
        )
    says = {
        1: "the network is better by more than chance would explain",
        -1: "the boosted trees are better by more than chance would explain",
        0: "which may be chance",
    }[verdict(difference, larger_is_better=scores.measure.larger_is_better)]
    return (
        f"{title}: {plain(means[NETWORK])} of the network, {plain(means[TREES])} of scikit-learn's "
        f"boosted trees; paired difference {signed(difference.mean)}, standard error "
        f"{plain(difference.error)} over folds ({plain(difference.cautious_error)} as they share "
        f"training rows): {says}."
    )
