"""Instances that neither of two versions was trained on, with their true targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.cache import default_cache
from training.datasets.csv_files import hash_file, read_csv
from training.datasets.picture_sets import PICTURE_SETS, PictureSet, find_picture_set
from training.datasets.pictures import load_pictures
from training.datasets.table_splits import split_off_test_rows
from training.datasets.targets import Task, read_targets
from training.errors import CannotTrain
from vitrine.bundle import Manifest
from vitrine.model import Model
from vitrine.signature import AnomalyOutput, Instances, LabelsOutput, ProbabilitiesOutput
from vitrine.tables.cells import parse
from vitrine.tables.files import Table

ModelPair = tuple[Model, Model]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Instances with their true targets.

    Attributes:
        instances: Raw values as the first version takes them, and as the second one does.
        y: True values, codes of `labels`, or which labels each instance has.
        labels: Class labels; empty for a regression.
        notes: What the instances are, and why they may not be fair to one of the versions.

    Shapes:
        y: (n,), or (n, labels).
    """

    instances: tuple[Instances, Instances]
    y: NDArray[Any]
    labels: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutOptions:
    """Where the instances are found.

    Attributes:
        file: CSV file with the target, for a model of tables.
        pictures: Name of a published set or a folder, for a model of pictures. None for the set
            that one of the versions was trained on.
        data: Folder that holds published picture sets; None to download.
    """

    file: Path | None = None
    pictures: str | None = None
    data: Path | None = None


def find_held_out(
    pair: ModelPair, options: HeldOutOptions, *, sets: Mapping[str, PictureSet] = PICTURE_SETS
) -> HeldOut:
    """Find instances that both versions can predict.

    Args:
        pair: The two versions.
        options: Where the instances are found.
        sets: Published picture sets by name.

    Raises:
        CannotTrain: The versions predict different things, or no data is given.
    """
    first, second = (model.manifest for model in pair)
    _check_comparable(first, second)
    if first.signature.picture is not None:
        return _held_out_pictures(pair, options, sets)
    if options.file is None:
        raise CannotTrain(
            f"Give a file with the rows and the target with --file. Version {first.version} was "
            f"trained on {first.origin.data}."
        )
    return _held_out_rows(pair, options.file)


def _check_comparable(first: Manifest, second: Manifest) -> None:
    if (first.task, first.target) != (second.task, second.target):
        raise CannotTrain(
            f"Both versions must predict the same. Version {first.version} is a {first.task} of "
            f"{first.target}, and version {second.version} is a {second.task} of {second.target}."
        )
    if isinstance(first.signature.prediction, AnomalyOutput):
        raise CannotTrain(
            "Versions that detect anomalies cannot be compared: no data says how anomalous an "
            "instance really is."
        )
    if (first.signature.picture is None) != (second.signature.picture is None):
        raise CannotTrain("One version takes pictures and the other takes rows.")


def _held_out_pictures(
    pair: ModelPair, options: HeldOutOptions, sets: Mapping[str, PictureSet]
) -> HeldOut:
    pictures = _find_set(pair, options, sets)
    parts = load_pictures(pictures, data=options.data, cache=default_cache(), seed=0)
    notes = [f"On the {len(parts.test):,} pictures of the test part of {pictures.name}:"]
    notes += [
        _unfairness_note(model, pictures.name)
        for model in pair
        if model.manifest.origin.data_sha256 != parts.sha256
    ]
    instances = {pair[0].manifest.signature.inputs[0].name: parts.test.x}
    return HeldOut((instances, instances), parts.test.y, parts.labels, tuple(notes))


def _find_set(
    pair: ModelPair, options: HeldOutOptions, sets: Mapping[str, PictureSet]
) -> PictureSet:
    if options.pictures is not None:
        side = pair[0].manifest.signature.inputs[0].shape[0]
        is_known = options.pictures in PICTURE_SETS
        return find_picture_set(options.pictures, size=None if is_known else side)
    names = [model.manifest.origin.data for model in pair]
    known = [name for name in names if name in sets]
    if not known:
        raise CannotTrain(
            "Give a picture set or a folder with --pictures. The versions were trained on "
            f"{' and '.join(names)}."
        )
    return sets[known[0]]


def _unfairness_note(model: Model, name: str) -> str:
    return (
        f"Version {model.version} was trained on other data, {model.manifest.origin.data}. It may "
        f"have seen some of {name} in training, or nothing like it."
    )


def _held_out_rows(pair: ModelPair, file: Path) -> HeldOut:
    names, task = _target(pair[0].manifest)
    sha256 = hash_file(file)
    table = _read_table(pair, file, names, sha256)
    targets = read_targets(table, names, task)
    rows = targets.usable
    notes = []
    for model in pair:
        count = model.manifest.origin.split.get("test")
        if model.manifest.origin.data_sha256 != sha256 or count is None:
            notes.append(_unfairness_note(model, file.name))
        else:
            rows = np.intersect1d(rows, split_off_test_rows(targets, count)[1])
            notes.append(f"These rows are in the test part of version {model.version}.")
    if not len(rows):
        raise CannotTrain(f"No row of {file} is in the test part of both versions.")
    return HeldOut(
        (_read_instances(pair[0], table, rows), _read_instances(pair[1], table, rows)),
        targets.y[rows],
        targets.target.labels,
        (f"On {len(rows):,} rows of {file.name}:", *notes),
    )


def _read_table(pair: ModelPair, file: Path, names: Sequence[str], sha256: str) -> Table:
    """Read a file; that of a version's training with the marks that its training gave numbers."""
    known = {model.manifest.origin.data_sha256: model.manifest.dialect for model in pair}
    dialect = known.get(sha256)
    if dialect is None:
        return read_csv(file, names)
    return read_csv(file, names, decimal=dialect.decimal, thousands=dialect.thousands)


def _target(manifest: Manifest) -> tuple[Sequence[str], Task]:
    """Return the columns that a version predicts, and what they are."""
    output = manifest.signature.prediction
    if isinstance(output, ProbabilitiesOutput):
        return (manifest.target,), "binary" if len(output.labels) == 2 else "multiclass"
    if isinstance(output, LabelsOutput):
        return output.labels, "multilabel"
    return (manifest.target,), "regression"


def _read_instances(model: Model, table: Table, rows: NDArray[np.intp]) -> Instances:
    instances = {}
    for spec in model.manifest.signature.columns:
        if spec.name not in table.columns:
            raise CannotTrain(
                f"The file has no column {spec.name}, which version {model.version} takes."
            )
        texts = [table.columns[spec.name][row] or "" for row in rows]
        instances[spec.name] = parse(spec, texts, table.dialect).values
    return instances
