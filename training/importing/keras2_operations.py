"""An operation of TensorFlow between the layers of a Keras 2 network -> an operation of Keras 3.

Keras 2 saved such an operation as a layer that names a function of TensorFlow, and each of its
calls with that function's arguments. Functions that are not listed here stay as they are, and are
refused later.
"""

from collections.abc import Callable, Mapping
from typing import Any

# Names that Keras 2 gave to the layers of such operations.
OPERATION_LAYERS = frozenset({"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"})

_NUMPY, _NN, _CORE = "keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.core"
# Function of TensorFlow -> module and class of Keras, whose call takes the same tensors.
_OF_TWO = {
    **dict.fromkeys(("math.add", "__operators__.add", "nn.bias_add"), (_NUMPY, "Add")),
    "math.subtract": (_NUMPY, "Subtract"),
    "math.multiply": (_NUMPY, "Multiply"),
    **dict.fromkeys(("math.divide", "math.truediv"), (_NUMPY, "TrueDivide")),
    "math.maximum": (_NUMPY, "Maximum"),
    "math.minimum": (_NUMPY, "Minimum"),
    "math.pow": (_NUMPY, "Power"),
}
_OF_ONE = {
    "math.abs": (_NUMPY, "Absolute"),
    "math.exp": (_NUMPY, "Exp"),
    "math.log": (_NUMPY, "Log"),
    "math.negative": (_NUMPY, "Negative"),
    "math.sigmoid": (_NN, "Sigmoid"),
    "math.sqrt": (_NUMPY, "Sqrt"),
    "math.square": (_NUMPY, "Square"),
    "math.tanh": (_NUMPY, "Tanh"),
    "nn.relu": (_NN, "Relu"),
    "nn.relu6": (_NN, "Relu6"),
    "nn.silu": (_NN, "Silu"),
    "nn.swish": (_NN, "Silu"),
}


def _reduction(given: dict[str, Any]) -> dict[str, Any]:
    return {"axis": given.get("axis"), "keepdims": bool(given.get("keepdims"))}


# Function of TensorFlow -> module and class of Keras, and the arguments of its constructor.
_CONFIGURED: Mapping[str, tuple[str, str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "cast": (_CORE, "Cast", lambda given: {"dtype": given["dtype"]}),
    "clip_by_value": (
        _NUMPY,
        "Clip",
        lambda given: {"x_min": given["clip_value_min"], "x_max": given["clip_value_max"]},
    ),
    "concat": (_NUMPY, "Concatenate", lambda given: {"axis": given["axis"]}),
    "expand_dims": (_NUMPY, "ExpandDims", lambda given: {"axis": given["axis"]}),
    "math.reduce_max": (_NUMPY, "Max", _reduction),
    "math.reduce_mean": (_NUMPY, "Mean", _reduction),
    "math.reduce_sum": (_NUMPY, "Sum", _reduction),
    "nn.softmax": (_NN, "Softmax", lambda given: {"axis": given.get("axis", -1)}),
    "reshape": (_NUMPY, "Reshape", lambda given: {"newshape": given["shape"]}),
    **dict.fromkeys(
        ("squeeze", "compat.v1.squeeze"),
        (_NUMPY, "Squeeze", lambda given: {"axis": given.get("axis")}),
    ),
    "transpose": (_NUMPY, "Transpose", lambda given: {"axes": given["perm"]}),
}


def renew_operation(
    layer: dict[str, Any], calls: list[tuple[Any, dict[str, Any]]]
) -> dict[str, Any] | None:
    """Return an operation as Keras 3 writes it; None if it has no counterpart here.

    Args:
        layer: Layer as Keras 2 wrote it.
        calls: First argument of each call, and its other arguments by name.
    """
    function, name = layer["config"].get("function"), layer["config"]["name"]
    if function in _OF_TWO:
        arguments = [
            [_as_array(first), _as_array(given.get("y", given.get("bias")))]
            for first, given in calls
        ]
        return _operation(*_OF_TWO[function], {"name": name}, arguments)
    if function == "__operators__.getitem":
        arguments = [[first, _renew_key(given["slice_spec"])] for first, given in calls]
        return _operation(_NUMPY, "GetItem", {"name": name}, arguments)
    arguments = [[first] for first, _ in calls]
    if function in _OF_ONE:
        return _operation(*_OF_ONE[function], {"name": name}, arguments)
    if function in _CONFIGURED and len(calls) == 1:
        module, kind, configure = _CONFIGURED[function]
        return _operation(module, kind, {"name": name, **configure(calls[0][1])}, arguments)
    return None


def _as_array(value: Any) -> Any:
    """Return a constant with several numbers as an array, since an operation takes no list."""
    if not isinstance(value, list):
        return value
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}


def _operation(
    module: str, kind: str, config: dict[str, Any], calls: list[list[Any]]
) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": kind,
        "config": config,
        "registered_name": kind,
        "name": config["name"],
        "inbound_nodes": [{"args": arguments, "kwargs": {}} for arguments in calls],
    }


def _renew_key(key: list[Any]) -> list[Any]:
    return [_renew_index(index) for index in key]


def _renew_index(index: Any) -> Any:
    if not isinstance(index, dict):
        return index
    if "start" in index:
        return {"class_name": "__slice__", "config": index}
    return {"class_name": index["class_name"], "config": {}}
