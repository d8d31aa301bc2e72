"""What has been published: all versions in a list, one of them with an answer that it gives.

Nothing here needs TensorFlow but a version that TensorFlow alone can run.
"""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from training.errors import CannotTrain
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.errors import shown
from vitrine.loading import load_version
from vitrine.model import Model
from vitrine.signature import Instances

# The measure that a version is known by is the first of these that it was scored by.
_MEASURES = ("accuracy", "rmse", "roc_auc", "pr_auc", "macro_f1", "f1")
_CARD = "CARD.md"
_WIDE = 200


def print_list(models: Path) -> None:
    """Print a line for every published version.

    Raises:
        CannotTrain: The folder cannot be read.
    """
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "version", "task", "data", "test score", "size", "published"):
        table.add_column(heading, justify="right" if heading in {"version", "size"} else "left")
    try:
        listing = bundle.list_versions(models)
    except OSError as error:
        raise CannotTrain(f"{models} cannot be read: {error.strerror}.") from error
    for name, versions in listing.items():
        for version in versions:
            table.add_row(*_line(models, name, version))
    console = _console()
    if not console.is_terminal:
        console.width = _WIDE  # whatever reads it has no edge to stay within
    console.print(table if listing else f"Nothing has been published under {models}.")


def _line(models: Path, name: str, version: int) -> list[str]:
    try:
        manifest = bundle.read_manifest(models / name / str(version))
    except InvalidBundle:
        return [name, str(version), "cannot be read", "", "", "", ""]
    return [
        name,
        str(version),
        manifest.task,
        manifest.origin.data,
        main_score(manifest),
        size(manifest),
        manifest.origin.created[:10],
    ]


def main_score(manifest: Manifest) -> str:
    """Return what a version scored on its test part, in a few words."""
    scores = manifest.scores.get("test", {})
    measure = next((name for name in (*_MEASURES, *scores) if name in scores), None)
    if measure is None:
        return "not scored"
    error = scores.get(f"{measure}_standard_error")
    spread = "" if error is None else f" ± {_plain(error)}"
    return f"{measure.replace('_', ' ')} {scores[measure]:.5g}{spread}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def size(manifest: Manifest) -> str:
    """Return how long the file is that the service runs."""
    served = manifest.files.get(bundle.ONNX_NAME) or manifest.files.get(bundle.KERAS_NAME)
    return "" if served is None else f"{served.size_bytes / 1000:,.0f} kB"


def load(models: Path, name: str, version: int | None) -> Model:
    """Load a version as the service does.

    Args:
        models: Where versions lie.
        name: The model's.
        version: Which; None for the newest.

    Raises:
        CannotTrain: There is none, or the service would refuse it.
    """
    known = bundle.versions(models, name) if bundle.NAME_PATTERN.fullmatch(name) else []
    if not known:
        raise CannotTrain(f"There is no model {shown(name)} under {models}.")
    number = known[-1] if version is None else version
    if number not in known:
        listed = ", ".join(map(str, known))
        raise CannotTrain(f"{name} has no version {number}; it has {listed}.")
    try:
        return load_version(models / name / str(number), threads=1)
    except InvalidBundle as error:
        raise CannotTrain(str(error)) from error


def print_version(models: Path, name: str, version: int | None) -> None:
    """Print a version's card, and what it predicts about its first golden example.

    Raises:
        CannotTrain: There is no such version, or the service would refuse it.
    """
    model = load(models, name, version)
    folder = models / name / str(model.version)
    console = _console()
    if (folder / _CARD).is_file():
        console.print(Markdown((folder / _CARD).read_text(encoding="utf-8")))
    instances = first(bundle.read_golden(folder)[0])
    console.print("One of its golden examples:")
    table = Table("input", "value")
    for column, values in instances.items():
        table.add_row(column, _shown(values[0]))
    console.print(table)
    (record,) = model.predict(instances).records(top=3)
    console.print(f"What version {model.version} predicts of {model.manifest.target}:")
    answer = Table(box=None, show_header=False)
    for key, value in record.items():
        answer.add_row(key, _told(value))
    console.print(answer)


def first(instances: Instances) -> Instances:
    """Return the first of some instances."""
    return {name: values[:1] for name, values in instances.items()}


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "picture of " + " x ".join(map(str, value.shape))
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unequal to itself
        return "blank"
    return value if isinstance(value, str) else f"{value:.6g}"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_told(each) for each in value)
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def _console() -> Console:
    # Names and labels may have brackets, which rich would take for styles.
    return Console(highlight=False, markup=False)
