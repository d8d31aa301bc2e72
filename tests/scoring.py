"""Jobs over small inputs, scored in this process, and what a folder of parts holds."""

import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vitrine.block_stream import FileKind
from vitrine.bundle import manifest_digest, read_manifest
from vitrine.options import Options
from vitrine.scoring.job import Job, Part, PartRecord
from vitrine.scoring.part_scorer import RECORDS, PartScorer
from vitrine.scoring.run import Outcome, score_in_parts

REPORT = Options(report=True)
_POLL_SECONDS = 0.01


def make_job(version: Path, source: Path | str, output: Path | str, **changes: Any) -> Job:
    """Describe a job over a file, a folder or a prefix."""
    is_file = isinstance(source, Path) and source.is_file()
    manifest = read_manifest(version)
    given: dict[str, Any] = {
        "model": manifest.name,
        "version": manifest.version,
        "manifest_sha256": manifest_digest(version),
        "input": str(source.parent if is_file and isinstance(source, Path) else source),
        "file": source.name if is_file and isinstance(source, Path) else None,
        "output": str(output),
        "options": REPORT,
        "coverage": 0.9,
        "max_row_bytes": 1024,
        "max_pixels": 10_000,
    }
    return Job(**{**given, **changes})


def score_in_this_process(job: Job, folder: Path, parts: Iterable[Part]) -> Iterator[PartRecord]:
    """Score parts one after the other: the simplest executor."""
    yield from map(PartScorer(job, folder).score, parts)


def scored(
    version: Path,
    source: Path | str,
    output: Path | str,
    *,
    kind: FileKind | None = None,
    **changes: Any,
) -> Outcome:
    """Score an input into a folder of parts."""
    job = make_job(version, source, output, **changes)
    manifest = read_manifest(version)
    return score_in_parts(
        job, version, manifest, score_in_this_process, kind=kind, watch=lambda _: None
    )


def parts_of(output: Path) -> list[Path]:
    """Return the files of the parts, in order."""
    return sorted(output.glob("part-*"))


def count_finished(output: Path) -> int:
    """Return the number of parts that are finished."""
    return len(list((output / RECORDS).glob("*.json")))


def wait_for_parts(process: "subprocess.Popen[Any]", output: Path, count: int) -> None:
    """Wait until a command has finished so many parts.

    Raises:
        RuntimeError: It has ended before.
    """
    while count_finished(output) < count:
        if process.poll() is not None:
            raise RuntimeError(f"The command ended before {count} parts were finished.")
        time.sleep(_POLL_SECONDS)


def joined(output: Path) -> bytes:
    """Return the CSV file that the parts are together, with the header of the first one."""
    first, *others = [path.read_bytes().split(b"\n", 1) for path in parts_of(output)]
    return b"\n".join(first) + b"".join(rows for _, rows in others)
