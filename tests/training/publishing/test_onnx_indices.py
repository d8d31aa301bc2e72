"""Look-ups whose indices are passed on as they are."""

from pathlib import Path

import keras
import numpy as np
import onnxruntime
from keras import layers, ops

from training.publishing.onnx_export import export_network
from vitrine import bundle
from vitrine.signature import CategoryInput, Signature, ValueOutput

SIGNATURE = Signature(
    inputs=(
        CategoryInput(
            name="code",
            tensor="code",
            dtype="int32",
            shape=(1,),
            vocabulary=("a", "b"),
            blanks=False,
        ),
    ),
    outputs=(ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,), unit=None),),
)


def test_look_up_has_no_operations_for_negative_indices(tmp_path: Path) -> None:
    code = keras.Input((1,), dtype="int32", name="code")
    value = layers.Flatten()(layers.Embedding(3, 1)(code))
    network = keras.Model({"code": code}, {"value": value})

    exported = export_network(network, SIGNATURE, tmp_path)

    codes = np.array([[0], [2], [-1], [-3]], np.int32)
    session = onnxruntime.InferenceSession(tmp_path / bundle.ONNX_NAME)
    (found,) = session.run(["value"], {"code": codes})
    np.testing.assert_array_equal(found, network.predict({"code": codes}, verbose=0)["value"])
    assert {node.op_type for node in exported.graph.node} <= {"Gather", "Reshape"}


def test_look_up_of_other_sums_keeps_them(tmp_path: Path) -> None:
    code = keras.Input((1,), dtype="int32", name="code")
    index = code * ops.cast(code < 2, "int32") + (code - 2) * ops.cast(code >= 2, "int32")
    value = layers.Flatten()(layers.Embedding(3, 1)(index))
    network = keras.Model({"code": code}, {"value": value})

    export_network(network, SIGNATURE, tmp_path)

    codes = np.arange(5, dtype=np.int32)[:, np.newaxis]
    session = onnxruntime.InferenceSession(tmp_path / bundle.ONNX_NAME)
    (found,) = session.run(["value"], {"code": codes})
    np.testing.assert_array_equal(found, network.predict({"code": codes}, verbose=0)["value"])
