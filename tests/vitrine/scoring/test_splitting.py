"""Where an input is cut: what the parts say together is what the whole says."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest

from tests.arrow_tables import arrow, parquet_file
from tests.fakes import picture, table
from tests.scoring import REPORT, joined, make_job, parts_of, scored
from vitrine.block_stream import FileKind, open_csv
from vitrine.bundle import read_manifest
from vitrine.loading import load_version
from vitrine.options import Options
from vitrine.pipeline import Pipeline
from vitrine.scoring.job import CannotScore, CsvSlice, WholeFile
from vitrine.scoring.splitting import Input
from vitrine.tables.records import RecordStream

ROWS = b"".join(b"%d,red\n" % size for size in range(40))


def whole(version: Path, body: bytes, options: Options = REPORT) -> bytes:
    """Predict on a CSV file as one stream."""
    model = load_version(version, threads=1)
    stream = open_csv(model.manifest, BytesIO(body), options, max_row_bytes=1024, max_rows=10**9)
    return b"".join(Pipeline(model, options).answer(stream, Pipeline.csv_encoder))


@pytest.mark.parametrize("part_bytes", [1, 7, 64, 10_000])
@pytest.mark.parametrize(
    "body",
    [
        b"size,colour\n" + ROWS,
        b"size,colour\n" + ROWS.removesuffix(b"\n"),
        b"size,colour\r\n" + ROWS.replace(b"\n", b"\r\n"),
        b"size,colour\r" + ROWS.replace(b"\n", b"\r"),
        b"\xef\xbb\xbfsize,colour\n" + ROWS,
        "size,colour\n1,red\n2,blue\n3,red\n".encode("utf-16"),
        b'note,size,colour\n"a\nb, ""c""",1,red\nsix" wide,2,red\n"\r\n\r\n",3,"red"\n' * 1,
        b"\n\nsize,colour\n1,red\n\n\n2,red\n   \n3,red\n\n",
        b"Prices\n\nsize,colour\n" + ROWS,
        b"sep=;\nsize;colour\n1,5;red\n2,25;red\n1.000,5;blue\n",
        b'"size\n",colour\n1,red\nx,red\n3,red\n',
        b"size,colour\n",
        b"size,colour",
        b"size,colour\n1,red\nx,red\n3\n1e39,red\n,red\n5,blue\n",
        b'size,colour\n1,red\n2,"red\n3,red\n4,blue\n',
    ],
    ids=[
        *("plain", "no last line end", "CRLF", "CR", "BOM", "UTF-16", "quotes", "blank lines"),
        *("title", "decimal comma", "header of two lines", "header", "header alone"),
        *("faults", "unclosed quote"),
    ],
)
def test_parts_of_csv_say_what_the_whole_says(
    rooms: Path, source: Path, output: Path, body: bytes, part_bytes: int
) -> None:
    (source / "rows.csv").write_bytes(body)

    scored(rooms, source / "rows.csv", output, part_bytes=part_bytes)

    assert joined(output) == whole(rooms, body)


def test_echo_of_parts_is_that_of_the_whole(rooms: Path, source: Path, output: Path) -> None:
    body = b"colour,note,size\n" + b'red,"a,\nb",1\nblue,,2\n' * 20
    options = Options(report=True, echo=True)
    (source / "rows.csv").write_bytes(body)

    scored(rooms, source / "rows.csv", output, part_bytes=50, options=options)

    assert len(parts_of(output)) >= 5
    assert joined(output) == whole(rooms, body, options)


def test_slices_cover_a_file_without_gaps(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.csv").write_bytes(table(1000))
    job = make_job(rooms, source / "rows.csv", output, part_bytes=500)
    cut = Input(job, read_manifest(rooms))
    cut.check()

    slices = [part.slice for part in cut.parts()]

    assert all(isinstance(piece, CsvSlice) for piece in slices)
    spans = [(piece.start, piece.stop) for piece in slices if isinstance(piece, CsvSlice)]
    assert [start for start, _ in spans[1:]] == [stop for _, stop in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (len("size,colour\n"), len(table(1000)))


def test_blocks_of_parts_are_those_of_the_whole(rooms: Path, source: Path, output: Path) -> None:
    body, limit = table(200_000), 2**20
    (source / "rows.csv").write_bytes(body)
    job = make_job(rooms, source, output, part_bytes=400_000, max_row_bytes=limit)
    cut = Input(job, read_manifest(rooms))
    cut.check()
    records = RecordStream(BytesIO(body), max_row_bytes=limit)
    records.start()
    records.skip(b"size,colour\n")

    slices = [part.slice for part in cut.parts() if isinstance(part.slice, CsvSlice)]
    blocks = [
        block.body
        for piece in slices
        for block in RecordStream(
            BytesIO(body[piece.start : piece.stop]),
            max_row_bytes=limit,
            block_bytes=piece.block_bytes,
        ).blocks(",")
    ]

    assert len(slices) > 2
    assert blocks == [block.body for block in records.blocks(",")]


def test_marks_of_numbers_are_settled_once_for_all_parts(
    rooms: Path, source: Path, output: Path
) -> None:
    body = b"size;colour\n1,5;red\n" + b"1,234;red\n" * 50
    (source / "rows.csv").write_bytes(body)

    scored(rooms, source / "rows.csv", output, part_bytes=20)

    assert joined(output).splitlines()[-1] == b"15,34;;"


def test_row_groups_of_parquet_are_parts(rooms: Path, source: Path, output: Path) -> None:
    columns = {"colour": ["red"] * 1000, "size": [float(n) for n in range(1000)]}
    (source / "rows.parquet").write_bytes(parquet_file(columns, row_group_size=100))

    outcome = scored(rooms, source, output, kind=FileKind.CSV, part_bytes=1000)

    assert 5 <= outcome.totals.parts <= 10
    assert joined(output).splitlines()[1:] == [b"%.1f,," % (10 * n + 3) for n in range(1000)]


def test_parquet_file_without_rows_has_a_part_of_its_columns(
    rooms: Path, source: Path, output: Path
) -> None:
    schema = pa.schema([("size", pa.float64()), ("colour", pa.string())])
    (source / "rows.parquet").write_bytes(parquet_file(schema.empty_table()))

    scored(rooms, source, output, kind=FileKind.CSV)

    assert [path.read_bytes() for path in parts_of(output)] == [b"prediction,warnings,error\n"]


def test_arrow_file_is_one_part(rooms: Path, source: Path, output: Path) -> None:
    (source / "rows.arrow").write_bytes(arrow({"size": [1.0, 2.0], "colour": ["red", None]}))
    cut = Input(make_job(rooms, source, output), read_manifest(rooms))

    assert [type(part.slice) for part in cut.parts()] == [WholeFile]
    assert cut.kind() is FileKind.ARROW


def test_files_of_a_folder_are_taken_in_the_order_of_their_paths(
    rooms: Path, source: Path, output: Path
) -> None:
    (source / "b").mkdir()
    (source / "b" / "1.csv").write_bytes(b"colour;size\nred;2\n")
    (source / "a.CSV").write_bytes(b"size,colour\n1,red\n")
    (source / "c.parquet").write_bytes(parquet_file({"size": [3.0], "colour": ["red"]}))

    scored(rooms, source, output)

    rows = [path.read_bytes().splitlines()[1] for path in parts_of(output)]
    assert rows == [b"13.0,,", b"23.0;;", b"33.0,,"]


def test_files_that_are_no_tables_are_left_out_and_named(
    rooms: Path, source: Path, output: Path
) -> None:
    (source / "rows.csv").write_bytes(table(1))
    for name in (".hidden.csv", "_SUCCESS", "readme.md", "plot.png"):
        (source / name).write_bytes(b"x")
    (source / "empty.csv").touch()

    outcome = scored(rooms, source, output)

    assert list(outcome.left_out) == ["empty.csv", "plot.png", "readme.md"]
    assert outcome.totals.rows == 1


def test_text_files_among_pictures_are_left_out_and_named(
    strokes: Path, source: Path, output: Path
) -> None:
    (source / "a").write_bytes(picture())
    (source / "_DSC1.png").write_bytes(picture())
    for name in (".DS_Store", "labels.csv", "Thumbs.db"):
        (source / name).write_bytes(b"x")

    outcome = scored(strokes, source, output)

    assert list(outcome.left_out) == ["Thumbs.db", "labels.csv"]
    assert outcome.totals.rows == 2


def test_folder_that_is_reached_twice_is_read_as_often_and_one_in_itself_once(
    rooms: Path, source: Path, output: Path
) -> None:
    (source / "a").mkdir()
    (source / "a" / "rows.csv").write_bytes(table(1))
    (source / "b").symlink_to(source / "a")
    (source / "a" / "again").symlink_to(source)

    assert scored(rooms, source, output).totals.parts == 2


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (Path.exists, r"^There is no CSV, Arrow or Parquet file with rows in /.*in\.$"),
        (
            lambda folder: (folder / "b.csv").write_bytes(b"size\n1\n"),
            r"/in/b\.csv: Line 1: column 'colour' is missing",
        ),
        (
            lambda folder: (folder / "b.csv.gz").write_bytes(b"\x1f\x8b" + b"0" * 50),
            r"/in/b\.csv\.gz: This is compressed with gzip, not CSV: unpack it first",
        ),
        (
            lambda folder: (folder / "b.parquet").write_bytes(b"PAR1"),
            r"/in/b\.parquet: The body is no Parquet file",
        ),
    ],
    ids=["nothing", "column missing", "packed", "no Parquet"],
)
def test_input_that_cannot_be_scored_is_named(
    rooms: Path,
    source: Path,
    output: Path,
    prepare: Callable[[Path], object],
    sentence: str,
) -> None:
    prepare(source)

    with pytest.raises(CannotScore, match=sentence):
        scored(rooms, source, output)
    assert not output.exists()


def test_row_that_is_too_long_is_named(rooms: Path, source: Path, output: Path) -> None:
    (source / "b.csv").write_bytes(table(20_000) + b"1" * 2000)

    with pytest.raises(CannotScore, match=r"/in/b\.csv: A row may have at most 1024 bytes\."):
        scored(rooms, source, output)


def test_pictures_are_cut_into_runs_of_so_many_bytes(
    strokes: Path, source: Path, output: Path
) -> None:
    for number in range(5):
        (source / f"{number}.png").write_bytes(picture())
    size = 2 * len(picture())

    scored(strokes, source, output, part_bytes=size)

    assert [path.read_bytes().count(b"\n") - 1 for path in parts_of(output)] == [2, 2, 1]
