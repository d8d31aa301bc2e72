"""A line for every published version."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.errors import CannotTrain
from training.formatting import format_error
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest

# The main score of a version is the first of these that the version has.
_MAIN_SCORES = ("accuracy", "rmse", "roc_auc", "pr_auc", "macro_f1", "f1")
_HEADINGS = ("model", "version", "task", "data", "test score", "size", "published")
_RIGHT = frozenset({"version", "size"})
# Without a terminal there is no width to fit: lines are as long as they need to be.
WIDE = 200


def print_list(models: Path) -> None:
    """Print a line for every published version.

    Raises:
        CannotTrain: The folder cannot be read.
    """
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading in _RIGHT else "left")
    try:
        listing = bundle.list_versions(models)
    except OSError as error:
        raise CannotTrain(f"{models} cannot be read: {error.strerror}.") from error
    for name, versions in listing.items():
        for version in versions:
            table.add_row(*_cells(models, name, version))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(table if listing else f"No version is published in {models}.")


def _cells(models: Path, name: str, version: int) -> list[str]:
    try:
        manifest = bundle.read_manifest(models / name / str(version))
    except InvalidBundle:
        return [name, str(version), "cannot be read", "", "", "", ""]
    return [
        name,
        str(version) if manifest.default else f"{version} (by number)",
        manifest.task,
        manifest.origin.data,
        main_score(manifest),
        network_size(manifest),
        manifest.origin.created[:10],
    ]


def main_score(manifest: Manifest) -> str:
    """Return the main score of a version on its test part, with its standard error."""
    scores = manifest.scores.get("test", {})
    metric = next((name for name in (*_MAIN_SCORES, *scores) if name in scores), None)
    if metric is None:
        return "not scored"
    error = scores.get(f"{metric}_standard_error")
    spread = "" if error is None else f" ± {format_error(error)}"
    return f"{metric.replace('_', ' ')} {scores[metric]:.5g}{spread}"


def network_size(manifest: Manifest) -> str:
    """Return the size of the file that the service runs."""
    served = manifest.files.get(bundle.ONNX_NAME) or manifest.files.get(bundle.KERAS_NAME)
    return "" if served is None else f"{served.size_bytes / 1000:,.0f} kB"
