"""A saved Keras network -> one that takes and gives what the signature says."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from training.errors import CannotTrain
from training.importing.plans import Found, Plan, Tensor
from vitrine.errors import shown

# No text in a vocabulary is this one.
_UNKNOWN = "\0"
_NAME = "imported_network"


def look_at(network: keras.Model) -> Found:
    """Read what a network takes and gives.

    Raises:
        CannotTrain: It has several outputs, or none yet.
    """
    if not getattr(network, "inputs", None):
        raise CannotTrain("The network was saved before its input shape was known: call it once.")
    if len(network.outputs) != 1:
        names = ", ".join(_output_names(network))
        raise CannotTrain(f"The network must have one output. Received: {names}.")
    lookups = _lookups(network)
    return Found(
        inputs=tuple(_tensor(each) for each in network.inputs),
        output=_tensor(network.outputs[0]),
        activation=_activation(network.outputs[0]),
        scales=any(
            isinstance(layer, layers.Rescaling | layers.Normalization) for layer in _leaves(network)
        ),
        vocabularies={name: _vocabulary(lookup) for name, lookup in lookups.items()},
    )


def serve(network: keras.Model, plan: Plan) -> keras.Model:
    """Return a network of the same answers with the plan's inputs and outputs.

    Raises:
        CannotTrain: Its layers cannot be put together again.
    """
    specs = plan.signature.inputs
    inputs = {
        spec.tensor: keras.Input(spec.shape, dtype=spec.dtype, name=spec.tensor) for spec in specs
    }
    taken: list[Any] = list(inputs.values())
    if plan.takes == "picture":
        taken = [_as_taken(taken[0], plan.tensors[0], plan.scale)]
    elif plan.takes == "row":
        row = ops.concatenate(taken, axis=1) if len(taken) > 1 else taken[0]
        taken = [_cast(row, plan.tensors[0].dtype)]
    else:
        taken = [
            _cast(layers.Reshape(tensor.shape)(column) if not tensor.shape else column, dtype)
            for column, tensor in zip(taken, plan.tensors, strict=True)
            for dtype in (tensor.dtype if tensor.dtype != "string" else "int32",)
        ]
    try:
        given = _exportable(network)(taken if len(taken) > 1 else taken[0])
    except (TypeError, ValueError) as error:
        raise CannotTrain(
            f"The network cannot be served as it is: {str(error).splitlines()[0][:200]}"
        ) from error
    output = plan.signature.prediction
    return keras.Model(inputs, {output.tensor: _ended(given, plan)}, name="imported")


def _as_taken(picture: Any, tensor: Tensor, scale: float) -> Any:
    if scale != 1.0:
        picture = layers.Rescaling(scale)(picture)
    if tuple(picture.shape[1:]) != tensor.shape:
        picture = layers.Reshape(tensor.shape)(picture)
    return _cast(picture, tensor.dtype)


def _cast(tensor: Any, dtype: str) -> Any:
    return tensor if tensor.dtype == dtype else ops.cast(tensor, dtype)


def _ended(given: Any, plan: Plan) -> Any:
    given = _cast(given, "float32")
    if not given.shape[1:]:
        given = layers.Reshape((1,))(given)
    if plan.ending == "logits":
        return layers.Softmax()(given)
    if plan.ending == "logit":
        given = layers.Activation("sigmoid")(given)
    if plan.ending in {"sigmoid", "logit"}:
        return ops.concatenate([1 - given, given], axis=1)
    return given


def _exportable(network: keras.Model) -> keras.Model:
    """Put the network together again without the layers that no ONNX file can hold.

    Normalization keeps its statistics outside of the weights, and a lookup is a table of the
    framework's own: two Rescalings and an Embedding give the same.
    """
    inputs = [
        keras.Input(
            each.shape[1:], dtype="int32" if each.dtype == "string" else each.dtype, name=each.name
        )
        for each in network.inputs
    ]
    whole = keras.Model(network.inputs, network.outputs[0], name=_NAME)
    return keras.models.clone_model(
        whole, input_tensors=inputs, clone_function=_replaced, recursive=True
    )


def _replaced(layer: keras.layers.Layer) -> keras.layers.Layer:
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
    """Return two steps, as one loses digits where the mean is far from zero."""
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
    """Find what every text goes into."""
    found = {
        layer.input.name: layer
        for layer in network.layers
        if isinstance(layer, layers.StringLookup)
    }
    for each in network.inputs:
        if each.dtype == "string" and (each.name not in found or each.shape[1:] != (1,)):
            raise CannotTrain(
                "A text must be one column that goes into a StringLookup. "
                f"Received: {shown(each.name)}."
            )
    return {each.name: found[each.name] for each in network.inputs if each.dtype == "string"}


def _vocabulary(lookup: keras.layers.Layer) -> tuple[str, ...]:
    if lookup.invert or lookup.num_oov_indices != 1:
        raise CannotTrain(
            "A StringLookup must have one index for all texts that are not in its vocabulary."
        )
    return tuple(str(text) for text in lookup.get_vocabulary(include_special_tokens=False) if text)


def _lookup_table(lookup: keras.layers.Layer) -> Any:
    """Return what a lookup gives for a blank, an unknown text, and each of its vocabulary."""
    texts = ["", _UNKNOWN, *_vocabulary(lookup)]
    return np.asarray(lookup(ops.convert_to_tensor(texts)[:, None]), np.float32)


def _leaves(network: keras.Model) -> Sequence[keras.layers.Layer]:
    found: list[keras.layers.Layer] = []
    for layer in network.layers:
        found += _leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _activation(tensor: Any) -> str:
    """Follow an output back to the activation that made it."""
    history = tensor._keras_history  # no public name leads there
    made = history.operation
    if isinstance(made, keras.Model):
        return _activation(made.outputs[history.tensor_index])
    if isinstance(made, layers.Reshape | layers.Flatten | layers.Dropout | layers.Identity):
        return _activation(made.input)
    kind = type(made).__name__.lower()
    if kind in {"softmax", "sigmoid"}:
        return kind
    return getattr(getattr(made, "activation", None), "__name__", "linear")


def _tensor(tensor: Any) -> Tensor:
    return Tensor(tensor.name, tuple(tensor.shape[1:]), str(tensor.dtype))


def _output_names(network: keras.Model) -> list[str]:
    output = network.output
    return list(output) if isinstance(output, dict) else [each.name for each in network.outputs]
