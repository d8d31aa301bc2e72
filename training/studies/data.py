"""The data that a study uses: a picture set or a table, with the task that networks learn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.datasets.cache import default_cache
from training.datasets.column_kinds import Overrides
from training.datasets.embedded_tables import find_table
from training.datasets.picture_sets import (
    PICTURE_SETS,
    USUAL_SIDE,
    PictureSet,
    find_picture_set,
)
from training.datasets.pictures import Part, load_pictures
from training.datasets.tables import TablePart, load_table
from training.datasets.targets import Task
from training.errors import CannotTrain
from training.progress import stretch
from training.studies.networks import LearningTask, Sample, rows_as_matrix
from training.studies.study_folder import StudyDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSelection:
    """Which data a study uses, and how the data is read.

    Attributes:
        data: Name of a picture set or of an embedded table, folder of pictures, or CSV file.
        targets: Columns of a table to predict; those of an embedded table are known.
        task: Kind of the target; None to recognize it from the target columns.
        overrides: Kinds of columns that the user gave.
        folder: Folder that holds the folder of the picture set; None to download.
        size: Height and width of the pictures of a folder as networks take them, in pixels; None
            for the usual ones.
        limit: Largest number of pictures to use besides the test part; None for all.
        seed: Seed of the split.
    """

    data: str
    targets: tuple[str, ...] = ()
    task: Task | None = None
    overrides: Overrides = field(default_factory=Overrides)
    folder: Path | None = None
    size: int | None = None
    limit: int | None = None
    seed: int = 0

    @property
    def has_pictures(self) -> bool:
        """Whether the data is a picture set or a folder of pictures."""
        return self.data in PICTURE_SETS or Path(self.data).is_dir()

    @property
    def pictures(self) -> PictureSet:
        """The picture set."""
        return find_picture_set(self.data, size=self.size)

    @property
    def name(self) -> str:
        """Name of the data, without the folders it lies in."""
        return self.pictures.name if self.has_pictures else Path(self.data).stem

    def refuse_options_of_other_data(self) -> None:
        """Refuse options about pictures for a table, and options about columns for pictures.

        Raises:
            CannotTrain: Such an option would change nothing.
        """
        if not self.has_pictures and (self.limit, self.size) != (None, None):
            raise CannotTrain(f"--limit and --size are for pictures, but {self.name} is a table.")
        if self.has_pictures and (self.task is not None or self.overrides != Overrides()):
            raise CannotTrain(
                "--task and the options about columns are for tables, but "
                f"{self.name} is a set of pictures."
            )

    def find_table(self) -> tuple[Path, tuple[str, ...]]:
        """Return the file of the table and the columns to predict.

        Raises:
            CannotTrain: The columns to predict are not known.
        """
        return find_table(self.data, self.targets, default_cache())

    def reading_options(self) -> dict[str, Any]:
        """Return the options that decide how the data is read, which its hash does not cover.

        Raises:
            CannotTrain: The columns of a table to predict are not known.
        """
        if not self.has_pictures:
            return {"target": self.find_table()[1], **asdict(self.overrides)}
        return {} if self.data in PICTURE_SETS else {"size": self.size or USUAL_SIDE}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyData:
    """The data of a study, split into parts.

    Attributes:
        name: Name of the data.
        sha256: Hash of all the data.
        learning_task: Task that networks learn.
        train: Instances that networks are fitted on.
        validation: Instances that the study scores. A study calibrates nothing, so they include
            those that a training would keep for calibration.
        test: Instances for one final score.
        reading_options: Options that decided how the data was read.
    """

    name: str
    sha256: str
    learning_task: LearningTask
    train: Sample
    validation: Sample
    test: Sample
    reading_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of instances in each part."""
        return {name: len(getattr(self, name)) for name in ("train", "validation", "test")}

    def describe_study(
        self, study: str, *, command: str, seed: int, **options: Any
    ) -> StudyDescription:
        """Describe a study of this data.

        Args:
            study: Name of the study.
            command: Command as typed, for the record.
            seed: Seed of every random choice.
            **options: Everything else that decides the results, besides how the data is read.
        """
        return StudyDescription(
            study=study,
            command=command,
            data=self.name,
            data_sha256=self.sha256,
            sizes=self.sizes,
            seed=seed,
            options={**self.reading_options, "task": self.learning_task.task, **options},
        )


def load_study_data(selection: DataSelection) -> StudyData:
    """Load a picture set or a table, split by seed.

    Raises:
        CannotTrain: The data cannot be read, or does not hold what the study needs.
    """
    load = _load_pictures if selection.has_pictures else _load_table
    with stretch(f"Reading {selection.name}"):
        return load(selection)


def _load_pictures(selection: DataSelection) -> StudyData:
    if selection.targets:
        raise CannotTrain(f"--target is for tables, but {selection.name} is a set of pictures.")
    pictures = selection.pictures
    parts = load_pictures(
        pictures,
        data=selection.folder,
        cache=default_cache(),
        seed=selection.seed,
        limit=selection.limit,
    )
    return StudyData(
        name=pictures.name,
        sha256=parts.sha256,
        learning_task=LearningTask(task="multiclass", classes=len(parts.labels)),
        train=_picture_sample([parts.train]),
        validation=_picture_sample([parts.validation, parts.calibration, parts.held_out]),
        test=_picture_sample([parts.test]),
        reading_options=selection.reading_options(),
    )


def _picture_sample(parts: Sequence[Part]) -> Sample:
    return Sample(
        np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    )


def _load_table(selection: DataSelection) -> StudyData:
    file, targets = selection.find_table()
    parts = load_table(file, targets, selection.overrides, seed=selection.seed, task=selection.task)
    return StudyData(
        name=selection.name,
        sha256=parts.sha256,
        learning_task=LearningTask(
            task=parts.target.task, classes=max(1, len(parts.target.labels)), specs=parts.specs
        ),
        train=_table_sample([parts.train]),
        validation=_table_sample([parts.validation, parts.calibration]),
        test=_table_sample([parts.test]),
        reading_options=selection.reading_options(),
    )


def _table_sample(parts: Sequence[TablePart]) -> Sample:
    return Sample(
        np.concatenate([rows_as_matrix(part.rows) for part in parts]),
        np.concatenate([part.y for part in parts]),
    )
