"""Random search over hyper-parameters, with cross-validation of each candidate.

Candidates are drawn and scored by the same functions that scikit-learn's RandomizedSearchCV uses.
They are scored one by one, so that an interrupted search can continue.

References:
    Bergstra, Bengio (2012), Random search for hyper-parameter optimization,
    https://jmlr.org/papers/v13/bergstra12a.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import loguniform  # type: ignore[import-untyped]
from sklearn.model_selection import ParameterSampler, cross_validate

from training.architectures.hidden import ACTIVATIONS
from training.fitting import OPTIMIZERS
from training.formatting import format_number
from training.studies import plots
from training.studies.data import StudyData
from training.studies.estimator import NetworkClassifier, NetworkRegressor
from training.studies.folds import Fold, make_folds
from training.studies.metrics import METRICS, Array, Metric, score
from training.studies.networks import LearningTask
from training.studies.results import Candidate, Parameters
from training.studies.study_folder import (
    Cell,
    MakeRuns,
    Result,
    StudyFolder,
    one_by_one,
    open_study,
)

Network = NetworkClassifier | NetworkRegressor


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """Settings of a search.

    Attributes:
        command: Command as typed, for the record.
        out: Folder of the study.
        seed: Seed of the candidates, the folds, initial weights and batches.
        iterations: Number of candidates.
        folds: Number of folds of the training part that score each candidate.
        epochs: Largest number of epochs. A candidate has all, a half, a quarter or an eighth.
        make_runs: Makes the runs, in this process or on a cluster.
    """

    command: str
    out: Path
    seed: int = 0
    iterations: int = 20
    folds: int = 3
    epochs: int = 80
    make_runs: MakeRuns = one_by_one


def parameter_distributions(epochs: int) -> Parameters:
    """Return the values or the distribution that each hyper-parameter is drawn from.

    Args:
        epochs: Largest number of epochs.
    """
    return {
        "layers": [1, 2, 3, 4],
        "units": [16, 32, 64, 128, 256],
        "activation": list(ACTIVATIONS),
        "batch_normalization": [False, True],
        "dropout": [0.0, 0.1, 0.2, 0.3, 0.5],
        "optimizer": list(OPTIMIZERS),
        "learning_rate": loguniform(1e-4, 3e-2),
        "batch_size": [16, 32, 64, 128, 256],
        "epochs": sorted({max(1, epochs // part) for part in (8, 4, 2, 1)}),
    }


def draw_candidates(config: SearchConfig) -> list[Parameters]:
    """Draw the candidates that RandomizedSearchCV would draw."""
    distributions = parameter_distributions(config.epochs)
    drawn = ParameterSampler(distributions, config.iterations, random_state=config.seed)
    return [
        {name: value.item() if isinstance(value, np.generic) else value for name, value in each}
        for each in (sorted(parameters.items()) for parameters in drawn)
    ]


def make_estimator(learning_task: LearningTask, *, seed: int, **parameters: Any) -> Network:
    """Return an unfitted scikit-learn estimator for the learning_task."""
    kind = NetworkRegressor if learning_task.task == "regression" else NetworkClassifier
    return kind(specs=learning_task.specs or None, random_state=seed, **parameters)


def make_scorer(learning_task: LearningTask) -> Callable[[Network, Array, Array], dict[str, float]]:
    """Return a function that scores a fitted network by every metric of the task."""

    def scores(network: Network, x: Array, y: Array) -> dict[str, float]:
        if isinstance(network, NetworkRegressor):
            return score(learning_task.task, network.predict(x), y)
        # A label that is missing from the training folds has probability 0.
        probabilities = np.zeros((len(x), learning_task.classes), dtype=np.float32)
        probabilities[:, network.classes_] = network.predict_proba(x)
        return score(learning_task.task, probabilities, y)

    return scores


def run(data: StudyData, config: SearchConfig) -> tuple[Path, Candidate]:
    """Score candidates on folds of the training part. The other parts are not used.

    Returns:
        The folder of the study and the best candidate.

    Raises:
        CannotTrain: The folder holds another study.
    """
    description = data.describe_study(
        "search",
        command=config.command,
        seed=config.seed,
        iterations=config.iterations,
        folds=config.folds,
        epochs=config.epochs,
    )
    folder = open_study(config.out, description)
    candidates = search(folder, data, config)
    title = f"Random search on {data.name}"
    metrics = METRICS[data.learning_task.task]
    _write_table(folder, candidates, metrics, title)
    plots.plot_search(folder.plot, candidates, metrics[0], title=title)
    return folder.path, candidates[0]


def search(folder: StudyFolder, data: StudyData, config: SearchConfig) -> list[Candidate]:
    """Return the candidates, the best one first."""
    drawn = draw_candidates(config)
    folds = make_folds(data.learning_task.task, data.train.y, folds=config.folds, seed=config.seed)
    metrics = METRICS[data.learning_task.task]
    results = folder.run(
        [{"candidate": number} for number in range(1, len(drawn) + 1)],
        lambda key: _cross_validate(data, drawn[key["candidate"] - 1], folds, seed=config.seed),
        summarize=lambda result: _summary(result, metrics[0]),
        make_runs=config.make_runs,
    )
    candidates = [
        Candidate(result["parameters"], result["scores"], result["seconds"]) for result in results
    ]
    return rank_candidates(candidates, metrics)


def _cross_validate(
    data: StudyData, parameters: Parameters, folds: Sequence[Fold], *, seed: int
) -> Result:
    learning_task = data.learning_task
    by_scorer = cross_validate(
        make_estimator(learning_task, seed=seed, **parameters),
        data.train.x,
        data.train.y,
        cv=folds,
        scoring=make_scorer(learning_task),
        error_score="raise",
    )
    scores = {
        metric.name: by_scorer[f"test_{metric.name}"].tolist()
        for metric in METRICS[learning_task.task]
    }
    return {"parameters": parameters, "scores": scores}


def _summary(result: Result, metric: Metric) -> str:
    mean = float(np.mean(result["scores"][metric.name]))
    return f"{metric.title} {format_number(mean)} with {_parameters_text(result['parameters'])}"


def rank_candidates(candidates: Sequence[Candidate], metrics: Sequence[Metric]) -> list[Candidate]:
    """Return the candidates, the best by the first metric first.

    Candidates that did not converge come last.
    """

    def rank(candidate: Candidate) -> list[float]:
        values = [-metric.sign * candidate.mean(metric) for metric in metrics]
        return [value if np.isfinite(value) else np.inf for value in values]

    return sorted(candidates, key=rank)


def _parameters_text(parameters: Parameters) -> str:
    return ", ".join(f"{name} {_value_text(value)}" for name, value in parameters.items())


def _value_text(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _write_table(
    folder: StudyFolder, candidates: Sequence[Candidate], metrics: Sequence[Metric], title: str
) -> None:
    names = list(candidates[0].parameters)
    header = ["rank"]
    for metric in metrics[:2]:
        header += [f"{metric.name} mean", f"{metric.name} std"]
    rows: list[Sequence[Cell]] = []
    for rank, candidate in enumerate(candidates, start=1):
        scores: list[Cell] = []
        for metric in metrics[:2]:
            scores += [candidate.mean(metric), candidate.deviation(metric)]
        values = (candidate.parameters[name] for name in names)
        rows.append([rank, *scores, *values, candidate.seconds])
    text = _finding(candidates, metrics[0])
    folder.write_table(title, [*header, *names, "seconds"], rows, text=text)


def _finding(candidates: Sequence[Candidate], metric: Metric) -> str:
    best, count = candidates[0], len(candidates)
    first = "The only candidate" if count == 1 else f"The best of {count} candidates"
    return (
        f"{first} has {metric.title} {format_number(best.mean(metric))}, with a standard "
        f"deviation of {format_number(best.deviation(metric))} over "
        f"{len(best.scores[metric.name])} folds. Its hyper-parameters are: "
        f"{_parameters_text(best.parameters)}. The best of many candidates is partly lucky; "
        "its score on new data will be a little worse."
    )
