"""One part -> its file, the rows without a prediction, and its record."""

import os
from pathlib import Path

import pytest

from tests.arrow_tables import arrow, parquet_file
from tests.fakes import blank_picture, picture, table
from tests.scoring import make_job, parts_of, scored
from vitrine.block_stream import FileKind
from vitrine.bundle import read_manifest
from vitrine.options import Options
from vitrine.scoring.job import CannotScore, Job, Part
from vitrine.scoring.part_scorer import PartScorer
from vitrine.scoring.splitting import Input

FAIL = Options(report=False)


def parts(job: Job, version: Path) -> list[Part]:
    """Return the parts of a job."""
    source = Input(job, read_manifest(version))
    source.check()
    return list(source.parts())


def faulty_rows(output: Path) -> list[str]:
    """Return the lines about rows without a prediction, of all parts."""
    files = sorted((output / "_errors").glob("*.csv"))
    return [line for path in files for line in path.read_text().splitlines()[1:]]


@pytest.mark.parametrize("kind", FileKind)
def test_part_is_the_same_bytes_twice(
    rooms: Path, source: Path, tmp_path: Path, kind: FileKind
) -> None:
    (source / "rows.csv").write_bytes(table(3000, bad=[5]))
    written = []
    for name in ("a", "b"):
        job = make_job(rooms, source, tmp_path / name, kind=kind)
        scorer = PartScorer(job, rooms)
        for part in parts(job, rooms):
            scorer.score(part)
            scorer.score(part)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        written.append([path.read_bytes() for path in files])

    assert written[0] == written[1]
    assert len(written[0]) == 3


def test_faulty_rows_keep_their_places_and_are_listed_with_their_lines(
    rooms: Path, source: Path, output: Path
) -> None:
    rows = [b"x,red" if row in {7, 150, 199} else b"%d,red" % row for row in range(200)]
    rows[180] = b"3e38,red"  # ten times as much is infinite
    (source / "rows.csv").write_bytes(b"\n\nsize,colour\n" + b"\n".join(rows))

    outcome = scored(rooms, source, output, part_bytes=100)

    lines = [line for path in parts_of(output) for line in path.read_text().splitlines()[1:]]
    without = [number for number, line in enumerate(lines) if line.startswith(",")]
    assert without == [7, 150, 180, 199]
    assert "Line 154, column 'size': must be a number" in lines[150]
    assert [line.split(",")[:3] for line in faulty_rows(output)] == [
        ["rows.csv", str(row + 4), ""] for row in (7, 150, 180, 199)
    ]
    assert (outcome.totals.rows, outcome.totals.faulty_rows) == (200, 4)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow"])
def test_faulty_rows_of_typed_tables_are_listed_with_their_indices(
    rooms: Path, source: Path, output: Path, name: str
) -> None:
    columns = {"size": ["1"] * 700 + ["x"] + ["2"] * 299, "colour": ["red"] * 1000}
    is_parquet = name.endswith("parquet")
    made = parquet_file(columns, row_group_size=100) if is_parquet else arrow(columns)
    (source / name).write_bytes(made)

    scored(rooms, source, output, part_bytes=100)

    assert [line.split(",")[:4] for line in faulty_rows(output)] == [
        [name, "", "700", '"Instance 700']
    ]


def test_pictures_have_rows_with_their_paths_and_broken_ones_errors(
    strokes: Path, source: Path, output: Path
) -> None:
    (source / "a").mkdir()
    names = ["a/left.png", 'b,"c"\n.png', "broken.png", "empty.png", "no\udce9.png", "z.png"]
    for name in names:
        (source / name).write_bytes(picture())
    (source / "broken.png").write_bytes(picture()[:40])
    (source / "empty.png").write_bytes(b"")
    (source / "z.png").write_bytes(blank_picture())
    (source / "gone.png").symlink_to(source / "nowhere.png")

    outcome = scored(strokes, source, output)

    body = parts_of(output)[0].read_text()
    assert body.startswith("file,label,probability")
    for name in ("a/left.png", '"b,""c""\n.png"', "no\\xe9.png"):
        assert f"\n{name},left," in body
    assert [line.split(",")[0] for line in faulty_rows(output)] == [
        *("broken.png", "empty.png", "z.png"),
    ]
    assert (outcome.totals.rows, outcome.totals.faulty_rows) == (6, 3)


def test_picture_that_has_vanished_is_a_row_with_an_error(
    strokes: Path, source: Path, output: Path
) -> None:
    for name in ("a.png", "b.png"):
        (source / name).write_bytes(picture())
    job = make_job(strokes, source, output)
    (part,) = parts(job, strokes)
    (source / "a.png").unlink()

    record = PartScorer(job, strokes).score(part)

    assert (record.rows, record.faulty_rows) == (2, 1)
    assert "cannot be read: No such file or directory." in faulty_rows(output)[0]


def test_table_that_changed_after_it_was_listed_is_refused(
    rooms: Path, source: Path, output: Path
) -> None:
    (source / "rows.csv").write_bytes(table(10))
    job = make_job(rooms, source, output)
    (part,) = parts(job, rooms)
    os.utime(source / "rows.csv", (0, 0))

    with pytest.raises(CannotScore, match=r"/in/rows\.csv was changed while it was scored\.$"):
        PartScorer(job, rooms).score(part)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (table(100, bad=[60]), r"/in/rows\.csv: Line 62, column 'size': must be a number"),
        (
            table(50) + b"3e38,red\n",
            r"/in/rows\.csv: Row \d+ from line \d+ on: The network has no finite answer",
        ),
    ],
    ids=["cell", "answer"],
)
def test_first_faulty_row_ends_a_job_that_may_have_none(
    rooms: Path, source: Path, output: Path, body: bytes, sentence: str
) -> None:
    (source / "rows.csv").write_bytes(body)

    with pytest.raises(CannotScore, match=sentence):
        scored(rooms, source, output, options=FAIL, part_bytes=100)
    assert not (output / "_SUCCESS").exists()


def test_broken_picture_ends_a_job_that_may_have_none(
    strokes: Path, source: Path, output: Path
) -> None:
    for number in range(70):
        (source / f"{number:02}.png").write_bytes(picture())
    (source / "66.png").write_bytes(picture()[:40])

    with pytest.raises(CannotScore, match=r"/in/66\.png: The PNG picture is truncated or corrupt"):
        scored(strokes, source, output, options=FAIL)


def test_scorer_refuses_another_version_than_the_jobs(
    rooms: Path, strokes: Path, source: Path, output: Path
) -> None:
    (source / "rows.csv").write_bytes(table(1))

    with pytest.raises(CannotScore, match=r"is not version 1 of 'rooms'\.$"):
        PartScorer(make_job(rooms, source, output), strokes)
