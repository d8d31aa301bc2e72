"""What each column of a table is: number, date, category, or nothing to learn from.

Kinds are told from the texts alone, never from the target; ranges and vocabularies are learned
from the rows that train. Knows nothing of networks.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata  # type: ignore[import-untyped]
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from training.errors import CannotTrain
from vitrine.errors import nearest, shown
from vitrine.signature import CategoryInput, ColumnSpec, DateInput, Dialect, NumberInput
from vitrine.tables.cells import find_date_formats, parse_dates, parse_numbers

Texts = Sequence[str | None]

# Beyond this share of different texts, a text says which row it is, not what kind.
_UNIQUE_SHARE = 0.5
# Identifiers may repeat a little, as where files were put together.
_IDENTIFIER_SHARE = 0.95
_LEAST_NUMBERED = 10
_IDENTIFIER_NAME = re.compile(
    r"(^|.* )(id|uid|guid|uuid|key|index|idx|row|nr|no|number|num|unnamed \d+)|column \d+"
)
# A text that came once in many rows is read as "other", and trains what that means.
_LEAST_ROWS = 2
_MANY_ROWS = 100
_MOST_TEXTS = 254
# Where half of the rows hold texts that hardly ever come again, there is little to learn.
_FREQUENT_ROWS = 3
_FREQUENT_SHARE = 1e-3
_LEAST_COVERED = 0.5
_MOSTLY_NUMBERS = 0.9
# A column that alone explains so much of the target is likely to have been made from it.
_LEAK_R2 = 0.99
_LEAK_ROWS = 20_000
# Chance that a value always coming with the rarer of two outcomes does so by accident.
_LEAK_CHANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the person at the terminal knows better than the texts tell."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, str]:
        """The kind by column name."""
        return {
            **dict.fromkeys(self.numeric, "number"),
            **dict.fromkeys(self.categorical, "category"),
            **dict.fromkeys(self.dates, "date"),
            **dict.fromkeys(self.ignored, "ignored"),
        }


@dataclass(frozen=True, slots=True)
class Kinds:
    """What the columns are.

    Attributes:
        kept: "number", "category" or the format of a date, by column name, in the file's order.
        left_out: Why a column is no input, by its name.
    """

    kept: dict[str, str]
    left_out: dict[str, str]


def tell_kinds(columns: Mapping[str, Texts], dialect: Dialect, overrides: Overrides) -> Kinds:
    """Tell what each column is.

    Args:
        columns: Texts by name, blank as None; the target is not among them.
        dialect: How numbers are written.
        overrides: Kinds that are given.

    Raises:
        CannotTrain: An override names no column or does not fit its texts, or nothing is left.
    """
    given = overrides.kinds
    for name in given:
        if name not in columns:
            raise CannotTrain(f"There is no column {shown(name)}.{nearest(name, columns)}")
    kept, left_out = {}, {}
    for name, texts in columns.items():
        if name in given:
            kind, reason = _given_kind(name, given[name], texts, dialect)
        else:
            kind, reason = _tell_kind(name, texts, dialect)
        if kind is None:
            left_out[name] = reason
        else:
            kept[name] = kind
    if not kept:
        raise CannotTrain("No column is left to learn from.")
    return Kinds(kept, left_out)


def _given_kind(name: str, kind: str, texts: Texts, dialect: Dialect) -> tuple[str | None, str]:
    if kind == "ignored":
        return None, "left out by --ignore"
    if kind == "number":
        faults = parse_numbers(texts, dialect).faults
        if faults:
            place = min(faults)
            raise CannotTrain(
                f"Column {shown(name)} cannot be --numeric: data row {place + 1} {faults[place]}. "
                f"Received: {shown(texts[place])}."
            )
    if kind == "date":
        formats = find_date_formats(texts)
        if not formats:
            raise CannotTrain(f"Column {shown(name)} cannot be --date: no known format fits it.")
        return formats[0], ""
    return kind, ""


def _tell_kind(name: str, texts: Texts, dialect: Dialect) -> tuple[str | None, str]:
    known = [text for text in texts if text is not None]
    distinct = set(known)
    if not known:
        return None, "every value is blank"
    if len(distinct) == 1 and len(known) == len(texts):
        return None, f"every value is {shown(known[0])}"
    parsed = parse_numbers(known, dialect)
    if not parsed.faults:
        reason = _identifier(name, known)
        return (None, reason) if reason else ("number", "")
    formats = find_date_formats(distinct)
    if formats:
        return formats[0], ""
    if len(parsed.faults) <= (1 - _MOSTLY_NUMBERS) * len(known):
        text = known[min(parsed.faults)]
        return None, f"text such as {shown(text)} among numbers; blank it, or say --categorical"
    if len(distinct) > _UNIQUE_SHARE * len(known):
        return None, f"near-unique text: {len(distinct)} different in {len(known)} rows"
    if _share_of_frequent(known) < _LEAST_COVERED:
        return None, f"mostly rare text: {len(distinct)} different in {len(known)} rows"
    return "category", ""


def _identifier(name: str, known: Sequence[str]) -> str:
    """Return why numbers only say which row they stand in, or nothing."""
    if len(known) < _LEAST_NUMBERED or not all(re.fullmatch(r"[+-]?\d+", text) for text in known):
        return ""
    values = sorted({int(text) for text in known})
    if values[0] in {0, 1} and values == list(range(values[0], values[0] + len(known))):
        return "row number"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = re.sub(r"[^a-z0-9]+", " ", words).strip()
    if len(values) >= _IDENTIFIER_SHARE * len(known) and _IDENTIFIER_NAME.fullmatch(words):
        return f"identifier: {len(values)} different whole numbers in {len(known)} rows"
    return ""


def _share_of_frequent(known: Sequence[str]) -> float:
    least = max(_FREQUENT_ROWS, _FREQUENT_SHARE * len(known)) if len(known) >= _MANY_ROWS else 1
    return sum(count for count in Counter(known).values() if count >= least) / len(known)


def vocabulary_of(texts: Texts) -> tuple[str, ...]:
    """List the texts that came more than by chance, in alphabetical order."""
    counts = Counter(text for text in texts if text is not None)
    least = _LEAST_ROWS if counts.total() >= _MANY_ROWS else 1
    frequent = [text for text, count in counts.most_common(_MOST_TEXTS) if count >= least]
    return tuple(sorted(frequent))


def learn_specs(
    columns: Mapping[str, Texts], kinds: Kinds, dialect: Dialect
) -> tuple[ColumnSpec, ...]:
    """Learn ranges and vocabularies from the rows that train.

    Args:
        columns: Texts of those rows by column name.
        kinds: What the columns are.
        dialect: How numbers are written.
    """
    tensors = tensor_names(list(kinds.kept))
    return tuple(
        _learn_spec(name, tensors[name], kind, columns[name], dialect)
        for name, kind in kinds.kept.items()
    )


def _learn_spec(name: str, tensor: str, kind: str, texts: Texts, dialect: Dialect) -> ColumnSpec:
    blanks = None in texts
    if kind == "category":
        return CategoryInput(
            name=name,
            tensor=tensor,
            dtype="int32",
            shape=(1,),
            vocabulary=vocabulary_of(texts),
            blanks=blanks,
        )
    if kind == "number":
        minimum, maximum, median = _range(parse_numbers(texts, dialect).values)
        return NumberInput(
            name=name,
            tensor=tensor,
            dtype="float32",
            shape=(1,),
            minimum=minimum,
            maximum=maximum,
            median=median,
            blanks=blanks,
        )
    minimum, maximum, median = _range(parse_dates(texts, kind).values)
    return DateInput(
        name=name,
        tensor=tensor,
        dtype="float32",
        shape=(1,),
        format=kind,
        minimum=minimum,
        maximum=maximum,
        median=median,
        blanks=blanks,
    )


def _range(values: NDArray[np.float32]) -> tuple[float | None, float | None, float | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None, None
    return float(known.min()), float(known.max()), float(np.median(known))


def tensor_names(names: Sequence[str]) -> dict[str, str]:
    """Give each column a name that every graph format takes, unique even in another case."""
    taken = {"value", "probabilities"}
    tensors = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
        plain = plain if re.match(r"[A-Za-z]", plain) else f"column_{plain}".rstrip("_")
        tensor, number = plain, 1
        while tensor.lower() in taken:
            number += 1
            tensor = f"{plain}_{number}"
        taken.add(tensor.lower())
        tensors[name] = tensor
    return tensors


def likely_leaks(
    instances: Mapping[str, NDArray[Any]], target: NDArray[np.float64], *, seed: int
) -> dict[str, str]:
    """Name the columns that all but give the target away, with how they do.

    Args:
        instances: Raw values of the rows that train, by column name.
        target: Of the same rows.
        seed: Of the rows looked at, where there are many.
    """
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(target))[:_LEAK_ROWS]
    found = {}
    for name, values in instances.items():
        reason = _leak(_as_numbers(values[places]), target[places])
        if reason:
            found[name] = reason
    return found


def _as_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers with blanks below all others, texts by their rank."""
    if values.dtype == object:
        texts = np.array(["" if text is None else text for text in values])
        return np.unique(texts, return_inverse=True)[1].astype(np.float64)
    numbers = values.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    lowest = known.min() - 1 if len(known) else 0.0
    return np.where(np.isnan(numbers), lowest, numbers)


def _leak(values: NDArray[np.float64], target: NDArray[np.float64]) -> str:
    if not target.std() or not values.std() or len(target) < _LEAST_NUMBERED:
        return ""
    explained = _explained(values, target)
    if len(np.unique(target)) > 2:
        # Ranks find what a few huge targets would hide, such as the target's logarithm.
        explained = max(explained, _explained(values, rankdata(target)))
    if explained > _LEAK_R2:
        return f"alone explains {explained:.2%} of the target"
    return _outcome_leak(values, target)


def _explained(values: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return the R2 of the better of a straight line and a tree on rows it has not seen."""
    straight = np.corrcoef(values, target)[0, 1] ** 2
    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    guessed = cross_val_predict(tree, values[:, np.newaxis], target, cv=folds)
    return float(max(straight, 1 - np.mean((guessed - target) ** 2) / target.var()))


def _outcome_leak(values: NDArray[np.float64], target: NDArray[np.float64]) -> str:
    """Find a value that only ever comes with the rarer of two outcomes."""
    outcomes, counts = np.unique(target, return_counts=True)
    if len(outcomes) != 2:
        return ""
    rare = outcomes[counts.argmin()]
    share = counts.min() / len(target)
    for value in np.unique(values)[:_MOST_TEXTS]:
        with_value = target[values == value]
        if np.all(with_value == rare) and share ** len(with_value) < _LEAK_CHANCE:
            return f"a value of it came {len(with_value)} times, always with the rarer outcome"
    return ""
