"""The interface of a saved Keras network, and the network adapted to a signature."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from training.errors import CannotTrain
from training.importing.interfaces import TEXT, NetworkInterface, Tensor
from training.importing.plans import Plan
from vitrine.errors import shown

# A text that is in no vocabulary.
_UNKNOWN = "\0"


def read_interface(network: keras.Model) -> NetworkInterface:
    """Read what a network takes and returns.

    Raises:
        CannotTrain: The network has several outputs, or its shapes are not known yet.
    """
    if not getattr(network, "inputs", None):
        raise CannotTrain(
            "The network was saved before its input shape was known. Call the network once before "
            "you save it."
        )
    if len(network.outputs) != 1:
        names = ", ".join(_output_names(network))
        raise CannotTrain(f"The network must have one output. Received: {names}.")
    lookups = _lookups(network)
    return NetworkInterface(
        inputs=tuple(_tensor(each) for each in network.inputs),
        output=_tensor(network.outputs[0]),
        activation=_activation(network.outputs[0]),
        scales=any(
            isinstance(layer, layers.Rescaling | layers.Normalization) for layer in _leaves(network)
        ),
        vocabularies={name: _vocabulary(lookup) for name, lookup in lookups.items()},
    )


def adapt_network(network: keras.Model, plan: Plan) -> keras.Model:
    """Return a network with the same predictions that has the inputs and outputs of the plan.

    Raises:
        CannotTrain: The layers cannot be connected again.
    """
    inputs = {
        spec.tensor: keras.Input(spec.shape, dtype=spec.dtype, name=spec.tensor)
        for spec in plan.signature.inputs
    }
    arrays = _arrays_for_network(list(inputs.values()), plan)
    try:
        output = _exportable(network)(arrays if len(arrays) > 1 else arrays[0])
    except (TypeError, ValueError) as error:
        raise CannotTrain(
            f"The network cannot be served as it is: {str(error).splitlines()[0][:200]}"
        ) from error
    name = plan.signature.prediction.tensor
    return keras.Model(inputs, {name: _as_prediction(output, plan)}, name="imported")


def _arrays_for_network(inputs: list[Any], plan: Plan) -> list[Any]:
    """Bring the inputs of the signature to the arrays that the saved network takes."""
    if plan.input_kind == "picture":
        return [_prepare_picture(inputs[0], plan.tensors[0], plan.scale)]
    if plan.input_kind == "row":
        row = ops.concatenate(inputs, axis=1) if len(inputs) > 1 else inputs[0]
        return [_cast(row, plan.tensors[0].dtype)]
    return [
        _prepare_column(column, tensor) for column, tensor in zip(inputs, plan.tensors, strict=True)
    ]


def _prepare_column(column: Any, tensor: Tensor) -> Any:
    # A text enters as the code that its lookup would give.
    dtype = "int32" if tensor.dtype == TEXT else tensor.dtype
    return _cast(column if tensor.shape else layers.Reshape(())(column), dtype)


def _prepare_picture(picture: Any, tensor: Tensor, scale: float) -> Any:
    if scale != 1.0:
        picture = layers.Rescaling(scale)(picture)
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
    if plan.output_kind == "logit":
        output = layers.Activation("sigmoid")(output)
    if plan.output_kind in {"sigmoid", "logit"}:
        return ops.concatenate([1 - output, output], axis=1)
    return output


def _exportable(network: keras.Model) -> keras.Model:
    """Rebuild the network without the layers that an ONNX file cannot contain.

    Normalization keeps its statistics outside of the weights, and a lookup is a table of
    TensorFlow. Two Rescaling layers and an Embedding compute the same.
    """
    inputs = [
        keras.Input(
            each.shape[1:], dtype="int32" if each.dtype == TEXT else each.dtype, name=each.name
        )
        for each in network.inputs
    ]
    whole = keras.Model(network.inputs, network.outputs[0], name="imported_network")
    return keras.models.clone_model(
        whole, input_tensors=inputs, clone_function=_replacement, recursive=True
    )


def _replacement(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, layers.Normalization):
        return _as_rescaling(layer)
    if isinstance(layer, layers.StringLookup):
        table = _lookup_table(layer)
        embedding = layers.Embedding(*table.shape, weights=[table], trainable=False)
        return keras.Sequential(
            [keras.Input((1,), dtype="int32"), embedding, layers.Flatten()], name=layer.name
        )
    return layer


def _as_rescaling(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Return a shift and a scale; one layer would lose digits where the mean is far from zero."""
    mean = np.asarray(layer.mean, np.float64)
    spread = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), keras.config.epsilon())
    if mean.ndim:
        mean, spread = mean[0], spread[0]
    steps = (
        [layers.Rescaling(spread.tolist()), layers.Rescaling(1.0, mean.tolist())]
        if layer.invert
        else [layers.Rescaling(1.0, (-mean).tolist()), layers.Rescaling((1 / spread).tolist())]
    )
    return keras.Sequential(steps, name=layer.name)


def _lookups(network: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return the lookup that each text input goes into, by the name of the input."""
    lookups = {
        layer.input.name: layer
        for layer in network.layers
        if isinstance(layer, layers.StringLookup)
    }
    for each in network.inputs:
        if each.dtype == TEXT and (each.name not in lookups or each.shape[1:] != (1,)):
            raise CannotTrain(
                "A text input must be one column that goes into a StringLookup. "
                f"Received: {shown(each.name)}."
            )
    return {each.name: lookups[each.name] for each in network.inputs if each.dtype == TEXT}


def _vocabulary(lookup: keras.layers.Layer) -> tuple[str, ...]:
    if lookup.invert or lookup.num_oov_indices != 1:
        raise CannotTrain(
            "A StringLookup must have one index for all texts that are not in its vocabulary."
        )
    return tuple(str(text) for text in lookup.get_vocabulary(include_special_tokens=False) if text)


def _lookup_table(lookup: keras.layers.Layer) -> Any:
    """Return the output of a lookup for an empty text, an unknown text, and each known text."""
    texts = ["", _UNKNOWN, *_vocabulary(lookup)]
    return np.asarray(lookup(ops.convert_to_tensor(texts)[:, None]), np.float32)


def _leaves(network: keras.Model) -> Sequence[keras.layers.Layer]:
    """Return all layers, with those of nested networks instead of the nested networks."""
    leaves: list[keras.layers.Layer] = []
    for layer in network.layers:
        leaves += _leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return leaves


def _activation(tensor: Any) -> str:
    """Return the activation that an output comes from."""
    history = tensor._keras_history  # Keras has no public way from a tensor to its operation
    operation = history.operation
    if isinstance(operation, keras.Model):
        return _activation(operation.outputs[history.tensor_index])
    if isinstance(operation, layers.Reshape | layers.Flatten | layers.Dropout | layers.Identity):
        return _activation(operation.input)
    kind = type(operation).__name__.lower()
    if kind in {"softmax", "sigmoid"}:
        return kind
    return getattr(getattr(operation, "activation", None), "__name__", "linear")


def _tensor(tensor: Any) -> Tensor:
    return Tensor(tensor.name, tuple(tensor.shape[1:]), str(tensor.dtype))


def _output_names(network: keras.Model) -> list[str]:
    output = network.output
    return list(output) if isinstance(output, dict) else [each.name for each in network.outputs]
