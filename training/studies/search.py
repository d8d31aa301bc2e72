"""Random search over hyper-parameters, each candidate cross-validated.

Candidates are drawn and scored as scikit-learn's RandomizedSearchCV does it, by the same functions,
but one by one, so that an interrupted search can go on.

References:
    Bergstra, Bengio (2012), Random search for hyper-parameter optimization,
    https://jmlr.org/papers/v13/bergstra12a.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import loguniform  # type: ignore[import-untyped]
from sklearn.model_selection import ParameterSampler, cross_validate

from training.architectures.hidden import ACTIVATIONS, Hidden
from training.evaluation import plain
from training.fitting import OPTIMIZERS, Fitting
from training.studies import plots
from training.studies.estimator import NetworkClassifier, NetworkRegressor
from training.studies.folds import make_folds
from training.studies.measures import MEASURES, Array, Measure, score
from training.studies.networks import Problem
from training.studies.runs import Cell, Folder, Key, Result, open_folder
from training.studies.subjects import Subject

Network = NetworkClassifier | NetworkRegressor
Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a search is made with.

    Attributes:
        command: As typed, for the record.
        out: The study's folder.
        seed: Of the candidates, the folds, initial weights and batches.
        iterations: Candidates.
        folds: Of the training part, which each candidate is scored on.
        epochs: At most; a candidate has all, a half, a quarter or an eighth of them.
    """

    command: str
    out: Path
    seed: int = 0
    iterations: int = 20
    folds: int = 3
    epochs: int = 80


@dataclass(frozen=True, slots=True)
class Candidate:
    """One choice of hyper-parameters with its scores, by measure and fold."""

    parameters: Parameters
    scores: Mapping[str, Sequence[float]]
    seconds: float

    @property
    def hidden(self) -> Hidden:
        """The hidden layers."""
        return NetworkClassifier(**self.parameters).hidden

    @property
    def fitting(self) -> Fitting:
        """How it is fitted."""
        return NetworkClassifier(**self.parameters).fitting

    def mean(self, measure: Measure) -> float:
        """Return a score's mean over folds."""
        return float(np.mean(self.scores[measure.name]))

    def deviation(self, measure: Measure) -> float:
        """Return a score's standard deviation over folds."""
        return float(np.std(self.scores[measure.name]))


def space(epochs: int) -> Parameters:
    """Return what each hyper-parameter is drawn from, evenly.

    Args:
        epochs: At most.
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


def draw(config: Config) -> list[Parameters]:
    """Draw the candidates, as RandomizedSearchCV would."""
    drawn = ParameterSampler(space(config.epochs), config.iterations, random_state=config.seed)
    return [
        {name: value.item() if isinstance(value, np.generic) else value for name, value in each}
        for each in (sorted(parameters.items()) for parameters in drawn)
    ]


def estimator(problem: Problem, *, seed: int, **parameters: Any) -> Network:
    """Return an unfitted network for scikit-learn."""
    kind = NetworkRegressor if problem.task == "regression" else NetworkClassifier
    return kind(specs=problem.specs or None, random_state=seed, **parameters)


def scorer(problem: Problem) -> Callable[[Network, Array, Array], dict[str, float]]:
    """Return what scores a fitted network by every measure of the task."""

    def scores(network: Network, x: Array, y: Array) -> dict[str, float]:
        if isinstance(network, NetworkRegressor):
            return score(problem.task, network.predict(x), y)
        # A label that no instance of the other folds has gets no probability.
        probabilities = np.zeros((len(x), problem.classes), dtype=np.float32)
        probabilities[:, network.classes_] = network.predict_proba(x)
        return score(problem.task, probabilities, y)

    return scores


def run(subject: Subject, config: Config) -> tuple[Path, Candidate]:
    """Score candidates on folds of the training part; neither validation nor test is looked at.

    Returns:
        The study's folder and the best candidate.

    Raises:
        CannotTrain: The folder holds another study.
    """
    about = subject.about(
        "search",
        command=config.command,
        seed=config.seed,
        iterations=config.iterations,
        folds=config.folds,
        epochs=config.epochs,
    )
    folder = open_folder(config.out, about)
    title = f"Random search on {subject.name}"
    measures = MEASURES[subject.problem.task]
    found = search(folder, subject, config)
    _write(folder, found, measures, title)
    plots.plot_search(folder.plot, found, measures[0], title=title)
    return folder.path, found[0]


def search(folder: Folder, subject: Subject, config: Config) -> list[Candidate]:
    """Return the candidates, the best first."""
    problem, train, candidates = subject.problem, subject.train, draw(config)
    folds = make_folds(problem.task, train.y, folds=config.folds, seed=config.seed)
    first = MEASURES[problem.task][0]

    def measure(key: Key) -> Result:
        parameters = candidates[key["candidate"] - 1]
        found = cross_validate(
            estimator(problem, seed=config.seed, **parameters),
            train.x,
            train.y,
            cv=folds,
            scoring=scorer(problem),
            error_score="raise",
        )
        scores = {each.name: found[f"test_{each.name}"].tolist() for each in MEASURES[problem.task]}
        return {"parameters": parameters, "scores": scores}

    results = folder.run(
        [{"candidate": number} for number in range(1, len(candidates) + 1)],
        measure,
        said=lambda result: (
            f"{first.title} {plain(float(np.mean(result['scores'][first.name])))} of "
            + ", ".join(f"{name} {_shown(value)}" for name, value in result["parameters"].items())
        ),
    )
    found = [Candidate(each["parameters"], each["scores"], each["seconds"]) for each in results]
    return ranked(found, MEASURES[problem.task])


def ranked(candidates: Sequence[Candidate], measures: Sequence[Measure]) -> list[Candidate]:
    """Return candidates, the best by the first measure first; what did not converge comes last."""

    def rank(candidate: Candidate) -> list[float]:
        values = [-measure.sign * candidate.mean(measure) for measure in measures]
        return [value if np.isfinite(value) else np.inf for value in values]

    return sorted(candidates, key=rank)


def _shown(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _write(
    folder: Folder, candidates: Sequence[Candidate], measures: Sequence[Measure], title: str
) -> None:
    best, measure = candidates[0], measures[0]
    names = list(best.parameters)
    header = ["rank"]
    for each_measure in measures[:2]:
        header += [f"{each_measure.name} mean", f"{each_measure.name} std"]
    rows: list[Sequence[Cell]] = []
    for rank, each in enumerate(candidates, start=1):
        scores: list[Cell] = []
        for each_measure in measures[:2]:
            scores += [each.mean(each_measure), each.deviation(each_measure)]
        rows.append([rank, *scores, *(each.parameters[name] for name in names), each.seconds])
    found = ", ".join(f"{name} {_shown(value)}" for name, value in best.parameters.items())
    folder.write_table(
        title,
        [*header, *names, "seconds"],
        rows,
        text=(
            f"Best of {len(candidates)}: {measure.title} {plain(best.mean(measure))}, standard "
            f"deviation {plain(best.deviation(measure))} over "
            f"{len(best.scores[measure.name])} folds, with "
            f"{found}. The best of many is partly lucky: its score on new data will be a little "
            "worse."
        ),
    )
