"""The command that scores into a folder of parts: what it takes, says and leaves."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from service.cli.parts import Told, is_folder
from tests.fakes import picture, table
from tests.scoring import joined, parts_of
from tests.servers import ROOT
from vitrine.scoring.output_folder import Totals
from vitrine.scoring.run import Outcome, Progress


def settled(happened: Callable[[], bool]) -> bool:
    """Tell whether something happens, within the time that a slow machine needs."""
    waiting = threading.Event()
    return any(happened() or waiting.wait(0.01) for _ in range(6000))


def started(models: Path, *words: str | Path) -> subprocess.Popen[str]:
    """Start the command in a group of processes of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "service", "score", "--models", models, *words],
        cwd=ROOT,
        env={},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def command(models: Path, *words: str | Path) -> tuple[int | None, str, str]:
    """Run the command; return its exit status and what it printed."""
    with started(models, *words) as process:
        printed, told = process.communicate(timeout=120)
    return process.returncode, printed, told


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of many parts of 10 kB."""
    path = tmp_path / "rows.csv"
    path.write_bytes(table(60_000, bad=[7]))
    return path


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("scores", True),
        ("scores/", True),
        ("scores.csv/", True),
        ("scores.v2", True),
        ("s3://bucket/scores.csv", True),
        (".", True),
        ("scores.csv", False),
        ("scores.TXT", False),
        ("scores.feather", False),
        ("scores.parquet", False),
        ("-", False),
        ("/dev/null", False),
    ],
)
def test_name_of_output_says_whether_it_is_a_folder(output: str, expected: bool) -> None:
    assert is_folder(output) == expected


def test_parts_are_the_file_that_one_output_is(models: Path, source: Path, tmp_path: Path) -> None:
    output, file = tmp_path / "out", tmp_path / "out.csv"

    status, printed, told = command(models, "rooms", source, "-o", output, "--part-bytes", "100000")
    whole = command(models, "rooms", source, "-o", file, "--errors", "report")

    assert (status, printed, whole[0]) == (0, "", 0)
    assert len(parts_of(output)) > 3
    assert joined(output) == file.read_bytes()
    assert told.endswith("; rows with an error: 1 of 60000, see _errors.\n")


def test_pictures_are_scored_into_a_folder(models: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture())
    output = tmp_path / "out"

    status, _, told = command(models, "strokes", tmp_path / "in", "-o", f"{output}/")

    assert (status, told.startswith("1 part, 1 rows in ")) == (0, True)
    assert joined(output).splitlines()[1].startswith(b"a.png,left,")


def test_command_that_was_killed_goes_on(models: Path, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    words = ("rooms", source, "-o", output, "--part-bytes", "2000")
    with started(models, *words) as process:
        assert settled(lambda: len(list((output / "_parts").glob("*.json"))) > 3)
        process.kill()

    status, _, told = command(models, *words)

    assert status == 0
    assert "finished before" in told
    assert joined(output).count(b"\n") == 60_001
    assert not list(output.rglob(".*"))


def test_interrupted_command_says_that_it_can_go_on(
    models: Path, source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    with started(models, "rooms", source, "-o", output, "--part-bytes", "2000") as process:
        assert settled(lambda: len(list((output / "_parts").glob("*.json"))) > 3)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert told.startswith("Stopped with ")
    assert told.count("\n") == 1
    assert not (output / "_SUCCESS").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("strokes", "in", "-o", "out.csv"), "Model 'strokes' takes pictures, which are scored"),
        (("rooms", "in"), "in is scored into a folder of parts"),
        (("rooms", "in", "-o", "out.csv", "--part-bytes", "9"), "--part-bytes is for folders"),
        (("rooms", "in", "-o", "out.csv", "--format", "csv"), "--format is for folders of parts"),
        (("strokes", "in", "-o", "out/", "--echo"), "Parameter 'echo' is for bodies and answers"),
        (("rooms", "in", "-o", "out/", "--coverage", "0.5"), "Parameter 'coverage' has no meaning"),
        (("rooms", "/dev/null", "-o", "out/"), "/dev/null is a pipe or a device"),
        (("rooms", "nothing.csv", "-o", "out/"), "nothing.csv cannot be read: No such file"),
        (("rooms", "in", "-o", "s3://"), "A place in S3 must be s3://bucket/prefix. Received: s3"),
        (("rooms", "in", "-o", "out/"), "There is no CSV, Arrow or Parquet file with rows in "),
    ],
)
def test_command_that_cannot_be_done_says_so_in_a_sentence(
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sentence: str,
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["score", "score", "--models", str(models), *words])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    from service.__main__ import main  # noqa: PLC0415 - as the command does

    with pytest.raises(SystemExit) as ended:
        main()

    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert sentence in str(ended.value.code)
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "out").exists()


def test_number_of_bytes_that_is_none_is_refused_in_a_sentence() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "service", "score", "a", "b", "--part-bytes", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stderr.endswith("must be a whole number, 1 or more. Received: '0'.\n")


def test_cluster_is_offered_where_the_caller_has_one() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "service", "score", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "--part-bytes" in shown.stdout
    assert "--ray" not in shown.stdout


class Terminal(StringIO):
    """A stream that says that somebody sees it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_terminal_shows_one_line_and_then_the_last() -> None:
    seconds = iter(range(100))
    terminal = Terminal()
    told = Told(terminal, clock=lambda: float(next(seconds)))
    now = Progress(parts=2, rows=1000, bytes_done=50, bytes_in_all=200, parts_before=1)
    totals = Totals(model="rooms", version=1, parts=3, rows=1500, faulty_rows=1, size_bytes=9)

    told.show(now)
    told.finish(Outcome(totals=totals, progress=now, left_out=["a.md"]))

    lines = terminal.getvalue().split("\r\x1b[K")
    assert lines[1].startswith("25%, 2 parts, 1000 rows, ")
    assert lines[-1].startswith("2 parts, 1000 rows in ")
    assert lines[-1].endswith(
        "; 1 part finished before; rows with an error: 1 of 1500, see _errors; "
        "1 file left out: 'a.md'.\n"
    )
