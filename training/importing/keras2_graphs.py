"""The graph of a network that Keras 2 saved -> the same graph as Keras 3 writes it.

Both write a graph as its layers, each with its calls. A call names each tensor that it takes by a
reference: the name of a layer, the number of a call of that layer, and the number of an output of
that call. Keras 3 misreads these numbers where a layer is a network itself, and calls with several
arguments.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from training.importing.keras2_operations import OPERATION_LAYERS, renew_operation

_NETWORKS = frozenset({"Functional", "Model", "Sequential"})
_RECURRENT = frozenset({"Bidirectional", "ConvLSTM2D", "GRU", "LSTM", "RNN", "SimpleRNN"})
# Keras 2 wrote this in place of the name of a layer where a call takes a constant.
_CONSTANT = "_CONSTANT_VALUE"


@dataclass(frozen=True, slots=True)
class _Layers:
    """The layers of a graph.

    Attributes:
        classes: Class of each layer, by its name.
        first_calls: Number of the first call of each layer that does not count from 0. Keras 2
            counted the calls of a network with inputs of its own from 1.
    """

    classes: Mapping[str, str]
    first_calls: Mapping[str, int] = field(default_factory=dict)


def clean_name(name: Any) -> Any:
    """Return the name of a layer without the slashes that Keras 3 refuses."""
    return name.replace("/", ".") if isinstance(name, str) else name


def is_graph(arguments: Mapping[str, Any]) -> bool:
    """Return whether the arguments of a network hold a graph as Keras 2 wrote it."""
    if "output_layers" not in arguments:
        return False
    calls = (call for layer in arguments["layers"] for call in layer.get("inbound_nodes", ()))
    return any("args" not in call for call in calls)


def renew_graph(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a network, with its graph as Keras 3 writes it."""
    layers = _read_layers(graph)
    return graph | {
        "layers": [_renew_layer(layer, layers) for layer in graph["layers"]],
        "input_layers": _renew_ends(graph["input_layers"], layers),
        "output_layers": _renew_ends(graph["output_layers"], layers),
    }


def _read_layers(graph: dict[str, Any]) -> _Layers:
    layers = _Layers({layer["name"]: layer["class_name"] for layer in graph["layers"]})
    calls = [layer["inbound_nodes"] for layer in graph["layers"]]
    numbers: dict[str, set[int]] = {}
    for name, number, *_ in _references([calls, graph["output_layers"]], layers):
        if layers.classes[name] in _NETWORKS:
            numbers.setdefault(name, set()).add(number)
    return _Layers(layers.classes, {name: min(found) for name, found in numbers.items()})


def _references(value: Any, layers: _Layers) -> Iterator[list[Any]]:
    """Yield the references within a value."""
    if _is_reference(value, layers):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _references(each, layers)


def _is_reference(value: Any, layers: _Layers) -> bool:
    if not isinstance(value, list) or len(value) not in {3, 4} or not isinstance(value[0], str):
        return False
    return value[0] in layers.classes and isinstance(value[1], int) and isinstance(value[2], int)


def _renew_layer(layer: dict[str, Any], layers: _Layers) -> dict[str, Any]:
    calls = [
        (_renew_first(call, layers), _renew_others(call, layers)) for call in layer["inbound_nodes"]
    ]
    if layer["class_name"] in _RECURRENT:
        calls = [_with_state(*call) for call in calls]
    # The calls build the layer; Keras 3 does not read every shape that Keras 2 built with.
    renewed = {key: value for key, value in layer.items() if key != "build_config"}
    renewed["name"] = clean_name(layer["name"])
    if layer["class_name"] in OPERATION_LAYERS:
        return renew_operation(renewed, calls) or layer
    renewed["inbound_nodes"] = [{"args": [first], "kwargs": more} for first, more in calls]
    return renewed


def _with_state(first: Any, more: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the arguments of a recurrent layer, which Keras 2 put the state in the first of."""
    if not isinstance(first, list):
        return first, more
    return first[0], more | {"initial_state": first[1:]}


def _renew_first(call: Any, layers: _Layers) -> Any:
    """Return the first argument of a call, which is one tensor or a structure of tensors."""
    is_alone = isinstance(call, list) and len(call) == 1
    return _renew_tensors(call[0] if is_alone else call, layers)


def _renew_others(call: Any, layers: _Layers) -> dict[str, Any]:
    """Return the other arguments of a call, without those that decide about nothing.

    Keras 2 wrote them behind each reference in the first argument.
    """
    given = _given(call)
    return {
        name: _renew_tensors(value, layers)
        for name, value in given.items()
        if value is not None and not (name == "training" and value is False)
    }


def _given(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if len(value) == 4 and isinstance(value[0], str):
        return dict(value[3])
    return _given(value[0]) if isinstance(value[0], dict | list) else {}


def _renew_tensors(value: Any, layers: _Layers) -> Any:
    """Replace the references within a value."""
    if _is_reference(value, layers):
        name, call, output = value[:3]
        history = [clean_name(name), call - layers.first_calls.get(name, 0), output]
        # Keras 3 takes the tensor from the layer: its shape and type are not read from here.
        config = {"shape": [], "dtype": "float32", "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, dict):
        return {key: _renew_tensors(each, layers) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    if value and value[0] == _CONSTANT:
        return value[2]
    return [_renew_tensors(each, layers) for each in value]


def _renew_ends(ends: Any, layers: _Layers) -> Any:
    """Return the references to the inputs or outputs of a network as Keras 3 reads them.

    It returns a list of one output as a list, which the next layer does not take.
    """
    if _is_reference(ends, layers):
        name, call, output = ends
        # At this place, Keras 3 counts the calls of a Functional from 1 as well.
        counted = 1 if layers.classes[name] in {"Functional", "Model"} else 0
        return [clean_name(name), call - layers.first_calls.get(name, 0) + counted, output]
    if isinstance(ends, dict):
        return {key: _renew_ends(each, layers) for key, each in ends.items()}
    renewed = [_renew_ends(each, layers) for each in ends]
    return renewed[0] if len(renewed) == 1 else renewed
