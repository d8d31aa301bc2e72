"""A job from its beginning to its mark of success, stopped and begun again in between."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import write_table_bundle
from tests.fakes import table
from tests.scoring import make_job, parts_of, score_in_this_process, scored
from vitrine.bundle import read_manifest
from vitrine.options import Options
from vitrine.scoring.job import CannotScore, Job, Part, PartRecord
from vitrine.scoring.output_folder import OutputFolder
from vitrine.scoring.run import Outcome, Progress, score_in_parts
from vitrine.scoring.splitting import Input

SMALL: dict[str, Any] = {"part_bytes": 100}


class Stopped(Exception):
    """What stops an executor half-way."""


def stop_after(parts: int) -> Callable[[Job, Path, Iterable[Part]], Iterator[PartRecord]]:
    """Return an executor that stops after so many parts."""

    def executor(job: Job, folder: Path, planned: Iterable[Part]) -> Iterator[PartRecord]:
        yield from islice(score_in_this_process(job, folder, planned), parts)
        raise Stopped

    return executor


@pytest.fixture
def stopped(rooms: Path, source: Path, output: Path) -> Path:
    """The output of a job that was stopped after two parts."""
    (source / "rows.csv").write_bytes(table(200))
    job = make_job(rooms, source, output, **SMALL)
    with pytest.raises(Stopped):
        score_in_parts(
            job, rooms, read_manifest(rooms), stop_after(2), kind=None, watch=lambda _: None
        )
    return output


def test_stopped_job_goes_on_where_it_was(
    rooms: Path, source: Path, stopped: Path, tmp_path: Path
) -> None:
    assert not (stopped / "_SUCCESS").exists()
    finished = {path: path.stat().st_mtime_ns for path in parts_of(stopped)}

    outcome = scored(rooms, source, stopped, **SMALL)

    scored(rooms, source, tmp_path / "at-once", **SMALL)
    assert outcome.progress.parts_before == 2
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert [path.read_bytes() for path in parts_of(stopped)] == [
        path.read_bytes() for path in parts_of(tmp_path / "at-once")
    ]
    assert json.loads((stopped / "_SUCCESS").read_text())["rows"] == 200


def test_leftovers_are_removed_and_files_of_others_are_not(
    rooms: Path, source: Path, stopped: Path
) -> None:
    for name in (".part-00000-000003.csv.123", "part-00009-000000.csv", "_parts/.part-1-2.json.7"):
        (stopped / name).write_bytes(b"half")
    (stopped / "notes.txt").write_bytes(b"mine")
    damaged = parts_of(stopped)[0]
    damaged.write_bytes(b"half")

    outcome = scored(rooms, source, stopped, **SMALL)

    names = {path.name for path in stopped.rglob("*")}
    assert not any(name.startswith((".", "part-00009")) for name in names)
    assert "notes.txt" in names
    assert outcome.progress.parts_before == 1


def test_finished_folder_is_left_as_it_is(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.csv").write_bytes(table(10))
    scored(rooms, source, output)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}

    outcome = scored(rooms, source, output)

    assert (outcome.progress.parts, outcome.totals.parts, outcome.totals.rows) == (0, 1, 10)
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before


def test_finished_folder_without_some_parts_is_completed(
    rooms: Path, source: Path, output: Path
) -> None:
    (source / "rows.csv").write_bytes(table(200))
    scored(rooms, source, output, **SMALL)
    before = {path: path.read_bytes() for path in parts_of(output)}
    parts_of(output)[3].unlink()

    outcome = scored(rooms, source, output, **SMALL)

    assert (outcome.progress.parts, outcome.totals.rows) == (1, 200)
    assert {path: path.read_bytes() for path in parts_of(output)} == before
    assert (output / "_SUCCESS").exists()


@pytest.mark.parametrize(
    "path", ["_job.json", "_SUCCESS", "_parts/part-00000-000000.json"], ids=["job", "mark", "part"]
)
@pytest.mark.parametrize("content", ["", "[]", "{"], ids=["empty", "list", "cut"])
def test_damaged_file_of_a_folder_is_named(
    rooms: Path, source: Path, output: Path, path: str, content: str
) -> None:
    (source / "rows.csv").write_bytes(table(1))
    scored(rooms, source, output)
    (output / path).write_text(content)

    with pytest.raises(CannotScore, match=rf"/out/{path} is damaged\. Remove it\.$"):
        scored(rooms, source, output)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"options": Options()}, r"its report of faulty rows was True, and is False now"),
        ({"coverage": 0.8}, r"its coverage was 0\.9, and is 0\.8 now"),
        ({"part_bytes": 99}, r"its number of bytes of a part was 100, and is 99 now"),
    ],
    ids=["errors", "coverage", "parts"],
)
def test_other_options_are_refused_by_name(
    rooms: Path, source: Path, stopped: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CannotScore, match=sentence):
        scored(rooms, source, stopped, **{**SMALL, **changes})


def test_changed_input_is_refused(rooms: Path, source: Path, stopped: Path) -> None:
    (source / "rows.csv").write_bytes(table(201))

    with pytest.raises(CannotScore, match=r"its number of bytes of the input was \d+, and is \d+"):
        scored(rooms, source, stopped, **SMALL)


def test_other_version_is_refused(models: Path, source: Path, stopped: Path) -> None:
    version = write_table_bundle(models, version=2)

    with pytest.raises(CannotScore, match=r"holds another job: its version was 1, and is 2 now"):
        scored(version, source, stopped, **SMALL)


def test_folder_with_other_files_is_refused(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.csv").write_bytes(table(1))
    output.mkdir()
    (output / "mine.txt").touch()

    with pytest.raises(CannotScore, match=r"out holds 'mine\.txt', which belongs to no job"):
        scored(rooms, source, output)


def test_output_within_the_input_is_refused(rooms: Path, source: Path) -> None:
    (source / "rows.csv").write_bytes(table(1))

    with pytest.raises(CannotScore, match=r"^The output .*/in/out must not be in the input"):
        scored(rooms, source, source / "out")


def test_output_within_the_input_is_refused_through_a_link(
    rooms: Path, source: Path, tmp_path: Path
) -> None:
    (source / "rows.csv").write_bytes(table(1))
    (tmp_path / "link").symlink_to(source)

    with pytest.raises(CannotScore, match=r"^The output .*/link/out must not be in the input"):
        scored(rooms, source, tmp_path / "link" / "out")


def test_second_command_is_kept_out_of_a_folder(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.csv").write_bytes(table(1))
    job = make_job(rooms, source, output)
    summary = Input(job, read_manifest(rooms)).summary()

    with (
        OutputFolder(job, summary).held(),
        pytest.raises(CannotScore, match=r"^Another command writes into .*/out\.$"),
    ):
        scored(rooms, source, output)


def test_progress_counts_parts_rows_and_bytes(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.csv").write_bytes(table(200, bad=[3]))
    seen: list[tuple[int, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.parts, progress.rows))

    def score() -> Outcome:
        job = make_job(rooms, source, output, **SMALL)
        manifest = read_manifest(rooms)
        return score_in_parts(job, rooms, manifest, score_in_this_process, kind=None, watch=watch)

    progress = score().progress

    assert seen == sorted(seen)
    assert seen[-1] == (progress.parts, 200)
    assert progress.faulty_rows == 1
    header = len("size,colour\n")
    assert progress.bytes_done == progress.bytes_in_all - header


def test_parts_that_an_engine_lost_are_missed(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.csv").write_bytes(table(200))

    def forgetful(job: Job, folder: Path, parts: Iterable[Part]) -> Iterator[PartRecord]:
        return islice(score_in_this_process(job, folder, list(parts)), 1)

    job = make_job(rooms, source, output, **SMALL)
    with pytest.raises(CannotScore, match=r"^\d+ parts were not scored\."):
        score_in_parts(job, rooms, read_manifest(rooms), forgetful, kind=None, watch=lambda _: None)
    assert not (output / "_SUCCESS").exists()
