"""Predictions on a CSV file without a server: the same as over HTTP, whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import StringIO
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry
from pyarrow import ipc, parquet
from pyarrow.csv import read_csv

from service.cli.score import InputFile, Progress, load, score
from service.errors import VersionRefused
from service.http.query import read_options
from service.rollout.repository import Repository
from service.settings import Settings
from tests.arrow_tables import arrow, feather_file, parquet_file
from tests.bundles import table_manifest, write_labels_bundle, write_table_bundle
from tests.fakes import client_of, fail_on_large, price, table
from tests.servers import ROOT
from vitrine.block_stream import open_csv
from vitrine.errors import InvalidParameter
from vitrine.loading import load_version
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import Pipeline
from vitrine.scoring.job import CannotScore

HOUSING = ROOT / "models" / "housing" / "1"
HOUSES = ROOT / "examples" / "houses.csv"
MANY = 20_000  # rows: several blocks


def settled(happened: Callable[[], bool]) -> bool:
    """Tell whether something happens, within the time that a slow machine needs."""
    waiting = threading.Event()
    return any(happened() or waiting.wait(0.01) for _ in range(3000))


@pytest.fixture
def rooms() -> Model:
    """A model of tables."""
    return Model(table_manifest(), price)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of 30 rows."""
    path = tmp_path / "rows.csv"
    path.write_bytes(table(30))
    return path


def scored(model: Model, source: Path, target: Path | None, options: Options | None = None) -> str:
    """Predict on a file; return what is told beside it."""
    told = StringIO()
    score(model, source, target, options or Options(), Settings(), errors=told)
    return told.getvalue()


def command(*words: str | Path) -> tuple[int, str, str]:
    """Run the command; return its exit status and what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "service", "score", *words],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    "query",
    ["", "echo=true&errors=report", "coverage=0.8&delimiter=comma"],
    ids=["plain", "echo", "options"],
)
def test_file_is_answered_as_over_http(
    tmp_path: Path, registry: CollectorRegistry, query: str
) -> None:
    model = load_version(HOUSING, threads=1)
    client = client_of(Repository({"housing": {1: model}}), registry)
    path = f"/models/housing/predict?{query}"
    over_http = client.post(path, data=HOUSES.read_bytes(), content_type="text/csv")
    options = read_options(query, csv_body=True, table_body=True, table_answer=True)

    scored(model, HOUSES, tmp_path / "out.csv", options)

    assert over_http.status_code == 200
    assert (tmp_path / "out.csv").read_bytes() == over_http.data


def test_every_row_of_many_blocks_is_answered_in_order(rooms: Model, tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(table(MANY))

    scored(rooms, source, target)

    assert target.read_text().splitlines() == [
        "prediction,warnings",
        *(f"{float(10 * (row % 1000) + 3)}," for row in range(MANY)),
    ]


def test_answer_is_written_as_the_file_is(rooms: Model, tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(b"size;colour\n1.234,5;red\n")

    scored(rooms, source, target, Options(echo=True, decimal=",", thousands="."))

    assert target.read_text() == "size;colour;prediction;warnings\n1.234,5;red;12348,0;\n"


@pytest.mark.parametrize("source_name", ["rows.csv", "rows.arrow", "rows.feather", "rows.PARQUET"])
@pytest.mark.parametrize("target_name", ["out.csv", "out.arrows", "out.parquet"])
def test_names_say_what_is_read_and_written(
    rooms: Model, tmp_path: Path, source_name: str, target_name: str
) -> None:
    columns = {"size": [1.0, 2.0], "colour": ["red", None]}
    source, target = tmp_path / source_name, tmp_path / target_name
    source.write_bytes(
        {
            ".csv": b"size,colour\n1,red\n2,\n",
            ".arrow": arrow(columns),
            ".feather": feather_file(columns, "zstd"),
            ".parquet": parquet_file(columns),
        }[source.suffix.lower()]
    )

    assert scored(rooms, source, target).startswith("2 rows in ")

    written = {".csv": read_csv, ".arrows": read_arrow, ".parquet": parquet.read_table}
    read = written[target.suffix](target)
    assert read["prediction"].to_pylist() == [13.0, 20.0]


def read_arrow(path: Path) -> pa.Table:
    """Read an Arrow IPC stream."""
    return ipc.open_stream(path.read_bytes()).read_all()


def test_marks_are_for_csv_alone(rooms: Model, tmp_path: Path) -> None:
    source = tmp_path / "rows.parquet"
    source.write_bytes(parquet_file({"size": [1.0], "colour": ["red"]}))

    with pytest.raises(InvalidParameter, match="'decimal' is for CSV alone"):
        scored(rooms, source, tmp_path / "out.csv", Options(decimal=","))


def test_fault_in_a_typed_file_is_named_by_its_row(rooms: Model, tmp_path: Path) -> None:
    source = tmp_path / "rows.arrow"
    source.write_bytes(arrow({"size": ["1", "many"], "colour": ["red", "red"]}))

    with pytest.raises(CannotScore, match=r"rows.arrow: Instance 1, column 'size': must be"):
        scored(rooms, source, tmp_path / "out.csv")


@pytest.mark.parametrize("bad", [17, MANY - 1], ids=["first block", "last block"])
def test_bad_row_ends_it_and_leaves_no_file(rooms: Model, tmp_path: Path, bad: int) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(table(MANY, bad=[bad]))

    with pytest.raises(CannotScore, match=rf"rows.csv: Line {bad + 2}, column 'size': must be a"):
        scored(rooms, source, target)

    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("bad", [17, MANY - 1], ids=["first block", "last block"])
def test_existing_file_stays_as_it_was_where_a_row_is_bad(
    rooms: Model, tmp_path: Path, bad: int
) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(table(MANY, bad=[bad]))
    target.write_text("of yesterday")

    with pytest.raises(CannotScore):
        scored(rooms, source, target)

    assert target.read_text() == "of yesterday"
    assert sorted(tmp_path.iterdir()) == [target, source]


def test_bad_rows_have_an_error_when_reported(rooms: Model, tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(table(30, bad=[2, 29]))

    told = scored(rooms, source, target, Options(report=True))

    header, *lines = target.read_text().splitlines()
    assert header == "prediction,warnings,error"
    assert [place for place, line in enumerate(lines) if "must be a number" in line] == [2, 29]
    assert lines[3] == "33.0,,"
    assert "; 2 of them with an error" in told


@pytest.mark.parametrize("good", [1, MANY], ids=["first block", "last block"])
def test_row_without_a_finite_answer_is_named(rooms: Model, tmp_path: Path, good: int) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(table(good) + b"3e38,red\n")

    with pytest.raises(CannotScore, match=rf"rows.csv: Row {good + 1}: The network has no finite"):
        scored(rooms, source, tmp_path / "out.csv")


def test_failure_of_the_network_leaves_no_file(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(b"size,colour\n" + b"1,red\n" * MANY + b"1000,red\n")

    with pytest.raises(ZeroDivisionError):
        scored(Model(table_manifest(), fail_on_large), source, tmp_path / "out.csv")

    assert list(tmp_path.iterdir()) == [source]


def test_existing_file_is_replaced_with_its_mode(
    rooms: Model, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    target.write_text("of yesterday")
    target.chmod(0o640)

    scored(rooms, source, target)

    assert target.read_text().startswith("prediction,")
    assert target.stat().st_mode & 0o777 == 0o640


def test_link_goes_on_pointing_to_the_file(rooms: Model, source: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "out.csv"
    target.symlink_to(tmp_path / "elsewhere" / "real.csv")

    scored(rooms, source, target)

    assert target.is_symlink()
    assert target.read_text().startswith("prediction,")


def test_file_may_be_replaced_by_its_own_predictions(rooms: Model, source: Path) -> None:
    scored(rooms, source, source, Options(echo=True))

    assert source.read_text().splitlines()[1] == "0,red,3.0,"


def test_pipe_takes_what_comes(rooms: Model, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    os.mkfifo(target)
    # Opened for both, so that neither waits for the other; it holds 30 rows.
    reading = os.open(target, os.O_RDWR | os.O_NONBLOCK)

    scored(rooms, source, target)

    received = os.read(reading, 2**16)
    os.close(reading)
    assert received.startswith(b"prediction,warnings\n3.0,\n")
    assert target.is_fifo()


def test_file_that_cannot_be_written_is_named(rooms: Model, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "absent" / "out.csv"

    with pytest.raises(CannotScore, match=r"absent/out.csv cannot be written: No such file"):
        scored(rooms, source, target)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (b"", r"rows.csv: The body is empty"),
        (b"size,color\n1,red\n", r"rows.csv: Line 1: column 'colour' is missing"),
        (None, r"rows.csv cannot be read: No such file"),
    ],
    ids=["empty", "missing column", "no file"],
)
def test_file_that_cannot_be_read_is_named(
    rooms: Model, tmp_path: Path, written: bytes | None, sentence: str
) -> None:
    source = tmp_path / "rows.csv"
    if written is not None:
        source.write_bytes(written)

    with pytest.raises(CannotScore, match=sentence):
        scored(rooms, source, tmp_path / "out.csv")

    assert not (tmp_path / "out.csv").exists()


def test_what_the_model_cannot_tell_is_refused(rooms: Model, source: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="'coverage' has no meaning for 'rooms'"):
        scored(rooms, source, tmp_path / "out.csv", Options(coverage=0.5))


def test_last_line_tells_rows_and_columns_that_are_no_input(rooms: Model, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_bytes(b"size,colour,note\n1,red,x\n2,red,y\n")

    told = scored(rooms, source, tmp_path / "out.csv")

    assert told.startswith("2 rows in ")
    assert told.endswith(" rows/s; no inputs: note.\n")
    assert told.count("\n") == 1
    assert "\r" not in told


def test_terminal_sees_one_line_that_is_rewritten(rooms: Model, source: Path) -> None:
    shown, moments = StringIO(), count()
    with source.open("rb", buffering=0) as stream:
        opened = InputFile(source, stream)
        table = open_csv(rooms.manifest, opened, Options(), max_row_bytes=1024, max_rows=30)
        pipeline = Pipeline(rooms, Options(), default_coverage=0.9)
        (predicted,) = pipeline.predict(table)
        with Progress(shown, opened, is_live=True, clock=lambda: next(moments)) as progress:
            progress.predicted(predicted)
            progress.predicted(predicted)
            progress.close(())

    _, first, second, last, nothing = shown.getvalue().split("\r\x1b[K")
    read = f"{source.stat().st_size / 1e6:.1f}"
    assert first.startswith(f"{read} of {read} MB read, 30 rows, ")
    assert second.startswith(f"{read} of {read} MB read, 60 rows, ")
    assert last.startswith("60 rows in ")
    assert shown.getvalue().count("\n") == 1
    assert nothing == ""


@pytest.mark.parametrize(
    ("version", "loaded"),
    [(None, 10), (9, 9), (11, 11)],
    ids=["default", "asked", "only by number"],
)
def test_default_version_answers_unless_another_is_asked_for(
    tmp_path: Path, version: int | None, loaded: int
) -> None:
    for number in (9, 10, 11):
        write_table_bundle(tmp_path, version=number, default=number < 11)

    assert load(Settings(models=str(tmp_path)), "rooms", version).model.version == loaded


@pytest.mark.parametrize(
    ("name", "version", "sentence"),
    [
        ("roms", None, r"^There is no model 'roms' in .*\. Did you mean 'rooms'\?$"),
        ("../rooms", None, r"^There is no model '../rooms' in "),
        ("rooms", 3, r"^Model 'rooms' has no version 3; published: 1\.$"),
    ],
    ids=["misspelt", "a path", "no such version"],
)
def test_model_that_cannot_score_is_named(
    models: Path, name: str, version: int | None, sentence: str
) -> None:
    with pytest.raises(CannotScore, match=sentence):
        load(Settings(models=str(models)), name, version)


def test_damaged_version_is_refused(models: Path) -> None:
    (models / "rooms" / "1" / "model.onnx").write_bytes(b"no network")

    with pytest.raises(VersionRefused, match=r"^Version 1 of model 'rooms' is refused: model.onnx"):
        load(Settings(models=str(models)), "rooms", None)


def test_command_writes_to_standard_output(tmp_path: Path, source: Path) -> None:
    models = tmp_path / "models"
    write_labels_bundle(models)

    status, output, errors = command("traits", source, "--models", models)

    header, *lines = output.splitlines()
    assert status == 0, errors
    assert header == "labels,probability_small,probability_large,probability_red,warnings"
    assert [line.partition(",")[0] for line in lines[:7]] == [
        *["small|red"] * 4,
        "red",
        *["large|red"] * 2,
    ]
    assert len(lines) == 30
    assert errors.startswith("30 rows in ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("rooms", "absent.csv"), "absent.csv cannot be read: No such file or directory.\n"),
        (("attic", "absent.csv"), "There is no model 'attic' in "),
        (("rooms", "absent.csv", "--coverage", "2"), "Parameter 'coverage' must be a number"),
        (("rooms", "absent.csv", "--errors", "hide"), "Parameter 'errors' must be 'fail' or "),
        (("rooms", "README.md"), "must name the columns 'size', 'colour'"),
        (("rooms", "absent.csv", "--models", "absent"), "The models folder absent cannot be read"),
    ],
    ids=["file", "model", "coverage", "errors", "columns", "models"],
)
def test_command_refuses_in_one_sentence(
    models: Path, words: tuple[str, ...], sentence: str
) -> None:
    status, output, errors = command(*words[:2], "--models", models, *words[2:])

    assert (status, output) == (1, "")
    assert sentence in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_interrupted_command_leaves_nothing(
    models: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    folder, fifo = tmp_path / "out", tmp_path / "rows.csv"
    folder.mkdir()
    os.mkfifo(fifo)
    words = ("rooms", fifo, "--models", models, "-o", folder / "out.csv")
    with subprocess.Popen(
        [sys.executable, "-m", "service", "score", *words],
        cwd=ROOT,
        env={},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        with fifo.open("wb") as rows:  # more of them than a pipe holds, and no end
            rows.write(table(200_000))
            assert settled(lambda: any(folder.iterdir()))
            process.send_signal(number)
            # It need not read on to end.
            assert settled(lambda: process.poll() is not None)
        errors = process.stderr.read() if process.stderr else ""

    assert (process.returncode, errors) == (status, "")
    assert list(folder.iterdir()) == []


def test_scoring_needs_neither_flask_nor_tensorflow() -> None:
    program = (
        "import sys, service.cli.score; "
        "print({'flask', 'werkzeug', 'gunicorn', 'tensorflow', 'keras'} & set(sys.modules))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ended.stdout == "set()\n"
