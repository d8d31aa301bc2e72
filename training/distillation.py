"""Train a small Keras network on a table, taught by an ensemble of trees.

Trees and nearest neighbours learn a table better than a network does, but they cannot be served as
one. So they teach: an ensemble fitted on other folds labels many synthetic rows, and a network of a
few thousand multiply-adds learns those labels beside the true ones. Labels are values, or the
probabilities of classes.

References:
    Bucila, Caruana, Niculescu-Mizil (2006), Model compression. doi:10.1145/1150402.1150464
    Hinton, Vinyals, Dean (2015), Distilling the knowledge in a neural network. arXiv:1503.02531
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from catboost import CatBoostClassifier, CatBoostRegressor
from numpy.typing import NDArray
from scipy.optimize import nnls  # type: ignore[import-untyped]
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.datasets.tables import Rows
from training.embeddings import Pair, with_calendar

Floats = NDArray[np.float32]
Targets = NDArray[np.float64]
# Values, or the codes of class labels.
Truth = NDArray[Any]


@dataclass(frozen=True)
class Neighbourhood:
    """What the rows nearest by one pair of columns had as values.

    Args:
        places: Where the known rows are.
        values: What they have: targets and what simpler models left unexplained.

    Shapes:
        `places` (n, 2), `values` (n, kinds).
    """

    places: NDArray[np.float64]
    values: NDArray[np.float64]
    near: NearestNeighbors = field(init=False, repr=False, compare=False)

    COUNTS = (1, 3, 5, 10, 30)

    def __post_init__(self) -> None:
        object.__setattr__(self, "near", NearestNeighbors(algorithm="kd_tree").fit(self.places))

    def describe(self, places: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Summarise the neighbours of each place: weighted means, spread, distance.

        Args:
            places: Where to look; the known rows themselves if none are given, and then none of
                them is its own neighbour.
        """
        count = min(max(self.COUNTS), len(self.places) - 1)
        distance, index = self.near.kneighbors(places, count)
        values = self.values[index]
        means = [_weighted_mean(distance[:, :k], values[:, :k]) for k in self.COUNTS]
        return np.hstack([*means, values[:, :10].std(axis=1), distance[:, [min(4, count - 1)]]])


def _weighted_mean(
    distance: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average by inverse distance, softened so that a twin does not decide alone."""
    weight = 1 / (distance + 0.3 * distance.mean(axis=1, keepdims=True) + 1e-9)
    weight /= weight.sum(axis=1, keepdims=True)
    mean: NDArray[np.float64] = np.einsum("nk,nkv->nv", weight, values)
    return mean


@dataclass(frozen=True)
class Scale:
    """Medians, means and spreads of numeric columns, learned from training rows."""

    median: Targets
    mean: Targets
    spread: Targets

    @classmethod
    def of(cls, numbers: Floats) -> "Scale":
        """Measure `numbers`; a column without a value counts as zeros."""
        empty = np.isnan(numbers).all(axis=0)
        median = np.nanmedian(np.where(empty, 0, numbers).astype(np.float64), axis=0)
        filled = np.where(np.isnan(numbers), median, numbers)
        return cls(median, filled.mean(axis=0), filled.std(axis=0) + 1e-12)

    def standardise(self, numbers: Floats) -> NDArray[np.float64]:
        """Fill blanks with medians, then centre and scale."""
        filled = np.where(np.isnan(numbers), self.median, numbers)
        return np.asarray((filled - self.mean) / self.spread)


def _catboost(build: Any, seed: int, *, iterations: int, threads: int, **options: Any) -> Any:
    return build(
        iterations=iterations,
        random_seed=seed,
        thread_count=threads,
        verbose=0,
        allow_writing_files=False,
        **options,
    )


def _fit_trees(trees: Any, features: Any, target: Truth, **options: Any) -> Any:
    """Fit CatBoost's trees, or, where nothing differs, which these refuse, a constant answer."""
    if np.ptp(target) and pd.DataFrame(features).nunique(dropna=False).max() > 1:
        return trees.fit(features, target, **options)
    constant = DummyRegressor if isinstance(trees, CatBoostRegressor) else DummyClassifier
    return constant().fit(features, target)


def unexplained(rows: Rows, target: Targets, *, seed: int, threads: int = 1) -> Targets:
    """Return what quick trees, fitted on other folds, leave of each target."""
    folds = KFold(_fold_count(len(rows), 4), shuffle=True, random_state=seed)
    flat = np.hstack([rows.numbers, rows.categories])
    left = target.astype(np.float64)
    for inside, outside in folds.split(flat):
        trees = _catboost(
            CatBoostRegressor, seed, iterations=200, threads=threads, learning_rate=0.1
        )
        left[outside] -= _fit_trees(trees, flat[inside], target[inside]).predict(flat[outside])
    return left


def _fold_count(rows: int, wanted: int) -> int:
    return max(2, min(wanted, rows // 4))


def important_columns(rows: Rows, target: Truth, *, seed: int, most: int) -> list[int]:
    """Return the numeric columns that quick trees use most, the most used first."""
    if rows.numbers.shape[1] == 0:
        return []
    build = CatBoostClassifier if _is_codes(target) else CatBoostRegressor
    trees = _fit_trees(_catboost(build, seed, iterations=100, threads=1), rows.numbers, target)
    if isinstance(trees, DummyClassifier | DummyRegressor):
        return []
    order = np.argsort(-trees.get_feature_importance(), kind="stable")
    return [int(column) for column in order[:most]]


def related_pairs(
    rows: Rows, residual: Targets, columns: Sequence[int], *, least: float = 0.1, most: int = 2
) -> list[Pair]:
    """Find pairs of numbers whose neighbours share what trees could not explain.

    Longitude and latitude do; most pairs do not. A column is used in one pair only.

    Args:
        rows: Training rows.
        residual: What is left of their targets.
        columns: Numeric columns to try.
        least: Correlation of a row's residual with its ten neighbours' that counts as related.
        most: How many pairs at most, the best first.
    """
    if len(rows) < 500:  # 0.1 is then within two standard errors of nothing
        return []
    places = Scale.of(rows.numbers).standardise(rows.numbers)
    scores: dict[Pair, float] = {}
    for first, second in combinations(sorted(columns), 2):
        near = Neighbourhood(places[:, [first, second]], residual[:, None])
        guess = near.describe()[:, Neighbourhood.COUNTS.index(10)]
        if guess.std() > 0:
            scores[first, second] = float(np.corrcoef(guess, residual)[0, 1])
    found: list[Pair] = []
    for pair in sorted(scores, key=scores.__getitem__, reverse=True)[:20]:
        if scores[pair] >= least and not set(pair) & {c for other in found for c in other}:
            found.append(pair)
    return found[:most]


@dataclass(frozen=True)
class Features:
    """Columns a teacher learns from: raw ones, neighbours, rotated pairs, ratios."""

    scale: Scale
    pairs: Sequence[Pair]
    ratios: Sequence[Pair]
    neighbourhoods: Sequence[Neighbourhood]

    @classmethod
    def learn(
        cls, rows: Rows, values: NDArray[np.float64], pairs: Sequence[Pair], ratios: Sequence[Pair]
    ) -> "Features":
        """Remember training rows and their `values` (targets and residuals)."""
        scale = Scale.of(rows.numbers)
        places = scale.standardise(rows.numbers)
        near = [Neighbourhood(places[:, list(pair)], values) for pair in pairs]
        return cls(scale, pairs, ratios, near)

    def make(self, rows: Rows, *, known: bool = False) -> Floats:
        """Return the features of `rows`; `known` where they are the rows learned from."""
        places = self.scale.standardise(rows.numbers)
        parts: list[NDArray[Any]] = [rows.numbers]
        for pair, near in zip(self.pairs, self.neighbourhoods, strict=True):
            place = places[:, list(pair)]
            parts += [near.describe(None if known else place), _rotate(place)]
        for above, below in self.ratios:
            floor = 1e-3 * self.scale.spread[below]
            parts.append(rows.numbers[:, [above]] / (np.abs(rows.numbers[:, [below]]) + floor))
        return np.hstack(parts).astype(np.float32)


def _rotate(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project onto seven oblique axes, where trees can cut a map as it runs."""
    angles = np.pi / 8 * np.arange(1, 8)
    return np.asarray(place @ np.stack([np.cos(angles), np.sin(angles)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much the teachers may learn and tell.

    Attributes:
        boosted_trees: In the boosted ensemble.
        random_trees: In the randomised one.
        synthetic_rows: Labelled, at most: 40 a true row, but 20 000 for the smallest table.
    """

    boosted_trees: int = 1500
    random_trees: int = 200
    synthetic_rows: int = 400_000


class Teacher:
    """Boosted trees, randomised trees and a linear model on the same features.

    Args:
        features: What they learn from.
        outputs: 1 for values; how many classes there are, for probabilities of them.
        sizes: How much they may learn.
        seed: Of their random choices.
        threads: Cores to use.
    """

    def __init__(
        self, features: Features, outputs: int, sizes: Sizes, *, seed: int, threads: int = 1
    ) -> None:
        self.features, self.outputs = features, outputs
        is_value = outputs == 1
        # Of classes CatBoost chooses the rate by rows and rounds, so that fewer rounds do as well.
        rate = {"learning_rate": 0.06} if is_value else {}
        rounds = sizes.boosted_trees if is_value else max(1, sizes.boosted_trees // 3)
        self.trees = _catboost(
            CatBoostRegressor if is_value else CatBoostClassifier,
            seed,
            iterations=rounds,
            threads=threads,
            rsm=0.5,
            **rate,
        )
        forest = ExtraTreesRegressor if is_value else ExtraTreesClassifier
        self.forest = forest(
            sizes.random_trees,
            min_samples_leaf=2,
            max_features=0.5,
            n_jobs=threads,
            random_state=seed,
        )

    def fit(self, rows: Rows, target: Truth) -> "Teacher":
        """Learn `rows`, the ones that the features remember."""
        flat = self._flatten(rows, known=True)
        codes = list(range(flat.shape[1] - rows.categories.shape[1], flat.shape[1]))
        self.linear = _linear_model(rows, target, is_value=self.outputs == 1)
        self.trees = _fit_trees(self.trees, self._frame(flat, codes), target, cat_features=codes)
        self.codes = codes
        self.forest.fit(flat, target)
        self.linear.fit(np.hstack([rows.numbers, rows.categories]), target)
        return self

    def predict(self, rows: Rows) -> NDArray[np.float64]:
        """Return each member's prediction.

        Shapes:
            (n, 3, outputs): boosted trees, randomised trees, linear.
        """
        flat = self._flatten(rows, known=False)
        said = [
            self._said(self.trees, self._frame(flat, self.codes)),
            self._said(self.forest, flat),
            self._said(self.linear, np.hstack([rows.numbers, rows.categories])),
        ]
        return np.stack(said, axis=1)

    def _said(self, member: Any, features: Any) -> NDArray[np.float64]:
        if self.outputs == 1:
            return np.asarray(member.predict(features))[:, np.newaxis]
        said = np.zeros((len(features), self.outputs))  # a fold may lack a class
        said[:, np.ravel(member.classes_).astype(int)] = member.predict_proba(features)
        return said

    def _flatten(self, rows: Rows, *, known: bool) -> Floats:
        made = self.features.make(rows, known=known)
        return np.hstack([made, rows.categories]).astype(np.float32)

    @staticmethod
    def _frame(flat: Floats, codes: Sequence[int]) -> Any:
        """Wrap the columns so that the codes are integers, as CatBoost asks of categories."""
        frame = pd.DataFrame(flat)
        return frame.astype(dict.fromkeys(codes, np.int32))


def _linear_model(rows: Rows, target: Truth, *, is_value: bool) -> Any:
    if not is_value and not np.ptp(target):
        return DummyClassifier()
    columns = rows.numbers.shape[1]
    everything = columns + rows.categories.shape[1]
    prepare = make_column_transformer(
        (
            make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
            list(range(columns)),
        ),
        (OneHotEncoder(handle_unknown="ignore"), list(range(columns, everything))),
    )
    last = RidgeCV(np.logspace(-2, 4, 13)) if is_value else LogisticRegression(max_iter=1000)
    return make_pipeline(prepare, last)


def synthesise(rows: Rows, count: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.intp]]:
    """Make rows between real ones: each is a parent moved towards one of its eight neighbours.

    Half of them lie on the line between the two, half take each column from either.

    Returns:
        The rows, and the index of each one's parent.

    References:
        Bucila, Caruana, Niculescu-Mizil (2006), section 3.3 (MUNGE), whose swaps these are.
    """
    near = min(8, len(rows) - 1)
    neighbours = NearestNeighbors(n_neighbors=near).fit(_places(rows, rng)).kneighbors()[1]
    parent = np.arange(count) % len(rows)
    other = neighbours[parent, rng.integers(0, near, count)]
    columns = rows.numbers.shape[1]
    along = rng.random((count, 1)) * np.ones(columns)
    swapped = rng.random((count, columns)) < 0.5
    share = np.where(rng.random((count, 1)) < 0.5, along, swapped).astype(np.float32)
    here, there = rows.numbers[parent], rows.numbers[other]
    mixed = here + share * (there - here)
    whole = np.where(share > 0.5, there, here)
    numbers = np.where(np.isnan(mixed), whole, mixed)
    pick = rng.random((count, rows.categories.shape[1])) < 0.5
    categories = np.where(pick, rows.categories[other], rows.categories[parent])
    return Rows(numbers, categories), parent


def _places(rows: Rows, rng: np.random.Generator) -> NDArray[np.float64]:
    """Put rows in a space where any two categories are about two spreads of a number apart."""
    numbers = Scale.of(rows.numbers).standardise(rows.numbers)
    directions = rng.normal(size=(int(rows.categories.max(initial=0)) + 1, 3))
    return np.hstack([numbers, directions[rows.categories].reshape(len(rows), -1)])


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Rows, and by how much their values exceed what was said by who had not learned from them.

    Shapes:
        residuals: (rows,).
    """

    rows: Rows
    residuals: Targets

    @property
    def rmse(self) -> float:
        """Root mean square error of what was said."""
        return float(np.sqrt(np.mean(self.residuals**2)))


@dataclass(frozen=True)
class Lesson:
    """What a network is to learn: rows and their targets.

    Attributes:
        member_weights: The share of boosted trees, randomised trees and linear model.
        unexplained: What the teachers left of true values; None of class labels.

    Shapes:
        target: (n,) values or (n, classes) probabilities.
    """

    rows: Rows
    target: Targets
    pairs: Sequence[Pair]
    member_weights: Sequence[float]
    unexplained: Unexplained | None


MOST_TAUGHT_ROWS = 60_000
FOLDS = 5
_LEAST_PROBABILITY = 1e-6


def prepare_lesson(
    rows: Rows,
    target: Truth,
    *,
    seed: int,
    dates: Sequence[int] = (),
    sizes: Sizes = Sizes(),
    threads: int = 1,
) -> Lesson:
    """Fit teachers on the training rows and let them label synthetic ones.

    What a teacher says of a row it was fitted on repeats that row's noise, so a synthetic row is
    labelled by the teacher that has not seen its parent.

    Args:
        rows: That train.
        target: Their values, or the codes of their class labels.
        seed: Of every random choice.
        dates: Which number columns are dates.
        sizes: How much the teachers may learn and tell.
        threads: Cores to use.
    """
    rng = np.random.default_rng(seed)
    every_row, every_target = rows, target
    if len(rows) > MOST_TAUGHT_ROWS:
        chosen = rng.choice(len(rows), MOST_TAUGHT_ROWS, replace=False)
        rows, target = rows.take(chosen), target[chosen]
    known = with_calendar(rows, dates)
    columns = important_columns(known, target, seed=seed, most=12)
    residual = np.zeros(len(rows))
    pairs: list[Pair] = []
    if not _is_codes(target):
        residual = unexplained(known, target, seed=seed, threads=threads)
        pairs = related_pairs(known, residual, columns)
    ratios = _ratios(columns, pairs)
    synthetic, parent = synthesise(rows, _count(len(rows), sizes.synthetic_rows), rng)
    asked = with_calendar(synthetic, dates)
    values = np.stack([target.astype(np.float64), residual], axis=1)
    # A label that no row has is still one of two.
    outputs = max(2, int(every_target.max()) + 1) if _is_codes(target) else 1
    unseen = np.zeros((len(rows), 3, outputs))
    labels = np.zeros((len(synthetic), 3, outputs))
    for number, (inside, outside) in enumerate(_folds(target, seed=seed)):
        taught = known.take(inside)
        features = Features.learn(taught, values[inside], pairs, ratios)
        teacher = Teacher(features, outputs, sizes, seed=seed * FOLDS + number, threads=threads)
        teacher.fit(taught, target[inside])
        unseen[outside] = teacher.predict(known.take(outside))
        children = np.flatnonzero(np.isin(parent, outside))
        labels[children] = teacher.predict(asked.take(children))
    if _is_codes(target):
        weights = _class_weights(unseen[np.arange(len(target)), :, target])
        said, truth = np.einsum("nmk,m->nk", labels, weights), np.eye(outputs)[every_target]
        left = None
    else:
        weights = _value_weights(unseen[..., 0], target)
        said, truth = labels[..., 0] @ weights, every_target
        left = Unexplained(rows, target - unseen[..., 0] @ weights)
    return Lesson(
        *_with_true_rows(synthetic, said, every_row, truth),
        pairs=pairs,
        member_weights=weights.tolist(),
        unexplained=left,
    )


def prepare_labels_lesson(rows: Rows, target: Floats, **options: Any) -> Lesson:
    """Prepare a lesson about several labels, each taught by itself.

    Args:
        rows: That train.
        target: Which labels each row has, 0 or 1.
        **options: As `prepare_lesson` takes them.

    Shapes:
        target: (n, labels).
    """
    # The same seed makes the same synthetic rows for each.
    each = [prepare_lesson(rows, label, **options) for label in target.T.astype(np.int64)]
    return Lesson(
        each[0].rows,
        np.stack([lesson.target[:, 1] for lesson in each], axis=1),
        pairs=[],
        member_weights=np.mean([lesson.member_weights for lesson in each], axis=0).tolist(),
        unexplained=None,
    )


def _is_codes(target: Truth) -> bool:
    return target.dtype.kind == "i"


def _folds(target: Truth, *, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the places inside and outside of each fold; classes are spread evenly over them."""
    count = _fold_count(len(target), FOLDS)
    if not _is_codes(target):
        yield from KFold(count, shuffle=True, random_state=seed).split(target)
        return
    order = np.random.default_rng(seed).permutation(len(target))
    order = order[np.argsort(target[order], kind="stable")]
    number = np.empty(len(target), dtype=np.intp)
    number[order] = np.arange(len(target)) % count
    for fold in range(count):
        yield np.flatnonzero(number != fold), np.flatnonzero(number == fold)


def _count(rows: int, most: int) -> int:
    return min(most, max(20_000, 40 * rows))


def _ratios(columns: Sequence[int], pairs: Sequence[Pair]) -> list[Pair]:
    """Return the quotients of the eight most important columns; coordinates have none."""
    paired = {column for pair in pairs for column in pair}
    return list(combinations(sorted([c for c in columns if c not in paired][:8]), 2))


def _value_weights(unseen: NDArray[np.float64], target: Targets) -> NDArray[np.float64]:
    """Weigh the members by least squares on rows they have not seen, none negative."""
    weights, _ = nnls(unseen - target.mean(), target - target.mean())
    total = weights.sum()
    return np.asarray(weights / total if total > 0 else np.full(len(weights), 1 / len(weights)))


def _class_weights(of_truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weigh the members by likelihood: as a mixture, by expectation and maximisation.

    Args:
        of_truth: The probability that each gave the true label of rows it had not seen.

    Shapes:
        of_truth: (n, members).

    References:
        Dempster, Laird, Rubin (1977), Maximum likelihood from incomplete data via the EM
        algorithm, section 4.3. JSTOR 2984875
    """
    of_truth = np.maximum(of_truth, _LEAST_PROBABILITY)
    weights = np.full(of_truth.shape[1], 1 / of_truth.shape[1])
    for _ in range(200):
        shares = of_truth * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights


def _with_true_rows(
    synthetic: Rows, labels: Targets, rows: Rows, target: Targets
) -> tuple[Rows, Targets]:
    """Add the true rows, repeated until they are a tenth: the teacher may be wrong."""
    copies = max(1, len(synthetic) // (9 * len(rows)))
    return (
        Rows.joined([synthetic, *[rows] * copies]),
        np.concatenate([labels, *[target] * copies]),
    )
