"""What a saved network predicts, as its output, its loss and the options of the user show."""

from typing import Literal

from training.importing.interfaces import NetworkInterface, describe_tensors
from training.importing.options import ImportOptions
from training.importing.refusals import CannotImport
from training.importing.saved_losses import Loss
from vitrine.signature import LabelsOutput, ProbabilitiesOutput, ValueOutput

# "shares" are sigmoids that become the probabilities of classes by their share of the sum, and
# "label logits" become the probabilities of labels by a sigmoid.
OutputKind = Literal[
    "softmax", "shares", "logits", "sigmoid", "logit", "sigmoids", "label logits", "value"
]
# Shares are taken of a sum that is at least this, so that no division is by 0.
SMALLEST_SUM = 1e-30
Prediction = ProbabilitiesOutput | LabelsOutput | ValueOutput

# Names of predictions that the user gave no name.
_TARGETS = {ProbabilitiesOutput: "label", LabelsOutput: "labels", ValueOutput: "value"}
_LOGITS = "Give --logits if the last layer has no activation because the loss applied it."
_FIRST = "keras.Model(network.inputs, network.outputs[0][:, :1]) predicts the first."


def find_output_kind(interface: NetworkInterface, options: ImportOptions) -> OutputKind:
    """Return what the output of a network means.

    Raises:
        CannotImport: The output is not a prediction, or the user must say what it means.
    """
    shape = interface.output.shape
    if len(shape) > 1 or None in shape:
        raise CannotImport(
            "The network must return one number or one row of numbers. "
            f"Received: {describe_tensors((interface.output,))}.",
            way_out="Add layers such as Flatten and Dense that make a prediction of it, train "
            "them, and save the network again.",
        )
    units = shape[0] if shape else 1
    if units == 1:
        return _kind_of_one_unit(interface, options)
    return _kind_of_units(units or 0, interface, options)


def _kind_of_one_unit(interface: NetworkInterface, options: ImportOptions) -> OutputKind:
    activation, loss = interface.activation, interface.loss
    if activation == "softmax":
        raise CannotImport(
            "A softmax over one unit is always 1. Received: 1 unit, softmax.",
            way_out="Train the network again with a sigmoid as its last activation.",
        )
    if options.task == "regression":
        return "value"
    if activation == "sigmoid":
        return "sigmoids" if options.task == "multilabel" else "sigmoid"
    if options.logits or (loss is not None and loss.from_logits):
        return "label logits" if options.task == "multilabel" else "logit"
    if options.labels is not None or options.task is not None or _is_of_labels(loss):
        raise CannotImport(
            "One unit without a sigmoid predicts a value, not a label.",
            way_out="Give --logits if it is the logit of two classes, and --task regression "
            "without --labels if it is a value.",
        )
    return "value"


def _kind_of_units(units: int, interface: NetworkInterface, options: ImportOptions) -> OutputKind:
    activation, loss = interface.activation, interface.loss
    if options.task == "regression":
        raise CannotImport(
            f"A regression must predict one value. Received: {units} units.",
            way_out=f"Save a network for each value: {_FIRST}",
        )
    is_of_labels = _is_of_labels(loss) if options.task is None else options.task == "multilabel"
    is_of_classes = _is_of_classes(loss) if options.task is None else not is_of_labels
    if activation == "softmax":
        return "sigmoids" if options.task == "multilabel" else "softmax"
    if activation == "sigmoid":
        return "shares" if is_of_classes else "sigmoids"
    if options.logits or (loss is not None and loss.from_logits):
        return "label logits" if is_of_labels else "logits"
    raise CannotImport(
        "The network must end in a softmax over the classes, in a sigmoid, or in one unit for a "
        f"value. Received: {units} units, {activation}.",
        way_out=f"{_LOGITS} If it predicts several values, save a network for each: {_FIRST}",
    )


def _is_of_classes(loss: Loss | None) -> bool:
    return loss is not None and "categorical" in loss.name


def _is_of_labels(loss: Loss | None) -> bool:
    return loss is not None and (loss.name == "bce" or loss.name.startswith("binary_"))


def describe_prediction(
    interface: NetworkInterface, options: ImportOptions, kind: OutputKind
) -> Prediction:
    """Return the output of the signature.

    Raises:
        CannotImport: The number of labels does not fit the output.
    """
    if kind == "value":
        return ValueOutput(
            name="value", tensor="value", dtype="float32", shape=(1,), unit=options.unit
        )
    shape = interface.output.shape
    units = 2 if kind in {"sigmoid", "logit"} else (shape[0] if shape else 1) or 0
    labels = options.labels or tuple(str(index) for index in range(units))
    if len(labels) != units or len(set(labels)) != units:
        raise CannotImport(
            f"--labels must be {units} different labels. Received: {len(labels)}.",
            way_out="Give a label for each output of the network, in its order.",
        )
    output = LabelsOutput if kind in {"sigmoids", "label logits"} else ProbabilitiesOutput
    return output(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(units,),
        labels=labels,
    )


def name_target(prediction: Prediction, options: ImportOptions) -> str:
    """Return the name of what is predicted."""
    return options.target or _TARGETS[type(prediction)]
