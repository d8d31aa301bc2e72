"""A saved configuration of Keras 2, or of the old format -> the same as Keras 3 writes it.

Keras 3 reads most configurations of Keras 2, but refuses a layer with an argument that it no
longer has. It reads the old format in a way that misses some arguments, so that classes get the
modules that the new format names.
"""

from typing import Any

from training.importing.keras2_graphs import clean_name, is_graph, renew_graph

_FUNCTIONAL = {"module": "keras.src.models.functional", "registered_name": "Functional"}
_SEQUENTIAL = {"module": "keras", "registered_name": None}
_LAYER = {"module": "keras.layers", "registered_name": None}
_GRAPHS = frozenset(
    {
        "keras.engine.functional",
        "keras.src.engine.functional",
        "tf_keras.src.engine.functional",
    }
)
# Arguments that never change a prediction.
_IDLE = frozenset({"query_shape", "key_shape", "value_shape", "rng_type"})
_KERNEL = frozenset({"kernel_constraint", "kernel_initializer", "kernel_regularizer"})
_IDLE_OF = {
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _KERNEL),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _KERNEL),
    **dict.fromkeys(
        ("Discretization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        frozenset({"trainable"}),
    ),
}
# Arguments that do not change a prediction while they have this value. With another value, Keras 3
# refuses the layer.
_NEUTRAL = {"groups": 1, "noise_shape": None, "softmax_robust_masking": False, "time_major": False}
# Layers that a FeatureSpace puts into a network, and those that compute the same.
_FEATURE_SPACE = "keras.src.layers.preprocessing.feature_space"
_SAME = {"TFDConcat": "Concatenate", "TFDIdentity": "Identity"}
_POLICIES = frozenset({"DTypePolicy", "Policy"})


def renew(config: Any) -> Any:
    """Return a configuration as Keras 3 writes it, with all configurations within it."""
    if isinstance(config, list):
        return [renew(value) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "Sequential":
        config = config | {"config": _with_input(config["config"])}
    renewed = {key: renew(value) for key, value in config.items()}
    if isinstance(renewed.get("dtype"), str):
        renewed["dtype"] = _full_precision(renewed["dtype"])
    name, arguments = renewed.get("class_name"), renewed.get("config")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return renewed
    if name in _POLICIES and isinstance(arguments.get("name"), str):
        return _full_precision(arguments["name"])
    return _renew_class(renewed, name, arguments)


def _with_input(arguments: Any) -> Any:
    """Return the arguments of a Sequential, whose layers begin with an input if it is known."""
    if isinstance(arguments, list):  # as Keras before 2.2.3 wrote them
        arguments = {"name": "sequential", "layers": arguments}
    first: dict[str, Any]
    first, *others = arguments["layers"] or [{}]
    if "batch_input_shape" not in first.get("config", {}):
        return arguments
    if first["class_name"] != "InputLayer":
        others = [first, *others]
        shape = first["config"]["batch_input_shape"]
        name = f"{first['config']['name']}_input"
        config = {"batch_input_shape": shape, "name": name}
        first = _LAYER | {"class_name": "InputLayer", "config": config}
    return arguments | {"layers": [_with_width(first, others), *others]}


def _with_width(first: dict[str, Any], others: list[Any]) -> dict[str, Any]:
    """Return an input whose width is that which the next layer was built with.

    Keras 2 left the width open where a Normalization learned its statistics before the network had
    an input.
    """
    built = (others[0].get("build_config") or {}).get("input_shape") if others else None
    if first["config"]["batch_input_shape"] != [None, None] or not built:
        return first
    return first | {"config": first["config"] | {"batch_input_shape": built}}


def _full_precision(policy: str) -> str:
    """Return a policy that computes with 32 bits where a network computed with 16.

    Its weights lose nothing, and what it predicts is less rounded.
    """
    return "float32" if policy.removeprefix("mixed_") in {"bfloat16", "float16"} else policy


def _renew_class(renewed: dict[str, Any], name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    is_old = "module" not in renewed and "name" in arguments
    if name in {"Functional", "Model"} and (is_old or renewed.get("module") in _GRAPHS):
        renewed |= _FUNCTIONAL | {"class_name": "Functional"}
    elif is_old:
        renewed |= _SEQUENTIAL if name == "Sequential" else _LAYER
    if name in _SAME and renewed.get("module") == _FEATURE_SPACE:
        renewed |= _LAYER | {"class_name": _SAME[name]}
    if name == "ThresholdedReLU":
        renewed["class_name"] = "ReLU"
        arguments["threshold"] = arguments.pop("theta", 1.0)
    return renewed | {"config": _renew_arguments(arguments, name)}


def _renew_arguments(arguments: dict[str, Any], layer: str) -> dict[str, Any]:
    """Return the arguments of a layer without those that Keras 3 no longer has."""
    idle = _IDLE | _IDLE_OF.get(layer, frozenset())
    if layer != "InputLayer":  # which holds the shape of the inputs
        idle |= {"batch_input_shape"}
    renewed = {
        key: value
        for key, value in arguments.items()
        if key not in idle and (key not in _NEUTRAL or value != _NEUTRAL[key])
    }
    if "name" in renewed:
        renewed["name"] = clean_name(renewed["name"])
    axis = arguments.get("axis")
    if layer == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        renewed["axis"] = axis[0]
    return renew_graph(renewed) if is_graph(renewed) else renewed
