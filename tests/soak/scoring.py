"""Files scored into a folder of parts: how fast, in how much memory, and killed half-way."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fakes import picture
from tests.scoring import joined, wait_for_parts
from tests.servers import ROOT
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

SHORT_ROWS, LONG_ROWS, ALL_ROWS = 200_000, 2_000_000, 10_000_000
SOME_PICTURES, ALL_PICTURES = 2_000, 20_000
# One of so many pictures is broken.
BROKEN_EVERY = 100
# Allocators take memory in steps, now and then and once.
STEP_MEGABYTES = 25
_PIECE_ROWS = 2_000
# Runs a command, and prints the most memory that one of its processes had, in kilobytes. A process
# counts what its parent had when it began: this one has little.
_MEASURED = """
import os, resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a run of the command took.

    Attributes:
        seconds: From its start to its end.
        peak_megabytes: Most memory of one of its processes.
    """

    seconds: float
    peak_megabytes: float


def some_rows() -> Iterator[Figure]:
    """Score two million rows and two thousand pictures."""
    yield from _figures(LONG_ROWS, SOME_PICTURES)


def many_rows() -> Iterator[Figure]:
    """Score ten million rows and twenty thousand pictures."""
    yield from _figures(ALL_ROWS, ALL_PICTURES)


def _figures(rows: int, pictures: int) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        yield from _table_figures(Path(folder), rows)
        yield from _picture_figures(Path(folder), pictures)


def _table_figures(folder: Path, rows: int) -> Iterator[Figure]:
    short, long = _write_rows(folder / "short.csv", SHORT_ROWS), _write_rows(folder / "r.csv", rows)
    before = _score("housing", short, folder / "short")
    one = _score("housing", long, folder / "one.csv", "--errors", "report")
    parts = _score("housing", long, folder / "parts")
    _kill_half_way("housing", long, folder / "killed")
    _score("housing", long, folder / "killed")

    whole = (folder / "one.csv").read_bytes()
    same = sum(joined(folder / name) == whole for name in ("parts", "killed"))
    yield Figure(name="folders of parts that are the one file", value=same, unit="of 2", at_least=2)
    name = f"{rows} rows in one file, with the start of the command"
    yield Figure(name=name, value=rows / one.seconds, unit="1/s")
    name = f"{rows} rows in parts, on {os.cpu_count()} cores"
    yield Figure(name=name, value=rows / parts.seconds, unit="1/s")
    ratio = one.seconds / parts.seconds
    yield Figure(name="so many times as fast in parts", value=ratio, unit="", at_least=1)
    name = f"peak memory of a process after {SHORT_ROWS} rows"
    yield Figure(name=name, value=before.peak_megabytes, unit="MB")
    growth = parts.peak_megabytes - before.peak_megabytes
    yield Figure(
        name=f"its growth over {rows} rows", value=growth, unit="MB", at_most=STEP_MEGABYTES
    )


def _picture_figures(folder: Path, pictures: int) -> Iterator[Figure]:
    source = _write_pictures(folder / "pictures", pictures)
    scored = _score("digits", source, folder / "labels")
    lines = joined(folder / "labels").splitlines()[1:]
    faulty = sum(b"truncated or corrupt" in line for line in lines)
    missing = abs(pictures - len(lines)) + abs(pictures // BROKEN_EVERY - faulty)
    yield Figure(name="pictures without their row", value=missing, unit="", at_most=0)
    yield Figure(name=f"{pictures} pictures", value=pictures / scored.seconds, unit="1/s")


def _write_rows(path: Path, rows: int) -> Path:
    header, *examples = (ROOT / "examples/houses.csv").read_text().splitlines()
    lines = (examples[index % len(examples)] for index in range(_PIECE_ROWS))
    piece = "".join(f"{line}\n" for line in lines)
    with path.open("w") as stream:
        stream.write(f"{header}\n")
        stream.writelines(piece for _ in range(rows // _PIECE_ROWS))
    return path


def _write_pictures(folder: Path, pictures: int) -> Path:
    whole = picture()
    for index in range(pictures):
        path = folder / f"{index // 1000:03}" / f"{index:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole[: len(whole) // 2] if index % BROKEN_EVERY == 0 else whole)
    return folder


def _command(*words: str | Path) -> list[str | Path]:
    return [SERVICE_PYTHON, "-m", "service", "score", *words]


def _score(model: str, source: Path, output: Path, *options: str) -> Scored:
    started = time.perf_counter()
    command = _command(model, source, "-o", output, *options)
    ended = subprocess.run(
        [SERVICE_PYTHON, "-c", _MEASURED, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return Scored(time.perf_counter() - started, int(ended.stdout) / 1e3)


def _kill_half_way(model: str, source: Path, output: Path) -> None:
    """Kill the command as soon as it has finished some parts."""
    command = _command(model, source, "-o", output)
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for_parts(process, output, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if (output / "_SUCCESS").exists():
        shutil.rmtree(output)  # it was faster
