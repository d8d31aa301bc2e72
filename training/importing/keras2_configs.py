"""A saved configuration of Keras 2 -> the same configuration as Keras 3 writes it.

Keras 3 reads most configurations of Keras 2, but refuses a layer with an argument that it no
longer has.
"""

from typing import Any

_GRAPHS = (
    "keras.engine.functional",
    "keras.src.engine.functional",
    "tf_keras.src.engine.functional",
)
_GRAPH = {"module": "keras.src.models.functional", "registered_name": "Functional"}
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


def renew(config: Any) -> Any:
    """Return a configuration as Keras 3 writes it, with all configurations within it."""
    if isinstance(config, list):
        return [renew(value) for value in config]
    if not isinstance(config, dict):
        return config
    renewed = {key: renew(value) for key, value in config.items()}
    if renewed.get("module") in _GRAPHS:
        renewed |= _GRAPH
    name, arguments = renewed.get("class_name"), renewed.get("config")
    if isinstance(name, str) and isinstance(arguments, dict):
        renewed["config"] = _renew_arguments(arguments, name, is_named="module" in renewed)
    return renewed


def _renew_arguments(arguments: dict[str, Any], layer: str, *, is_named: bool) -> dict[str, Any]:
    """Return the arguments of a layer without those that Keras 3 no longer has.

    Args:
        arguments: Arguments as they were saved.
        layer: Class of the layer.
        is_named: Whether the module of the class was saved. If it was, an input layer holds the
            shape of the inputs.
    """
    idle = _IDLE | _IDLE_OF.get(layer, frozenset())
    if is_named and layer != "InputLayer":
        idle |= {"batch_input_shape"}
    renewed = {
        key: value
        for key, value in arguments.items()
        if key not in idle and (key not in _NEUTRAL or value != _NEUTRAL[key])
    }
    axis = arguments.get("axis")
    if layer == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        renewed["axis"] = axis[0]
    return renewed
