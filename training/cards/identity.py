"""What a model predicts, and from what."""

from collections.abc import Sequence

from training.cards.markdown import inline
from vitrine.bundle import Manifest
from vitrine.signature import (
    AnomalyOutput,
    LabelsOutput,
    OutputSpec,
    ProbabilitiesOutput,
    Signature,
    ValueOutput,
)


def identity(manifest: Manifest) -> str:
    """Return two sentences on what the model predicts, and from what."""
    source = _source(manifest.signature)
    prediction = manifest.signature.prediction
    if isinstance(prediction, AnomalyOutput):
        return (
            f"This anomaly detection gives {source} a score. The higher the score, the less the "
            "picture looks like those of the training data."
        )
    return (
        f"This {manifest.task} predicts `{inline(manifest.target)}` from {source}. "
        f"The prediction is {_prediction(prediction)}."
    )


def _source(signature: Signature) -> str:
    if signature.picture:
        return "a picture"
    count = len(signature.inputs)
    return "one column of a table" if count == 1 else f"{count} columns of a table"


def _prediction(output: OutputSpec) -> str:
    if isinstance(output, ProbabilitiesOutput):
        return f"one of {len(output.labels)} labels: {_listed(output.labels)}"
    if isinstance(output, LabelsOutput):
        return f"any of {len(output.labels)} labels: {_listed(output.labels)}"
    unit = output.unit if isinstance(output, ValueOutput) else None
    return f"a number in {inline(unit)}" if unit else "a number"


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(inline, labels))
