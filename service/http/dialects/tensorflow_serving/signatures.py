"""The signatures of a model: their names, their inputs, their outputs.

- `serving_default` gives the network's own output, and nothing else: clients of TensorFlow Serving
  expect a list of numbers where a model has one output.
- `detailed` also gives what is made of it, each as an output with a name of its own: label,
  probability, set, interval and credibility.
- `tensorflow/serving/classify` and `tensorflow/serving/regress` are those of the other two methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vitrine.model import Model
from vitrine.signature import (
    AnomalyOutput,
    InputSpec,
    LabelsOutput,
    NumberInput,
    PictureInput,
    PredictionOutput,
    ProbabilitiesOutput,
    ValueOutput,
)

DEFAULT = "serving_default"
DETAILED = "detailed"
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"

FLOAT, DOUBLE, STRING = "DT_FLOAT", "DT_DOUBLE", "DT_STRING"
_ANY = -1


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that goes into a signature or comes out of it.

    Attributes:
        name: Its name.
        dtype: Type of its values.
        shape: Its shape, with -1 for any length; axis 0 is the instance.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    def describe(self) -> dict[str, Any]:
        """Describe it as the metadata of that server do."""
        dims = [{"size": str(size), "name": ""} for size in self.shape]
        return {
            "dtype": self.dtype,
            "tensor_shape": {"dim": dims, "unknown_rank": False},
            "name": f"{self.name}:0",
        }


def inputs(model: Model) -> list[Tensor]:
    """Return the inputs of a model, as `predict` takes them."""
    return [
        Tensor(spec.name, dtype_of(spec), (_ANY, *spec.shape))
        for spec in model.manifest.signature.inputs
    ]


def dtype_of(spec: InputSpec) -> str:
    """Return the type in which a client sends an input: dates and categories are texts."""
    return FLOAT if isinstance(spec, NumberInput | PictureInput) else STRING


def own_output(model: Model) -> Tensor:
    """Return the network's own output."""
    spec = model.manifest.signature.prediction
    return Tensor(spec.name, FLOAT, (_ANY, *spec.shape))


def detailed_outputs(model: Model) -> list[Tensor]:
    """Return the outputs of the signature `detailed`."""
    named, trusted = _made_of(model.manifest.signature.prediction)
    warnings = Tensor("warnings", STRING, (_ANY, _ANY))
    return [*named, *(trusted if model.trust is not None else []), warnings]


def _made_of(output: PredictionOutput) -> tuple[list[Tensor], list[Tensor]]:
    """Return what is made of an output, and what is known of it where it was calibrated."""
    each, list_of_each = (_ANY,), (_ANY, _ANY)
    probabilities = Tensor("probabilities", FLOAT, (_ANY, *output.shape))
    credibility = Tensor("credibility", DOUBLE, each)
    if isinstance(output, ProbabilitiesOutput):
        label, probability = Tensor("label", STRING, each), Tensor("probability", FLOAT, each)
        members = Tensor("set", STRING, list_of_each)
        return [label, probability, probabilities], [members, credibility]
    if isinstance(output, LabelsOutput):
        return [Tensor("labels", STRING, list_of_each), probabilities], []
    if isinstance(output, AnomalyOutput):
        return [Tensor("anomaly_score", FLOAT, each)], [credibility]
    ends = [Tensor("lower", FLOAT, each), Tensor("upper", FLOAT, each)]
    return [Tensor("prediction", FLOAT, each)], ends


def methods(model: Model) -> dict[str, str]:
    """Return the method of each signature of a model, by the signature's name."""
    is_number = isinstance(model.manifest.signature.prediction, ValueOutput | AnomalyOutput)
    regress = {REGRESS: REGRESS} if is_number else {}
    return {DEFAULT: PREDICT, DETAILED: PREDICT, CLASSIFY: CLASSIFY, **regress}


def describe(model: Model) -> dict[str, Any]:
    """Describe the signatures of a model as the metadata of that server do."""
    return {
        name: {
            "inputs": _by_name(_inputs_of(model, method)),
            "outputs": _by_name(_outputs_of(model, name)),
            "method_name": method,
            "defaults": {},
        }
        for name, method in methods(model).items()
    }


def _inputs_of(model: Model, method: str) -> Sequence[Tensor]:
    return inputs(model) if method == PREDICT else [Tensor("inputs", STRING, (_ANY,))]


def _outputs_of(model: Model, name: str) -> Sequence[Tensor]:
    match name:
        case "serving_default":
            return [own_output(model)]
        case "detailed":
            return detailed_outputs(model)
        case "tensorflow/serving/regress":
            return [Tensor("outputs", FLOAT, (_ANY, 1))]
    return [Tensor("classes", STRING, (_ANY, _ANY)), Tensor("scores", FLOAT, (_ANY, _ANY))]


def _by_name(tensors: Sequence[Tensor]) -> dict[str, Any]:
    return {tensor.name: tensor.describe() for tensor in tensors}
