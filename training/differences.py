"""Two versions of a model side by side, on the same instances that neither was trained on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Lines

from training import catalogue
from training.datasets.cache import default_cache
from training.datasets.csv_files import hash_file, read_csv
from training.datasets.picture_sets import PICTURE_SETS, PictureSet, find_picture_set
from training.datasets.pictures import load_pictures
from training.datasets.table_splits import split_off_test_rows
from training.datasets.targets import Targets, Task, read_targets
from training.errors import CannotTrain
from vitrine.bundle import Manifest
from vitrine.model import Model
from vitrine.predictions import Values, given_labels
from vitrine.signature import (
    AnomalyOutput,
    Instances,
    LabelsOutput,
    OutputSpec,
    ProbabilitiesOutput,
)
from vitrine.tables.cells import parse
from vitrine.tables.files import Table

_PAIRS_SHOWN = 10
Both = tuple[Model, Model]
Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Instances with their truth.

    Attributes:
        instances: Raw values, for each of both versions as it takes them.
        y: Values, codes of `labels`, or which of them each instance has.
        labels: Of the classes; none of a regression.
        said: What they are, and why they may not be fair to one of both.

    Shapes:
        y: (n,), or (n, labels).
    """

    instances: tuple[Instances, Instances]
    y: NDArray[Any]
    labels: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One measure of both versions on the same instances.

    Attributes:
        name: Of the measure.
        scores: Of both.
        error: Standard error of the difference, had other instances been drawn.
    """

    name: str
    scores: tuple[float, float]
    error: float

    @property
    def difference(self) -> float:
        """The second less the first."""
        return self.scores[1] - self.scores[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What two versions are to be asked about.

    Attributes:
        file: Rows with the target, for a table's model.
        pictures: The name of a published set or a folder, for a model of pictures; None for the set
            that one of the versions was made from.
        data: Folder that holds published sets of pictures; None to download.
    """

    file: Path | None = None
    pictures: str | None = None
    data: Path | None = None


def print_difference(models: Path, name: str, versions: tuple[int, int], asked: Asked) -> None:
    """Print two versions side by side.

    Args:
        models: Where versions lie.
        name: The model's.
        versions: The two.
        asked: What they are to be asked about.

    Raises:
        CannotTrain: There is no such version, or nothing that both can be asked about.
    """
    both = (catalogue.load(models, name, versions[0]), catalogue.load(models, name, versions[1]))
    console = Console(highlight=False, markup=False)
    console.print(_described(both))
    held_out = find_held_out(both, asked)
    for line in held_out.said:
        console.print(line, soft_wrap=True)
    values = (
        both[0].predict(held_out.instances[0]).values,
        both[1].predict(held_out.instances[1]).values,
    )
    console.print(_scored(both, compare(both, values, held_out)))
    for line in changes(both, values, held_out):
        console.print(line, soft_wrap=True)


def _described(both: Both) -> Lines:
    lines = _lines("", both)
    first, second = (_facts(model.manifest) for model in both)
    for heading, fact in first.items():
        lines.add_row(heading, fact, second[heading])
    return lines


def _lines(heading: str, both: Both) -> Lines:
    lines = Lines(heading, *(f"version {model.version}" for model in both), box=None)
    for column in lines.columns[1:]:
        column.overflow = "fold"
    return lines


def _inputs(manifest: Manifest) -> str:
    picture = manifest.signature.picture
    if picture is not None:
        size = " x ".join(map(str, picture.shape))
        return f"picture {size}, {picture.geometry} {picture.geometry_version}"
    kinds = {spec.name: type(spec).__name__ for spec in manifest.signature.columns}
    return ", ".join(
        f"{name} ({kind.removesuffix('Input').lower()})" for name, kind in kinds.items()
    )


def _output(spec: OutputSpec) -> str:
    if isinstance(spec, ProbabilitiesOutput | LabelsOutput):
        return f"{spec.name} of {len(spec.labels)} labels"
    return spec.name


def _count(number: int | None) -> str:
    return "not counted" if number is None else f"{number:,}"


def _facts(manifest: Manifest) -> dict[str, str]:
    return {
        "published": manifest.origin.created,
        "data": manifest.origin.data,
        "inputs": _inputs(manifest),
        "outputs": ", ".join(map(_output, manifest.signature.outputs)),
        "its own test": catalogue.main_score(manifest),
        "size": catalogue.size(manifest),
        "multiply-adds": _count(manifest.multiply_adds),
        "parameters": _count(manifest.parameters),
    }


def find_held_out(
    both: Both, asked: Asked, *, sets: Mapping[str, PictureSet] = PICTURE_SETS
) -> HeldOut:
    """Find instances that both can be asked about.

    Args:
        both: The versions.
        asked: Where they are.
        sets: The published sets by name.

    Raises:
        CannotTrain: They predict different things, or no data is at hand.
    """
    first, second = (model.manifest for model in both)
    if (first.task, first.target) != (second.task, second.target):
        raise CannotTrain(
            f"Both versions must predict the same: version {first.version} is a {first.task} of "
            f"{first.target}, version {second.version} a {second.task} of {second.target}."
        )
    if isinstance(first.signature.prediction, AnomalyOutput):
        raise CannotTrain("Nothing tells how strange an instance is in truth: there is no score.")
    if (first.signature.picture is None) != (second.signature.picture is None):
        raise CannotTrain("One version takes pictures and the other takes rows.")
    if first.signature.picture is not None:
        return _held_out_pictures(both, asked, sets)
    if asked.file is None:
        raise CannotTrain(f"Say with --file where the rows are: {first.origin.data}.")
    return _held_out_rows(both, asked.file)


def _held_out_pictures(both: Both, asked: Asked, sets: Mapping[str, PictureSet]) -> HeldOut:
    pictures = _picture_set(both, asked, sets)
    parts = load_pictures(pictures, data=asked.data, cache=default_cache(), seed=0)
    said = [f"On the {len(parts.test):,} pictures of the test part of {pictures.name}:"]
    said += [
        _unfair(model, pictures.name)
        for model in both
        if model.manifest.origin.data_sha256 != parts.sha256
    ]
    instances = {both[0].manifest.signature.inputs[0].name: parts.test.x}
    return HeldOut((instances, instances), parts.test.y, parts.labels, tuple(said))


def _picture_set(both: Both, asked: Asked, sets: Mapping[str, PictureSet]) -> PictureSet:
    if asked.pictures is not None:
        return find_picture_set(asked.pictures, size=both[0].manifest.signature.inputs[0].shape[0])
    names = [model.manifest.origin.data for model in both]
    known = [name for name in names if name in sets]
    if not known:
        raise CannotTrain(
            "Say with --pictures which set, or which folder, they are to be compared on: they were "
            f"made from {' and '.join(names)}."
        )
    return sets[known[0]]


def _unfair(model: Model, name: str) -> str:
    return (
        f"Version {model.version} was made from other data, {model.manifest.origin.data}: it may "
        f"know some of {name}, or nothing like it."
    )


def _held_out_rows(both: Both, file: Path) -> HeldOut:
    table = read_csv(file)
    sha256 = hash_file(file)
    targets = _targets(both[0].manifest, table)
    places = targets.usable
    said = []
    for model in both:
        count = model.manifest.origin.split.get("test")
        if model.manifest.origin.data_sha256 != sha256 or count is None:
            said.append(_unfair(model, file.name))
        else:
            places = np.intersect1d(places, split_off_test_rows(targets, count)[1])
            said.append(f"Only those are taken that version {model.version} was tested on.")
    if not len(places):
        raise CannotTrain(f"No row of {file} is in the test part of both versions.")
    return HeldOut(
        (_rows(both[0], table, places), _rows(both[1], table, places)),
        targets.y[places],
        targets.target.labels,
        (f"On {len(places):,} rows of {file.name}:", *said),
    )


def _targets(manifest: Manifest, table: Table) -> Targets:
    output = manifest.signature.prediction
    names: Sequence[str] = (manifest.target,)
    task: Task = "regression"
    if isinstance(output, ProbabilitiesOutput):
        task = "binary" if len(output.labels) == 2 else "multiclass"
    elif isinstance(output, LabelsOutput):
        names, task = output.labels, "multilabel"
    return read_targets(table, names, task)


def _rows(model: Model, table: Table, places: NDArray[np.intp]) -> Instances:
    instances = {}
    for spec in model.manifest.signature.columns:
        if spec.name not in table.columns:
            raise CannotTrain(f"The file lacks {spec.name}, which version {model.version} takes.")
        texts = [table.columns[spec.name][place] or "" for place in places]
        instances[spec.name] = parse(spec, texts, table.dialect).values
    return instances


def compare(both: Both, values: tuple[Values, Values], held_out: HeldOut) -> list[Score]:
    """Score both on the same instances.

    Args:
        both: The versions.
        values: What they predict.
        held_out: The truth.
    """
    y = held_out.y
    if not held_out.labels:
        squares = [(each.astype(np.float64) - y) ** 2 for each in values]
        sizes = [np.sqrt(each) for each in squares]
        return [_rmse(squares[0], squares[1]), _mean("mean absolute error", sizes[0], sizes[1])]
    aligned = [
        _aligned(model, each, held_out.labels) for model, each in zip(both, values, strict=True)
    ]
    if y.ndim == 2:
        right = [(given_labels(each) == (y > 0.5)).mean(axis=1) for each in aligned]
        return [_mean("labels that are right", right[0], right[1])]
    right = [(each.argmax(axis=1) == y).astype(np.float64) for each in aligned]
    losses = [-np.log(np.maximum(each[np.arange(len(y)), y], 1e-12)) for each in aligned]
    return [_mean("accuracy", right[0], right[1]), _mean("log loss", losses[0], losses[1])]


def _aligned(model: Model, values: Values, labels: Sequence[str]) -> Values:
    """Bring probabilities into the order of the labels; a label that is not known has none."""
    output = model.manifest.signature.prediction
    known = output.labels if isinstance(output, ProbabilitiesOutput | LabelsOutput) else ()
    aligned = np.zeros((len(values), len(labels)), np.float32)
    for place, label in enumerate(labels):
        if label in known:
            aligned[:, place] = values[:, known.index(label)]
    return aligned


def _mean(name: str, first: Numbers, second: Numbers) -> Score:
    return Score(name, (float(first.mean()), float(second.mean())), _error(second - first))


def _rmse(first: Numbers, second: Numbers) -> Score:
    """Compare roots of mean squares; the error is the delta method's."""
    roots = (float(np.sqrt(first.mean())), float(np.sqrt(second.mean())))
    typical = sum(roots) / 2
    return Score("RMSE", roots, _error(second - first) / (2 * typical) if typical else 0.0)


def _error(differences: Numbers) -> float:
    return float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else 0


def _scored(both: Both, scores: Sequence[Score]) -> Lines:
    lines = _lines("score", both)
    lines.add_column("difference ± standard error")
    for score in scores:
        lines.add_row(
            score.name,
            *(f"{each:.5g}" for each in score.scores),
            f"{score.difference:+.3g} ± {score.error:.2g}",
        )
    return lines


def changes(both: Both, values: tuple[Values, Values], held_out: HeldOut) -> list[str]:
    """Say how many answers differ, and which class labels became which."""
    n = len(held_out.y)
    if not held_out.labels:
        apart = np.abs(values[1].astype(np.float64) - values[0])
        return [
            f"Half of the answers are {np.median(apart):.4g} or more apart, a tenth "
            f"{np.quantile(apart, 0.9):.4g} or more, none more than {apart.max():.4g}."
        ]
    first, second = (
        _aligned(model, each, held_out.labels) for model, each in zip(both, values, strict=True)
    )
    if held_out.y.ndim == 2:
        differ = (given_labels(first) != given_labels(second)).any(axis=1)
        return [f"{differ.sum():,} of {n:,} answers differ."]
    before, after = first.argmax(axis=1), second.argmax(axis=1)
    differ = before != after
    before, after, truth = before[differ], after[differ], held_out.y[differ]
    pairs = Counter(zip(before.tolist(), after.tolist(), strict=True)).most_common(_PAIRS_SHOWN)
    return [
        f"{differ.sum():,} of {n:,} answers differ: {_mended((before, after), truth)}.",
        *(_pair(held_out.labels, pair, count) for pair, count in pairs),
    ]


def _mended(codes: tuple[Codes, Codes], y: NDArray[Any]) -> str:
    """Say of answers that differ how many of them got right."""
    better, worse = (int((each == y).sum()) for each in (codes[1], codes[0]))
    both_wrong = len(y) - better - worse
    return f"{better:,} right now, {worse:,} wrong now, {both_wrong:,} wrong both times"


def _pair(labels: Sequence[str], pair: tuple[int, int], count: int) -> str:
    return f"  {labels[pair[0]]} became {labels[pair[1]]}: {count:,}"
