"""Reference distributions of inputs and predictions, against which the service measures drift."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine import drift
from vitrine.bundle import Reference
from vitrine.signature import FIRST_CODE, CategoryInput, ColumnSpec, Instances
from vitrine.tables.cells import encode_texts

_BINS = 10
# Ten bins of equal counts would all lie above 0.999 for a network that is nearly always sure.
_PROBABILITY_EDGES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)


def number_reference(
    values: NDArray[np.floating[Any]], edges: tuple[float, ...] | None = None
) -> Reference:
    """Count numbers into bins.

    Args:
        values: Numbers, NaN where one is missing.
        edges: Inner edges of the bins, ascending; by default those of ten bins that hold about
            equally many numbers.
    """
    edges = _equal_edges(values) if edges is None else edges
    counts = np.bincount(drift.bin_indices(values, edges), minlength=len(edges) + 2)
    return Reference(edges=edges, counts=tuple(counts.tolist()))


def _equal_edges(values: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    known = values[~np.isnan(values)]
    shares = np.linspace(0, 1, _BINS + 1)[1:-1]
    quantiles = np.quantile(known, shares) if len(known) else np.empty(0)
    return tuple(np.unique(quantiles.astype(np.float32)).tolist())


def category_reference(codes: NDArray[np.integer[Any]], vocabulary: tuple[str, ...]) -> Reference:
    """Count the codes of a category: missing, other, then the vocabulary in order."""
    counts = np.bincount(codes, minlength=FIRST_CODE + len(vocabulary))
    return Reference(edges=None, counts=tuple(counts.tolist()))


def table_references(instances: Instances, specs: Sequence[ColumnSpec]) -> dict[str, Reference]:
    """Count each column of raw rows into bins.

    Args:
        instances: Raw rows; a column that they lack gets no reference.
        specs: Columns of the signature.
    """
    return {
        spec.name: _column_reference(spec, instances[spec.name])
        for spec in specs
        if spec.name in instances
    }


def _column_reference(spec: ColumnSpec, raw: NDArray[Any]) -> Reference:
    if isinstance(spec, CategoryInput):
        return category_reference(encode_texts(raw, spec.codes), spec.vocabulary)
    return number_reference(raw.astype(np.float32))


def picture_references(pixels: NDArray[np.uint8], *, inked: bool) -> dict[str, Reference]:
    """Count pictures by measures of their ink or light.

    Args:
        pixels: Pictures of the training part, levels in [0, 255], in the network's geometry.
        inked: Whether they show ink on black.

    Shapes:
        pixels: (n, height, width, channels).
    """
    measures = drift.picture_measures(pixels, inked=inked)
    return {name: number_reference(values) for name, values in measures.items()}


def prediction_references(
    probabilities: NDArray[np.float32], labels: tuple[str, ...]
) -> dict[str, Reference]:
    """Count predictions by their most probable label, and by its probability.

    Args:
        probabilities: Predictions for instances that did not train; for those that did, a network
            is too sure.
        labels: Class labels in the order of their codes.

    Shapes:
        probabilities: (n, classes).
    """
    codes = probabilities.argmax(axis=1) + FIRST_CODE
    return {
        "label": category_reference(codes, labels),
        "probability": number_reference(probabilities.max(axis=1), _PROBABILITY_EDGES),
    }
