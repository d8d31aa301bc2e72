"""Ranges and vocabularies of columns, learned from the training rows."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.datasets.column_kinds import ColumnKinds, Texts
from vitrine.signature import CategoryInput, ColumnSpec, DateInput, Dialect, NumberInput
from vitrine.tables.dates import parse_dates
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.spelling import same_booleans

# A text that occurs once in many rows is not in the vocabulary: it is read as "other", and the
# network learns from it what "other" means.
_MIN_ROWS = 2
_MANY_ROWS = 100
_MAX_TEXTS = 254


def learn_vocabulary(texts: Texts) -> tuple[str, ...]:
    """Return the texts that occur more than by chance, in alphabetical order."""
    booleans = same_booleans(text for text in texts if text is not None)
    counts = Counter(booleans.get(text, text) for text in texts if text is not None)
    least = _MIN_ROWS if counts.total() >= _MANY_ROWS else 1
    frequent = [text for text, count in counts.most_common(_MAX_TEXTS) if count >= least]
    return tuple(sorted(frequent))


def learn_specs(
    columns: Mapping[str, Texts], kinds: ColumnKinds, dialect: Dialect
) -> tuple[ColumnSpec, ...]:
    """Learn the ranges and vocabularies of the inputs.

    Args:
        columns: Texts of the training rows by column name.
        kinds: Kinds of the columns.
        dialect: How numbers are written.
    """
    tensors = tensor_names(list(kinds.inputs))
    return tuple(
        _learn_spec(
            name, tensors[name], kind, columns[name], dialect, unit=kinds.units.get(name, "")
        )
        for name, kind in kinds.inputs.items()
    )


def _learn_spec(
    name: str, tensor: str, kind: str, texts: Texts, dialect: Dialect, *, unit: str
) -> ColumnSpec:
    if kind == "category":
        return CategoryInput(
            name=name,
            tensor=tensor,
            dtype="int32",
            shape=(1,),
            vocabulary=learn_vocabulary(texts),
            blanks=None in texts,
        )
    if kind == "number":
        values = parse_numbers(texts, dialect, unit=unit).values
        minimum, maximum, median = _range(values)
        return NumberInput(
            name=name,
            tensor=tensor,
            dtype="float32",
            shape=(1,),
            unit=unit or None,
            minimum=minimum,
            maximum=maximum,
            median=median,
            blanks=bool(np.isnan(values).any()),
        )
    values = parse_dates(texts, kind).values
    minimum, maximum, median = _range(values)
    return DateInput(
        name=name,
        tensor=tensor,
        dtype="float32",
        shape=(1,),
        format=kind,
        minimum=minimum,
        maximum=maximum,
        median=median,
        blanks=bool(np.isnan(values).any()),
    )


def _range(values: NDArray[np.float32]) -> tuple[float | None, float | None, float | None]:
    """Return minimum, maximum and median of the known values, or None for each."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None, None
    return float(known.min()), float(known.max()), float(np.median(known))


def tensor_names(names: Sequence[str]) -> dict[str, str]:
    """Give each column a name that all graph formats accept, unique even if case is ignored."""
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
