"""The options of an import: what the user says about a network beyond its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# Words for the kind of a prediction; "binary" and "multiclass" are kinds of classification.
Task = Literal["classification", "binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the user says about a network.

    Attributes:
        sample: CSV file with a header whose columns are the inputs.
        labels: Class labels in the order of the network.
        target: Name of the prediction.
        unit: Unit of a predicted value.
        geometry: Geometry that pictures are brought to.
        levels: Range of the pixel levels that the network was trained on, one of `plans.LEVELS`.
        logits: Whether the network returns logits.
        task: Kind of the prediction, where the network does not show it.
    """

    sample: Path | None = None
    labels: tuple[str, ...] | None = None
    target: str | None = None
    unit: str | None = None
    geometry: str | None = None
    levels: str | None = None
    logits: bool = False
    task: Task | None = None
