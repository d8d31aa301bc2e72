"""The data that studies look at: a picture set or a table, with what is to be told from it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.columns import Overrides
from training.datasets.embedded import find_table
from training.datasets.pictures import (
    PICTURE_SETS,
    Part,
    PictureSet,
    default_cache,
    load_pictures,
    picture_set,
)
from training.datasets.tables import TablePart, load_table
from training.datasets.targets import Task
from training.errors import CannotTrain
from training.studies.networks import Problem, Sample, matrix
from training.studies.runs import About


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which data.

    Attributes:
        data: The name of a picture set or of an embedded table, a folder of pictures, or a CSV
            file.
        targets: A table's columns to predict; an embedded one's are known.
        task: What they are, where that is said.
        overrides: Kinds of columns that are given.
        folder: That holds the picture set's folder; None to download.
        size: Of a folder's pictures as networks take them, in pixels a side.
        limit: Use only so many of the pictures that are not for the test.
        seed: Of the split.
    """

    data: str
    targets: tuple[str, ...] = ()
    task: Task | None = None
    overrides: Overrides = field(default_factory=Overrides)
    folder: Path | None = None
    size: int = 32
    limit: int | None = None
    seed: int = 0

    @property
    def shows_pictures(self) -> bool:
        """Whether it is a picture set or a folder of pictures."""
        return self.data in PICTURE_SETS or Path(self.data).is_dir()

    @property
    def pictures(self) -> PictureSet:
        """The set of pictures."""
        return picture_set(self.data, size=self.size)

    @property
    def name(self) -> str:
        """What the data is called, without the folders it lies in."""
        return self.pictures.name if self.shows_pictures else Path(self.data).stem

    @property
    def table(self) -> tuple[Path, tuple[str, ...]]:
        """The table's file and the columns to predict.

        Raises:
            CannotTrain: They are not said.
        """
        return find_table(self.data, self.targets, default_cache())

    @property
    def reading(self) -> dict[str, Any]:
        """How the data is read, which its hash does not tell.

        Raises:
            CannotTrain: A table's columns to predict are not said.
        """
        if not self.shows_pictures:
            return {"target": self.table[1], **asdict(self.overrides)}
        return {} if self.data in PICTURE_SETS else {"size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Data that a study looks at.

    Attributes:
        name: What it is called.
        sha256: Of all the data.
        problem: What is to be told.
        train: What networks are fitted on.
        validation: What the study scores: all that a training would spare for choosing and for
            calibration, for a study calibrates nothing.
        test: Kept for one last look.
        reading: How the data was read, which its hash does not tell.
    """

    name: str
    sha256: str
    problem: Problem
    train: Sample
    validation: Sample
    test: Sample
    reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        """Instances in each part."""
        return {name: len(getattr(self, name)) for name in ("train", "validation", "test")}

    def about(self, study: str, *, command: str, seed: int, **options: Any) -> About:
        """Say what a study of this data is.

        Args:
            study: Which one.
            command: As typed, for the record.
            seed: Of every random choice.
            **options: What else decides what comes out, besides how the data is read.
        """
        return About(
            study=study,
            command=command,
            data=self.name,
            data_sha256=self.sha256,
            sizes=self.sizes,
            seed=seed,
            options={**self.reading, "task": self.problem.task, **options},
        )


def load_subject(asked: Asked) -> Subject:
    """Load a picture set or a table, split by seed.

    Raises:
        CannotTrain: It cannot be had, or does not hold what is needed.
    """
    return _load_pictures(asked) if asked.shows_pictures else _load_table(asked)


def _load_pictures(asked: Asked) -> Subject:
    if asked.targets:
        raise CannotTrain(f"--target is of tables; {asked.name} is a set of pictures.")
    pictures = asked.pictures
    parts = load_pictures(
        pictures, data=asked.folder, cache=default_cache(), seed=asked.seed, limit=asked.limit
    )
    return Subject(
        name=pictures.name,
        sha256=parts.sha256,
        problem=Problem(task="multiclass", classes=len(parts.labels)),
        train=_of_pictures([parts.train]),
        validation=_of_pictures([parts.validation, parts.calibration, parts.held_out]),
        test=_of_pictures([parts.test]),
        reading=asked.reading,
    )


def _of_pictures(parts: Sequence[Part]) -> Sample:
    return Sample(
        np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    )


def _load_table(asked: Asked) -> Subject:
    file, targets = asked.table
    parts = load_table(file, targets, asked.overrides, seed=asked.seed, task=asked.task)
    return Subject(
        name=asked.name,
        sha256=parts.sha256,
        problem=Problem(
            task=parts.target.task, classes=max(1, len(parts.target.labels)), specs=parts.specs
        ),
        train=_of_table([parts.train]),
        validation=_of_table([parts.validation, parts.calibration]),
        test=_of_table([parts.test]),
        reading=asked.reading,
    )


def _of_table(parts: Sequence[TablePart]) -> Sample:
    return Sample(
        np.concatenate([matrix(part.rows) for part in parts]),
        np.concatenate([part.y for part in parts]),
    )
