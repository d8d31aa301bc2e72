"""The executor of this machine: real processes, some of which are killed."""

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.fakes import table
from tests.scoring import REPORT, make_job, parts_of, scored
from vitrine.bundle import read_manifest
from vitrine.options import Options
from vitrine.scoring.job import CannotScore, Job, Part
from vitrine.scoring.local import score_here
from vitrine.scoring.splitting import Input


def parts(job: Job, version: Path) -> Iterator[Part]:
    """Return the parts of a job."""
    source = Input(job, read_manifest(version))
    source.check()
    return source.parts()


@pytest.fixture
def job(rooms: Path, source: Path, output: Path) -> Job:
    """A job of some parts, of which the later ones have a faulty row."""
    (source / "rows.csv").write_bytes(table(600, bad=[250, 550]))
    output.mkdir()
    return make_job(rooms, source, output, part_bytes=500)


def blocked_signals(process: int) -> int:
    """Return the signals that wait for a process until it wants them, one bit for each."""
    _, _, rest = Path(f"/proc/{process}/status").read_text().partition("SigBlk:")
    return int(rest.split()[0], base=16)


def test_no_process_sees_an_interrupt(rooms: Path, job: Job) -> None:
    records = score_here(job, rooms, parts(job, rooms))
    next(records)

    seen = [blocked_signals(child.pid or 0) for child in multiprocessing.active_children()]

    records.close()  # type: ignore[attr-defined]
    assert seen
    assert all(each & 1 << (signal.SIGINT - 1) for each in seen)


def test_processes_write_what_one_process_writes(
    rooms: Path, source: Path, output: Path, tmp_path: Path, job: Job
) -> None:
    records = list(score_here(job, rooms, parts(job, rooms)))

    scored(rooms, source, tmp_path / "one", part_bytes=500)
    assert sum(record.rows for record in records) == 600
    assert [path.read_bytes() for path in parts_of(output)] == [
        path.read_bytes() for path in parts_of(tmp_path / "one")
    ]
    assert not multiprocessing.active_children()


def test_first_of_several_failures_is_raised(
    rooms: Path, source: Path, output: Path, job: Job
) -> None:
    strict = make_job(rooms, source, output, part_bytes=500, options=Options())
    assert job.options == REPORT

    with pytest.raises(CannotScore, match="Line 252"):
        list(score_here(strict, rooms, parts(strict, rooms)))
    assert not multiprocessing.active_children()


def test_killed_process_is_named_and_no_other_is_left(rooms: Path, job: Job) -> None:
    def killing(planned: Iterable[Part]) -> Iterator[Part]:
        for number, part in enumerate(planned):
            if number == 3:
                for child in multiprocessing.active_children():
                    os.kill(child.pid or 0, signal.SIGKILL)
            yield part

    with pytest.raises(CannotScore, match=r"^A process ended while it scored part .*: signal 9\."):
        list(score_here(job, rooms, killing(parts(job, rooms))))
    assert not multiprocessing.active_children()


def test_processes_end_when_nobody_wants_more_parts(rooms: Path, job: Job) -> None:
    records = score_here(job, rooms, parts(job, rooms))
    next(records)

    records.close()  # type: ignore[attr-defined]

    assert not multiprocessing.active_children()
