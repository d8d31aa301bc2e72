"""Two versions of a model side by side, on instances that neither was trained on."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.progress import stretch
from training.versions.held_out import HeldOutOptions, ModelPair, find_held_out
from training.versions.listing import main_score, network_size
from training.versions.published import load_published
from training.versions.scores import PairedScore, describe_changes, score_pair
from vitrine.bundle import Manifest
from vitrine.signature import LabelsOutput, OutputSpec, ProbabilitiesOutput


def print_diff(models: Path, name: str, versions: tuple[int, int], options: HeldOutOptions) -> None:
    """Print what two versions take, cost, score and predict.

    Args:
        models: Folder of the published models.
        name: Name of the model.
        versions: Numbers of the two versions.
        options: Where instances are found that both versions can predict.

    Raises:
        CannotTrain: There is no such version, or there are no such instances.
    """
    pair = (
        load_published(models, name, versions[0]),
        load_published(models, name, versions[1]),
    )
    console = Console(highlight=False, markup=False)
    console.print(_facts_table(pair))
    with stretch("Reading instances that both versions can predict"):
        held_out = find_held_out(pair, options)
    for line in held_out.notes:
        console.print(line, soft_wrap=True)
    with stretch("Predicting with both versions"):
        values = (
            pair[0].predict(held_out.instances[0]).values,
            pair[1].predict(held_out.instances[1]).values,
        )
    console.print(_scores_table(pair, score_pair(pair, values, held_out)))
    for line in describe_changes(pair, values, held_out):
        console.print(line, soft_wrap=True)


def _facts_table(pair: ModelPair) -> Table:
    table = _empty_table("", pair)
    first, second = (_facts(model.manifest) for model in pair)
    for heading, fact in first.items():
        table.add_row(heading, fact, second[heading])
    return table


def _empty_table(heading: str, pair: ModelPair) -> Table:
    table = Table(heading, *(f"version {model.version}" for model in pair), box=None)
    for column in table.columns[1:]:
        column.overflow = "fold"
    return table


def _facts(manifest: Manifest) -> dict[str, str]:
    return {
        "published": manifest.origin.created,
        "answers by default": "yes" if manifest.default else "no, only by its number",
        "data": manifest.origin.data,
        "inputs": _inputs_text(manifest),
        "outputs": ", ".join(map(_output_text, manifest.signature.outputs)),
        "its own test": main_score(manifest),
        "size": network_size(manifest),
        "multiply-adds": _count_text(manifest.multiply_adds),
        "parameters": _count_text(manifest.parameters),
    }


def _inputs_text(manifest: Manifest) -> str:
    picture = manifest.signature.picture
    if picture is not None:
        size = " x ".join(map(str, picture.shape))
        return f"picture {size}, {picture.geometry} {picture.geometry_version}"
    kinds = {spec.name: type(spec).__name__ for spec in manifest.signature.columns}
    return ", ".join(
        f"{name} ({kind.removesuffix('Input').lower()})" for name, kind in kinds.items()
    )


def _output_text(spec: OutputSpec) -> str:
    if isinstance(spec, ProbabilitiesOutput | LabelsOutput):
        return f"{spec.name} of {len(spec.labels)} labels"
    return spec.name


def _count_text(number: int | None) -> str:
    return "not counted" if number is None else f"{number:,}"


def _scores_table(pair: ModelPair, scores: Sequence[PairedScore]) -> Table:
    table = _empty_table("score", pair)
    table.add_column("difference ± standard error")
    for score in scores:
        table.add_row(
            score.name,
            *(f"{each:.5g}" for each in score.scores),
            f"{score.difference:+.3g} ± {score.error:.2g}",
        )
    return table
