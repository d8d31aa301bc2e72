"""The exported graphs of tables: few operations, whatever the columns and the head."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from training.architectures.heads import BinaryHead, ClassesHead, Head, LabelsHead, ValueHead
from training.architectures.hidden import Hidden
from training.architectures.plain_tables import plain_table_network
from training.architectures.table_inputs import by_column
from training.architectures.tables import table_network
from training.datasets.tables import Rows
from training.publishing.onnx_export import export_network
from vitrine import bundle
from vitrine.signature import (
    CategoryInput,
    ColumnSpec,
    DateInput,
    NumberInput,
    OutputSpec,
    ProbabilitiesOutput,
    Signature,
    ValueOutput,
)

Feeds = dict[str, NDArray[np.generic]]
Build = Callable[[Rows, list[ColumnSpec], Head], keras.Model]

HEADS: dict[str, tuple[Head, str, int]] = {
    "value": (ValueHead(mean=100, spread=10), "value", 1),
    "binary": (BinaryHead(), "probabilities", 2),
    "classes": (ClassesHead(3), "probabilities", 3),
    "labels": (LabelsHead(4), "probabilities", 4),
}


def taught(rows: Rows, specs: list[ColumnSpec], head: Head) -> keras.Model:
    return table_network(rows, specs, head, pairs=[(0, 1)], multiply_adds=9_000)


def plain(rows: Rows, specs: list[ColumnSpec], head: Head) -> keras.Model:
    return plain_table_network(rows, specs, head, Hidden(units=(8, 8)))


# Most operations of a network that has every kind of column.
NETWORKS: dict[str, tuple[Build, int]] = {"taught": (taught, 86), "plain": (plain, 21)}


def columns() -> list[ColumnSpec]:
    """Describe six numbers, a date and three categories."""
    numbers = [
        NumberInput(
            name=f"n{index}",
            tensor=f"n{index}",
            dtype="float32",
            shape=(1,),
            minimum=0,
            maximum=1,
            median=0.5,
            blanks=index < 2,
        )
        for index in range(6)
    ]
    day = DateInput(
        name="day",
        tensor="day",
        dtype="float32",
        shape=(1,),
        minimum=0,
        maximum=20_000,
        median=10_000,
        format="%Y-%m-%d",
        blanks=True,
    )
    categories = [
        CategoryInput(
            name=f"c{index}",
            tensor=f"c{index}",
            dtype="int32",
            shape=(1,),
            vocabulary=("a", "b", "c"),
            blanks=True,
        )
        for index in range(3)
    ]
    return [*numbers, day, *categories]


def made_rows() -> Rows:
    """Return rows of these columns, some of whose values are missing."""
    rng = np.random.default_rng(0)
    numbers = rng.random((300, 7), dtype=np.float32)
    numbers[:, 6] *= 20_000
    numbers[rng.random(300) < 0.2, 1] = np.nan
    numbers[rng.random(300) < 0.1, 6] = np.nan
    return Rows(numbers, rng.integers(0, 5, (300, 3)).astype(np.int32))


def feeds_of(rows: Rows, specs: list[ColumnSpec]) -> Feeds:
    arrays = [*rows.numbers.T, *rows.categories.T]
    return {spec.tensor: array[:, np.newaxis] for spec, array in zip(specs, arrays, strict=True)}


def exported(build: Build, head: str, folder: Path) -> tuple[keras.Model, onnx.ModelProto]:
    layer, name, width = HEADS[head]
    specs = columns()
    network = by_column(build(made_rows(), specs, layer), specs)
    output: OutputSpec
    if name == "value":
        output = ValueOutput(name=name, tensor=name, dtype="float32", shape=(1,), unit=None)
    else:
        labels = tuple(map(str, range(width)))
        output = ProbabilitiesOutput(
            name=name, tensor=name, dtype="float32", shape=(width,), labels=labels
        )
    signature = Signature(inputs=tuple(specs), outputs=(output,))
    return network, export_network(network, signature, folder)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("build", "most"), NETWORKS.values(), ids=NETWORKS)
def test_exported_table_has_few_operations_that_give_what_keras_gives(
    tmp_path: Path, build: Build, most: int, head: str
) -> None:
    network, graph = exported(build, head, tmp_path)

    operations = Counter(node.op_type for node in graph.graph.node)
    assert operations.total() <= most, operations
    assert {each.domain for each in graph.opset_import} == {""}, "other runtimes know no more"
    feeds, name = feeds_of(made_rows(), columns()), HEADS[head][1]
    (found,) = onnxruntime.InferenceSession(tmp_path / bundle.ONNX_NAME).run([name], feeds)
    expected = network.predict(feeds, verbose=0)[name]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
