"""The inputs of a table's network: by kind while it learns, by column when it is served."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.datasets.tables import Rows
from vitrine.signature import FIRST_CODE, CategoryInput, ColumnSpec, DateInput

_PREDICTED_AT_ONCE = 4096


def number_input(columns: int) -> keras.KerasTensor:
    """Return the input of all number and date columns.

    Shapes:
        (n, columns).
    """
    return keras.Input((columns,), name="numbers")


def code_input(columns: int) -> keras.KerasTensor:
    """Return the input of all category columns.

    Shapes:
        (n, columns), codes.
    """
    return keras.Input((columns,), dtype="int32", name="categories")


def vocabulary_sizes(specs: Sequence[ColumnSpec]) -> list[int]:
    """Return the number of codes of each category column, missing and other included."""
    return [FIRST_CODE + len(spec.vocabulary) for spec in specs if isinstance(spec, CategoryInput)]


def date_columns(specs: Sequence[ColumnSpec]) -> list[int]:
    """Return the indices of the dates among the number columns."""
    numeric = [spec for spec in specs if not isinstance(spec, CategoryInput)]
    return [index for index, spec in enumerate(numeric) if isinstance(spec, DateInput)]


def joined(parts: Sequence[Any]) -> Any:
    """Put tensors side by side.

    Shapes:
        Each (n, width) to (n, sum of widths).
    """
    return ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]


def pick_columns(tensor: Any, indices: Sequence[int] | NDArray[np.intp]) -> Any:
    """Return columns of a tensor, as `ops.take` does; a column may be picked many times.

    ONNX Runtime is several times as fast by a product with zeros and ones as by `Gather` or by
    broadcasting.

    Shapes:
        tensor: (n, columns); result: (n, len(indices)).
    """
    return ops.matmul(tensor, picking_matrix(indices, tensor.shape[1]))


def picking_matrix(indices: Sequence[int] | NDArray[np.intp], columns: int) -> NDArray[np.float32]:
    """Return the matrix of zeros and ones by which `pick_columns` multiplies."""
    return np.eye(columns, dtype=np.float32)[:, indices]


def by_column(network: keras.Model, specs: Sequence[ColumnSpec]) -> keras.Model:
    """Give a network one named input for each column, as the signature has them.

    Args:
        network: Network with the inputs `numbers` and `categories`.
        specs: Columns of the signature.

    Shapes:
        Each input (n, 1).
    """
    inputs = {
        spec.tensor: keras.Input(spec.shape, dtype=spec.dtype, name=spec.tensor) for spec in specs
    }
    kinds: dict[str, list[Any]] = {"numbers": [], "categories": []}
    for spec in specs:
        kind = "categories" if isinstance(spec, CategoryInput) else "numbers"
        kinds[kind].append(inputs[spec.tensor])
    by_kind = {kind: joined(tensors) for kind, tensors in kinds.items() if tensors}
    return keras.Model(inputs, network(by_kind), name="table")


def predict(network: keras.Model, rows: Rows) -> dict[str, NDArray[np.float32]]:
    """Return the outputs of a network for rows, a value without its second axis.

    Shapes:
        value: (n,); any other output (n, width).
    """
    outputs: dict[str, NDArray[np.float32]] = network.predict(
        rows.tensors(), batch_size=_PREDICTED_AT_ONCE, verbose=0
    )
    return {name: output[:, 0] if name == "value" else output for name, output in outputs.items()}
