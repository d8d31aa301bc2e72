"""The folder of parts: what is finished in it, and whether it belongs to the same job."""

import fcntl
import os
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import msgspec

from vitrine.errors import shown
from vitrine.scoring.job import CannotScore, InputFile, Job, PartRecord
from vitrine.scoring.part_scorer import FAULTY_ROWS, RECORDS, part_path
from vitrine.scoring.splitting import Summary
from vitrine.scoring.storage import is_bucket, open_storage, shown_path

JOB = "_job.json"
SUCCESS = "_SUCCESS"
# Records are small, and S3 takes tens of milliseconds for each.
_THREADS = 16
# A file of a part, and the name that a file has until it is whole.
_OF_PART = re.compile(rf"(?:{RECORDS}/|{FAULTY_ROWS}/)?part-(\d+-\d+)\.[a-z]+")
_UNNAMED = re.compile(rf"(?:{RECORDS}/|{FAULTY_ROWS}/)?\.(?:part-|{JOB}|{SUCCESS}).*\.\d+")
# Members of a job in words, where their names are not such.
_DIFFERENCES = {
    "manifest_sha256": "hash of the version's manifest",
    "report": "report of faulty rows",
    "abstain_below": "credibility to abstain below",
    "part_bytes": "number of bytes of a part",
    "max_row_bytes": "number of bytes of the longest row",
    "max_pixels": "number of pixels of the largest picture",
    "input_files": "number of input files",
    "input_bytes": "number of bytes of the input",
    "input_sha256": "hash of the input's names, sizes and times of change",
}
# Options of JSON answers.
_WITHOUT_EFFECT = frozenset(("top", "explain"))

_Content = TypeVar("_Content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What is in a finished folder.

    Attributes:
        model, version: The version that predicted.
        parts: Number of parts.
        rows: Number of rows, with and without faults.
        faulty_rows: Number of rows without a prediction.
        size_bytes: Number of bytes of the parts.
    """

    model: str
    version: int
    parts: int
    rows: int
    faulty_rows: int
    size_bytes: int


class OutputFolder:
    """A folder of parts, or a prefix of a bucket.

    Args:
        job: What is scored into it.
        summary: What shows a change of the input.
    """

    def __init__(self, job: Job, summary: Summary) -> None:
        self._storage = open_storage(job.output)
        self._job = job
        self._described = _described(job, summary)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other commands of this machine out; in the end, remove what is unfinished.

        Raises:
            CannotScore: Another command holds the folder, or it cannot be made.
        """
        if is_bucket(self._storage.url):  # S3 has no locks
            yield
            return
        try:
            os.makedirs(self._storage.url, exist_ok=True)  # noqa: PTH103 - a path as bytes has it
            folder = os.open(self._storage.url, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            place = shown_path(self._storage.url)
            raise CannotScore(f"{place} cannot be made: {error.strerror}.") from error
        try:
            self._lock(folder)
            try:
                yield
            finally:
                self._remove_unfinished(self._storage.files())
        finally:
            os.close(folder)

    def _lock(self, folder: int) -> None:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotScore(f"Another command writes into {self._storage.url}.") from None
        except OSError:  # some network file systems have no locks
            return

    def begin(self) -> dict[str, PartRecord]:
        """Begin a job, or go on with it: return the records of the finished parts, by name.

        What is left of other parts is removed.

        Raises:
            CannotScore: The folder belongs to another job, or to something else.
        """
        files = self._storage.files()
        sizes = {file.path: file.size_bytes for file in files}
        if JOB in sizes:
            self._compare(self._read(JOB, dict[str, Any]))
        else:
            self._check_empty(sizes)
            self._write(JOB, self._described)
        finished = self._finished(sizes)
        self._remove_unfinished(files, finished)
        return finished

    def totals(self, finished: Collection[str]) -> Totals | None:
        """Return what is in the folder, if it is finished.

        Where somebody has removed parts since, it is so no longer.

        Args:
            finished: Names of the parts that are there.
        """
        if self._storage.describe(SUCCESS) is None:
            return None
        totals = self._read(SUCCESS, Totals)
        if totals.parts == len(finished):
            return totals
        self._storage.remove(SUCCESS)
        return None

    def finish(self, records: Iterable[PartRecord]) -> Totals:
        """Say that all parts are there."""
        kept = list(records)
        totals = Totals(
            model=self._job.model,
            version=self._job.version,
            parts=len(kept),
            rows=sum(record.rows for record in kept),
            faulty_rows=sum(record.faulty_rows for record in kept),
            size_bytes=sum(record.size_bytes for record in kept),
        )
        self._write(SUCCESS, asdict(totals))
        return totals

    def _check_empty(self, paths: Iterable[str]) -> None:
        others = [path for path in sorted(paths) if not path.startswith(".")]
        if others:
            raise CannotScore(
                f"{self._storage.url} holds {shown(shown_path(others[0]))}, which belongs to no "
                "job. Name a new folder."
            )

    def _compare(self, before: Mapping[str, Any]) -> None:
        """Refuse to go on with another job."""
        for name, now in self._described.items():
            if before.get(name) != now:
                raise CannotScore(
                    f"{self._storage.url} holds another job: its {_DIFFERENCES.get(name, name)} "
                    f"was {_told(before.get(name))}, and is {_told(now)} now. Name a new folder."
                )

    def _finished(self, sizes: Mapping[str, int]) -> dict[str, PartRecord]:
        """Read the records of the parts whose files are whole."""
        paths = [path for path in sizes if path.startswith(f"{RECORDS}/") and _part_of(path)]
        with ThreadPoolExecutor(_THREADS) as threads:
            records = list(threads.map(lambda path: self._read(path, PartRecord), paths))
        return {
            record.name: record
            for record in records
            if sizes.get(part_path(record.name, self._job.kind)) == record.size_bytes
        }

    def _remove_unfinished(
        self, files: Iterable[InputFile], finished: Container[str] | None = None
    ) -> None:
        """Remove files that were not renamed, and those of parts that are not finished."""
        for file in files:
            part = _part_of(file.path)
            is_left = finished is not None and part is not None and part not in finished
            if is_left or _UNNAMED.fullmatch(file.path):
                self._storage.remove(file.path)

    def _read(self, path: str, kind: type[_Content]) -> _Content:
        try:
            with self._storage.open(path) as stream:
                return msgspec.json.decode(stream.read(), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise CannotScore(f"{self._storage.url}/{path} is damaged. Remove it.") from None

    def _write(self, path: str, value: Mapping[str, Any]) -> None:
        with self._storage.writing(path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")


def _part_of(path: str) -> str | None:
    """Return the name of the part to which a file belongs."""
    found = _OF_PART.fullmatch(path)
    return found and found[1]


def _described(job: Job, summary: Summary) -> dict[str, Any]:
    """Describe a job by plain values, the input by what shows its changes."""
    given = asdict(job)
    del given["output"]
    options = given.pop("options")
    file = "" if job.file is None else f"/{job.file}"
    return {
        "model": given.pop("model"),
        "version": given.pop("version"),
        "manifest_sha256": given.pop("manifest_sha256"),
        "input": shown_path(f"{given.pop('input')}{file}"),
        "format": given.pop("kind").name.lower(),
        **{name: value for name, value in options.items() if name not in _WITHOUT_EFFECT},
        "coverage": job.coverage if job.options.coverage is None else job.options.coverage,
        **{name: value for name, value in given.items() if name not in {"file", "coverage"}},
        "input_files": summary.files,
        "input_bytes": summary.size_bytes,
        "input_sha256": summary.sha256,
    }


def _told(value: object) -> str:
    return "none" if value is None else shown(value) if isinstance(value, str) else str(value)
