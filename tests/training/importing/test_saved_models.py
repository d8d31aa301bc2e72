"""A SavedModel is converted if it does nothing but compute."""

import os
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from keras import layers
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.training.importing.conftest import import_file, predict, row_network, rows
from training.errors import CannotTrain
from training.importing.options import ImportOptions
from training.importing.saved_models import check_graph
from vitrine import bundle


def test_saved_model_is_converted(tmp_path: Path) -> None:
    # TensorFlow has a gradient of its own for SiLU, and ONNX no operation for its GELU.
    hidden = [layers.Dense(4, activation=name) for name in ("silu", "gelu")]
    network = row_network(*hidden, layers.Dense(3, activation="softmax"))
    network.export(tmp_path / "own", verbose=False)

    folder = import_file(
        tmp_path / "own", tmp_path / "models", ImportOptions(labels=("a", "b", "c"))
    )

    assert set(bundle.read_manifest(folder).files) == {"MLmodel", "model.onnx", "golden.npz"}
    instances = {f"x{column + 1}": rows()[:, column] for column in range(3)}
    expected = network.predict(rows(), verbose=0)
    assert predict(folder, instances) == pytest.approx(expected, abs=1e-4)
    assert "there is no Keras network to compare with" in (folder / "CARD.md").read_text()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel that reads a file when it is called."""
    folder = tmp_path_factory.mktemp("graph")

    class Reader(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32)])  # type: ignore[untyped-decorator]
        def call(self, x: Any) -> Any:
            with tf.control_dependencies([tf.io.read_file("/etc/hostname")]):
                return tf.identity(x)

    reader = Reader()
    tf.saved_model.save(reader, str(folder), signatures=reader.call)
    return folder


def test_saved_model_that_reads_files_is_refused(graph: Path) -> None:
    with pytest.raises(CannotTrain, match="Received: 'ReadFile'"):
        check_graph(graph)


def test_saved_model_that_calls_its_saver_is_refused(tmp_path: Path) -> None:
    saved = exported(tmp_path / "own")
    graph = saved.meta_graphs[0]
    saving = graph.saver_def.save_tensor_name.split(":")[0]
    caller = next(node for node in graph.graph_def.node if node.name == saving)
    graph.graph_def.library.function[0].node_def.add().CopyFrom(caller)
    (tmp_path / "own" / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match="Received"):
        check_graph(tmp_path / "own")


def exported(folder: Path) -> SavedModel:
    """Export a network, and read its graph."""
    row_network(layers.Dense(1)).export(folder, verbose=False)
    saved = SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    return saved


def test_saved_model_with_a_table_is_refused(tmp_path: Path) -> None:
    saved = exported(tmp_path / "own")
    saved.meta_graphs[0].object_graph_def.nodes.add().resource.device = "/device:CPU:0"
    (tmp_path / "own" / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match=r"variables and functions only\. Received: 'resource'"):
        check_graph(tmp_path / "own")


def test_saved_model_that_reads_as_its_saver_does_is_refused(tmp_path: Path) -> None:
    saved = exported(tmp_path / "own")
    graph = saved.meta_graphs[0]
    saver = graph.saver_def
    its_own = {saver.save_tensor_name.split(":")[0], saver.restore_op_name.split(":")[0]}
    answering = {
        node.attr["f"].func.name
        for node in graph.graph_def.node
        if node.op == "StatefulPartitionedCall" and node.name not in its_own
    }
    for function in graph.graph_def.library.function:
        if function.signature.name in answering:
            function.node_def.add().op = "RestoreV2"
    (tmp_path / "own" / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match="Received: 'RestoreV2'"):
        check_graph(tmp_path / "own")


def test_saved_model_that_would_be_restored_as_its_saver_says_is_refused(tmp_path: Path) -> None:
    graph = SavedModel().meta_graphs.add()
    node = graph.graph_def.node.add()
    node.op = node.name = graph.saver_def.restore_op_name = "WriteFile"
    graph.signature_def["serving_default"].method_name = "predict"
    saved = SavedModel(meta_graphs=[graph])
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match="one graph that TensorFlow 2 saved"):
        check_graph(tmp_path)


def test_saved_model_that_has_no_end_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "saved_model.pb")

    with pytest.raises(CannotTrain, match="not a SavedModel"):
        check_graph(tmp_path)


def test_folder_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match="not a SavedModel"):
        check_graph(tmp_path)
