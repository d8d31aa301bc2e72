"""Rows made by code, with their predictions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.predictions import Predictions
from vitrine.signature import CategoryInput, ColumnSpec, Instances

_MIXTURES = 9


@dataclass(frozen=True, slots=True)
class GoldenRows:
    """Rows made by code.

    Attributes:
        instances: The raw rows.
        predictions: What the network predicts for them.
    """

    instances: Instances
    predictions: Predictions


def make_golden_rows(specs: tuple[ColumnSpec, ...], seen: Instances) -> Instances:
    """Make a typical row, one with all values missing, one of unknown categories, and mixtures.

    Each value of a mixture is drawn by itself, between the tenth and the ninetieth percentile of
    its column, and rounded: a row equals one of the data by chance alone.

    Args:
        specs: Columns of the signature.
        seen: Raw training rows.
    """
    rng = np.random.default_rng(0)
    return {spec.name: _make_column(spec, seen[spec.name], rng) for spec in specs}


def _make_column(spec: ColumnSpec, seen: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    if isinstance(spec, CategoryInput):
        texts = np.array([*spec.vocabulary, None], dtype=object)
        drawn = rng.choice(texts, _MIXTURES)
        return np.array([texts[0], None, "never seen", *drawn], dtype=object)
    known = seen[~np.isnan(seen)]
    known = known if len(known) else np.zeros(1)
    median, *drawn = np.quantile(known, [0.5, *rng.uniform(0.1, 0.9, _MIXTURES)])
    values = [median, np.nan, median, *drawn]
    return np.array([_rounded(value) for value in values], dtype=np.float32)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
