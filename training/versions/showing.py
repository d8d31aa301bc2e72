"""The card of a version, and its prediction for one of its golden examples."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from training.versions.listing import WIDE
from training.versions.published import load_published
from vitrine import bundle
from vitrine.signature import Instances

_CARD = "CARD.md"
_MOST_LABELS = 3


def print_version(models: Path, name: str, version: int | None) -> None:
    """Print the card of a version, and its prediction for its first golden example.

    Args:
        models: Folder of the published models.
        name: Name of the model.
        version: Number of the version; None for the one that answers by default.

    Raises:
        CannotTrain: There is no such version, or the service would refuse it.
    """
    model = load_published(models, name, version)
    folder = models / name / str(model.version)
    # Names and labels may contain brackets, which rich would take for styles.
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    if (folder / _CARD).is_file():
        card = (folder / _CARD).read_text(encoding="utf-8")
        console.print(Markdown(name_plots(card, folder)))
    instances = _first(bundle.read_golden(folder)[0])
    console.print("One of its golden examples:")
    console.print(_instance_table(instances))
    (record,) = model.predict(instances).records(top=_MOST_LABELS)
    console.print(f"What version {model.version} predicts for {model.manifest.target}:")
    console.print(_record_table(record))


def name_plots(card: str, folder: Path) -> str:
    """Put the path of each plot in the place of the plot, which a terminal cannot draw.

    Args:
        card: The card, in Markdown.
        folder: Folder of the version.
    """
    return re.sub(
        r"!\[([^\]]*)\]\(([^)]+)\)", lambda plot: f"{plot[1]}: `{folder / plot[2]}`", card
    )


def _first(instances: Instances) -> Instances:
    return {name: values[:1] for name, values in instances.items()}


def _instance_table(instances: Instances) -> Table:
    table = Table("input", "value")
    for name, values in instances.items():
        table.add_row(name, _value_text(values[0]))
    return table


def _value_text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "picture of " + " x ".join(map(str, value.shape))
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unequal to itself
        return "missing"
    return value if isinstance(value, str) else f"{value:.6g}"


def _record_table(record: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False)
    for key, value in record.items():
        table.add_row(key, _field_text(value))
    return table


def _field_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_field_text(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_field_text(each) for each in value)
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
