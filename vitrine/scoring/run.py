"""From an input to a finished folder of parts."""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vitrine.block_stream import FileKind
from vitrine.bundle import Manifest
from vitrine.scoring.job import CannotScore, Executor, Job, Part, PartRecord
from vitrine.scoring.output_folder import OutputFolder, Totals
from vitrine.scoring.splitting import Input
from vitrine.scoring.storage import resolved


@dataclass(slots=True)
class Progress:
    """How far a job is.

    Attributes:
        parts: Number of parts that were scored now.
        rows, faulty_rows: Number of their rows, and of those of them without a prediction.
        parts_before: Number of parts that were finished before.
        bytes_done: Bytes of the input that are in all of these parts.
        bytes_in_all: Bytes of the input.
    """

    parts: int = 0
    rows: int = 0
    faulty_rows: int = 0
    parts_before: int = 0
    bytes_done: int = 0
    bytes_in_all: int = 0


Watch = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job.

    Attributes:
        totals: What is in the finished folder.
        progress: What was done for it now.
        left_out: Paths of the files in the input that were not scored.
    """

    totals: Totals
    progress: Progress
    left_out: Sequence[str] = ()


def score_in_parts(
    job: Job,
    folder: Path,
    manifest: Manifest,
    executor: Executor,
    *,
    kind: FileKind | None,
    watch: Watch,
) -> Outcome:
    """Score an input into a folder of parts, or go on where that was stopped.

    Args:
        job: What is scored.
        folder: Folder of the version.
        manifest: Its manifest.
        executor: Scores the parts.
        kind: Format of the parts; None for that of the input.
        watch: Is called at the beginning, and after each part.

    Raises:
        CannotScore: The input or a part cannot be scored, or the output belongs to something else.
    """
    _check_places(job)
    source = Input(job, manifest)
    job = replace(job, kind=kind or source.kind())
    source.check()  # first, so that a folder is only made for an input that fits the model
    summary = source.summary()
    output = OutputFolder(job, summary)
    with output.held():
        finished = output.begin()
        totals = output.totals(finished)
        if totals is not None:
            progress = Progress(parts_before=totals.parts)
            return Outcome(totals=totals, progress=progress, left_out=source.left_out)
        plan = _Plan(source.parts(), finished, Progress(bytes_in_all=summary.size_bytes))
        watch(plan.progress)
        for record in executor(job, folder, plan):
            plan.add(record)
            watch(plan.progress)
        records = [*finished.values(), *plan.records.values()]
        plan.check()
        totals = output.finish(records)
    return Outcome(totals=totals, progress=plan.progress, left_out=source.left_out)


def _check_places(job: Job) -> None:
    """Refuse an output among the input, where it would be taken for a part of it."""
    is_within = f"{resolved(job.output)}/".startswith(f"{resolved(job.input)}/")
    if job.file is None and is_within:
        raise CannotScore(f"The output {job.output} must not be in the input {job.input}.")


@dataclass(slots=True)
class _Plan(Iterator[Part]):
    """The parts that are not finished, counted as they are asked for and as they come back.

    Attributes:
        parts: All parts of the input.
        finished: Names of those that are finished.
        progress: How far the job is.
        sizes: Name of each part that was asked for, and is not finished -> bytes of its input.
        records: Records of the parts that were scored now, by their names.
    """

    parts: Iterator[Part]
    finished: Container[str]
    progress: Progress
    sizes: dict[str, int] = field(default_factory=dict)
    records: dict[str, PartRecord] = field(default_factory=dict)

    def __next__(self) -> Part:
        for part in self.parts:
            if part.name not in self.finished:
                self.sizes[part.name] = part.size_bytes
                return part
            self.progress.parts_before += 1
            self.progress.bytes_done += part.size_bytes
        raise StopIteration

    def add(self, record: PartRecord) -> None:
        """Take note of a part that was scored."""
        self.records[record.name] = record
        self.progress.parts += 1
        self.progress.rows += record.rows
        self.progress.faulty_rows += record.faulty_rows
        self.progress.bytes_done += self.sizes.pop(record.name)

    def check(self) -> None:
        """Refuse to call a job finished that is not."""
        if self.sizes:
            raise CannotScore(f"{len(self.sizes)} parts were not scored. The same command goes on.")
