"""A multilayer perceptron on the rows of a table, as a tutorial would build it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.architectures.heads import Head
from training.architectures.hidden import Hidden
from training.architectures.table_inputs import (
    code_input,
    joined,
    number_input,
    pick_columns,
    vocabulary_sizes,
)
from training.datasets.tables import Rows
from vitrine.signature import ColumnSpec

Floats = NDArray[np.float32]


def plain_table_network(
    rows: Rows, specs: Sequence[ColumnSpec], head: Head, hidden: Hidden
) -> keras.Model:
    """Build a multilayer perceptron that takes raw rows.

    A missing number becomes the median of training, with a mark beside it. Numbers are
    standardised, and categories are one-hot encoded.

    Args:
        rows: Training rows, for medians, means and spreads.
        specs: Columns of the signature.
        head: The last layer.
        hidden: The hidden layers.

    Returns:
        A model with the inputs `numbers` and `categories`, each of which is absent where there are
        no such columns. Its outputs are those of the head, and `features`, the last hidden layer.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns); features:
        (n, width).
    """
    inputs: dict[str, Any] = {}
    parts: list[Any] = []
    if columns := rows.numbers.shape[1]:
        inputs["numbers"] = number_input(columns)
        parts += _standardised(inputs["numbers"], rows.numbers)
    if sizes := vocabulary_sizes(specs):
        inputs["categories"] = code_input(len(sizes))
        parts.append(_one_hot(inputs["categories"], rows.categories))
    features = hidden(joined(parts))
    return keras.Model(inputs, {**head(features), "features": features}, name="rows")


def _standardised(numbers: Any, seen: Floats) -> list[Any]:
    """Return numbers of mean 0 and spread 1 in training, and marks of missing ones."""
    medians, mean, spread = _statistics(seen)
    missing = ops.isnan(numbers)
    scale = layers.Rescaling((1 / spread).tolist(), (-mean / spread).tolist())
    parts = [scale(ops.where(missing, medians, numbers))]
    # A column that training always had gets no mark: its weights would not be learned.
    sometimes_missing = np.flatnonzero(np.isnan(seen).any(axis=0))
    if len(sometimes_missing):
        marks = ops.cast(missing, "float32")
        parts.append(ops.take(marks, sometimes_missing.tolist(), axis=1))
    return parts


def _statistics(
    seen: Floats,
) -> tuple[Floats, NDArray[np.float64], NDArray[np.float64]]:
    """Return medians, means and spreads of the training numbers, column by column."""
    known = np.where(np.isnan(seen).all(axis=0), np.float32(0), seen)
    medians = np.nanmedian(known, axis=0).astype(np.float32)
    filled = np.where(np.isnan(known), medians, known).astype(np.float64)
    spread = filled.std(axis=0)
    return medians, filled.mean(axis=0), np.where(spread > 0, spread, 1.0)


def _one_hot(codes: Any, seen: NDArray[np.int32]) -> Any:
    """Encode the codes that training saw; the weights of others would not be learned.

    Shapes:
        codes, seen: (n, columns); result: (n, distinct codes of all columns).
    """
    distinct = [np.unique(column) for column in seen.T]
    columns = np.repeat(np.arange(len(distinct)), [len(each) for each in distinct])
    repeated = pick_columns(ops.cast(codes, "float32"), columns)
    encoded = ops.equal(repeated, np.concatenate(distinct).astype(np.float32))
    return ops.cast(encoded, "float32")
