"""The interface of a saved Keras network, and the network adapted to a signature."""

from typing import Any

import keras
from keras import layers, ops

from training.importing.interfaces import TEXT, NetworkInterface, Tensor
from training.importing.keras_fronts import find_front, scales_levels, takes_steps
from training.importing.keras_graphs import callers, connect, inline
from training.importing.keras_replacements import known_texts, replace
from training.importing.plans import Levels, Plan
from training.importing.predictions import SMALLEST_SUM
from training.importing.refusals import EXPORT, CannotImport, first_line
from training.importing.saved_losses import Loss
from vitrine.errors import shown

# What is said of a layer that takes texts, besides StringLookup.
_TEXT_LAYERS = {
    layers.Hashing: "it takes any text, and a column of texts needs a vocabulary",
    layers.HashedCrossing: "it takes any text, and a column of texts needs a vocabulary",
    layers.TextVectorization: "it takes whole sentences, which are no column of a table",
}


def simplify(network: keras.Model) -> keras.Model:
    """Return a network with the same inputs and output that has no networks in it.

    Raises:
        CannotImport: The network has several outputs, or its shapes are not known yet.
    """
    if not getattr(network, "inputs", None):
        raise CannotImport(
            "The network was saved before its input shape was known.",
            way_out="Call the network once before you save it.",
        )
    if len(network.outputs) != 1:
        names = ", ".join(_output_names(network))
        raise CannotImport(
            f"The network must have one output. Received: {names}.",
            way_out="Save each alone: keras.Model(network.inputs, network.outputs[0]) has the "
            "first.",
        )
    return inline(network)


def _output_names(network: keras.Model) -> list[str]:
    output = getattr(network, "output", None)  # which a Sequential may lack
    if isinstance(output, dict):
        return list(output)
    return [each._keras_history.operation.name for each in network.outputs]


def read_interface(network: keras.Model, loss: Loss | None = None) -> NetworkInterface:
    """Read what a network takes and returns.

    Args:
        network: A network that was simplified.
        loss: Loss that the network was trained with, where it is known.

    Raises:
        CannotImport: The network takes texts that are no categories.
    """
    front = find_front(network)
    return NetworkInterface(
        inputs=tuple(_tensor(each) for each in network.inputs),
        output=_tensor(network.outputs[0]),
        activation=_activation(network.outputs[0]),
        scales=scales_levels(front),
        takes_steps=takes_steps(front),
        vocabularies={
            each.name: _vocabulary(network, each) for each in network.inputs if each.dtype == TEXT
        },
        loss=loss,
    )


def adapt_network(network: keras.Model, plan: Plan) -> keras.Model:
    """Return a simplified network with the inputs and outputs of a plan.

    Raises:
        CannotImport: The layers cannot be connected again.
    """
    inputs = {
        spec.tensor: keras.Input(spec.shape, dtype=spec.dtype, name=spec.tensor)
        for spec in plan.signature.inputs
    }
    try:
        (output,) = connect(network, _arrays_for_network(list(inputs.values()), plan), replace)
    except (TypeError, ValueError) as error:
        raise CannotImport(
            f"The network cannot be served as it is: {first_line(error)}.",
            way_out=EXPORT,
        ) from error
    name = plan.signature.prediction.tensor
    return keras.Model(inputs, {name: _as_prediction(output, plan)}, name="imported")


def _arrays_for_network(inputs: list[Any], plan: Plan) -> list[Any]:
    """Bring the inputs of the signature to the arrays that the saved network takes."""
    if plan.input_kind == "picture":
        return [_prepare_picture(inputs[0], plan.tensors[0], plan.levels)]
    arrays, begin = [], 0
    for tensor in plan.tensors:
        arrays.append(_prepare_columns(inputs[begin : begin + tensor.size], tensor))
        begin += tensor.size
    return arrays


def _prepare_columns(columns: list[Any], tensor: Tensor) -> Any:
    # A text enters as the code that its lookup would give.
    dtype = "int32" if tensor.dtype == TEXT else tensor.dtype
    row = ops.concatenate(columns, axis=1) if len(columns) > 1 else columns[0]
    return _cast(row if len(tensor.shape) == 1 else layers.Reshape(tensor.shape)(row), dtype)


def _prepare_picture(picture: Any, tensor: Tensor, levels: Levels) -> Any:
    if (levels.factor, levels.shift) != (1.0, 0.0):
        picture = layers.Rescaling(levels.factor, levels.shift)(picture)
    if tuple(picture.shape[1:]) != tensor.shape:
        picture = layers.Reshape(tensor.shape)(picture)
    return _cast(picture, tensor.dtype)


def _cast(tensor: Any, dtype: str) -> Any:
    return tensor if tensor.dtype == dtype else ops.cast(tensor, dtype)


def _as_prediction(output: Any, plan: Plan) -> Any:
    """Bring the output of the saved network to the prediction of the signature."""
    output = _cast(output, "float32")
    if not output.shape[1:]:
        output = layers.Reshape((1,))(output)
    if plan.output_kind == "logits":
        return layers.Softmax()(output)
    if plan.output_kind == "shares":
        return output / ops.maximum(ops.sum(output, axis=1, keepdims=True), SMALLEST_SUM)
    if plan.output_kind in {"logit", "label logits"}:
        output = layers.Activation("sigmoid")(output)
    if plan.output_kind in {"sigmoid", "logit"}:
        return ops.concatenate([1 - output, output], axis=1)
    return output


def _vocabulary(network: keras.Model, text: Any) -> tuple[str, ...]:
    """Return the vocabulary of a text input, which the layers that take it share."""
    vocabularies = [_texts_of(layer, text) for layer, _ in callers(network, text)]
    if len(set(vocabularies)) != 1 or text.shape[1:] != (1,):
        raise CannotImport(
            "A text input must be one column of shape (1,) that goes into one vocabulary. "
            f"Received: {shown(text.name)} of shape {tuple(text.shape[1:])}.",
            way_out="Build the network with keras.Input((1,), dtype='string') and one StringLookup "
            "for each text.",
        )
    return vocabularies[0]


def _texts_of(layer: Any, text: Any) -> tuple[str, ...]:
    if not isinstance(layer, layers.StringLookup):
        kind = type(layer)
        reason = _TEXT_LAYERS.get(kind, "a text must go into a StringLookup")
        raise CannotImport(
            f"The layer {shown(layer.name)} ({kind.__name__}), which takes the text "
            f"{shown(text.name)}, cannot be served: {reason}.",
            way_out="Use a StringLookup with a vocabulary in its place, or a network that takes "
            "numbers.",
        )
    if layer.invert or layer.num_oov_indices != 1:
        raise CannotImport(
            f"The StringLookup {shown(layer.name)} must have one index for all texts that are not "
            f"in its vocabulary. Received: num_oov_indices={layer.num_oov_indices}, "
            f"invert={layer.invert}.",
            way_out="Build it with num_oov_indices=1, and train the network again.",
        )
    return known_texts(layer)


def _activation(tensor: Any) -> str:
    """Return the activation that an output comes from."""
    history = tensor._keras_history  # Keras has no public way from a tensor to its operation
    operation = history.operation
    if isinstance(operation, layers.Reshape | layers.Flatten | layers.Dropout | layers.Identity):
        return _activation(operation._inbound_nodes[history.node_index].input_tensors[0])
    kind = type(operation).__name__.lower()
    if kind in {"softmax", "sigmoid"}:
        return kind
    return getattr(getattr(operation, "activation", None), "__name__", "linear")


def _tensor(tensor: Any) -> Tensor:
    return Tensor(tensor.name, tuple(tensor.shape[1:]), str(tensor.dtype))
