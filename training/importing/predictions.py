"""What a saved network predicts, as its output and the options of the user show."""

from typing import Literal

from training.errors import CannotTrain
from training.importing.interfaces import NetworkInterface, describe_tensors
from training.importing.options import ImportOptions
from vitrine.signature import LabelsOutput, ProbabilitiesOutput, ValueOutput

OutputKind = Literal["softmax", "logits", "sigmoid", "logit", "sigmoids", "value"]
Prediction = ProbabilitiesOutput | LabelsOutput | ValueOutput

# Names of predictions that the user gave no name.
_TARGETS = {ProbabilitiesOutput: "label", LabelsOutput: "labels", ValueOutput: "value"}


def find_output_kind(interface: NetworkInterface, options: ImportOptions) -> OutputKind:
    """Return what the output of a network means.

    Raises:
        CannotTrain: The output is not a prediction, or the user must say what it means.
    """
    shape, activation = interface.output.shape, interface.activation
    if len(shape) > 1 or None in shape:
        raise CannotTrain(
            "The network must return one number or one row of numbers. "
            f"Received: {describe_tensors((interface.output,))}."
        )
    units = shape[0] if shape else 1
    if units == 1 and activation != "softmax":
        return _kind_of_one_unit(activation, options)
    if units != 1 and activation in {"softmax", "sigmoid"}:
        return "softmax" if activation == "softmax" else "sigmoids"
    if options.logits and activation == "linear":
        return "logits"
    raise CannotTrain(
        "The network must end in a softmax over the classes, in a sigmoid, or in one unit for a "
        "value. Give --logits if the last layer has no activation because the loss applied the "
        f"softmax. Received: {units} units, {activation}."
    )


def _kind_of_one_unit(activation: str, options: ImportOptions) -> OutputKind:
    if activation == "sigmoid":
        return "sigmoid"
    if options.logits:
        return "logit"
    if options.labels is not None:
        raise CannotTrain(
            "One unit without a sigmoid predicts a value. Give --logits if it is the logit of two "
            "classes."
        )
    return "value"


def describe_prediction(
    interface: NetworkInterface, options: ImportOptions, kind: OutputKind
) -> Prediction:
    """Return the output of the signature.

    Raises:
        CannotTrain: The number of labels does not fit the output.
    """
    if kind == "value":
        return ValueOutput(
            name="value", tensor="value", dtype="float32", shape=(1,), unit=options.unit
        )
    units = 2 if kind in {"sigmoid", "logit"} else (interface.output.shape[0] or 0)
    labels = options.labels or tuple(str(index) for index in range(units))
    if len(labels) != units or len(set(labels)) != units:
        raise CannotTrain(f"--labels must be {units} different labels. Received: {len(labels)}.")
    output = LabelsOutput if kind == "sigmoids" else ProbabilitiesOutput
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
