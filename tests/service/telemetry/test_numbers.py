"""Numbers in memory that other processes read: whole, added up, kept when a process is killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.numbers import SUFFIX, Key, Numbers, Values, combine, encode

KEY: Key = ("sum", "a", "label")
# What a worker does that is killed in the middle of its work.
KILLED = f"""
import os, signal, sys
from pathlib import Path
from service.telemetry.numbers import Numbers

cells = Numbers(Path(sys.argv[1])).cells({KEY!r}, 2)
cells[1] += 3
os.kill(os.getpid(), signal.SIGKILL)
"""


def read(folder: Path) -> dict[Key, list[float]]:
    """Return what the files of a folder hold."""
    found = combine(path.read_bytes() for path in folder.glob(f"*{SUFFIX}"))
    return {key: values.tolist() for key, values in found.items()}


@pytest.fixture(params=["one process", "several"])
def numbers(request: pytest.FixtureRequest, tmp_path: Path) -> Numbers:
    """Numbers in memory alone, and in a file."""
    return Numbers(None if request.param == "one process" else tmp_path)


def test_cells_begin_at_zero_and_are_the_same_for_the_same_key(numbers: Numbers) -> None:
    cells = numbers.cells(KEY, 3)
    assert cells.tolist() == [0, 0, 0]

    cells[1] += 2.5

    assert numbers.cells(KEY, 3).tolist() == [0, 2.5, 0]
    assert numbers.read()[KEY].tolist() == [0, 2.5, 0]


def test_any_number_of_series_has_room(numbers: Numbers) -> None:
    for number in range(3000):
        numbers.cells(("sum", "a", f"ä{number}"), 16)[15] = number
    numbers.cells(("sum", "long"), 100_000)[99_999] = 1

    found = numbers.read()

    assert len(found) == 3001
    assert all(found["sum", "a", f"ä{number}"][15] == number for number in range(3000))
    assert found["sum", "long"].sum() == 1


def test_other_processes_see_numbers_at_once(tmp_path: Path) -> None:
    cells = Numbers(tmp_path).cells(KEY, 1)

    for count in range(3):
        assert read(tmp_path) == {KEY: [count]}
        cells[0] += 1


def test_killed_process_loses_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
        assert killed.returncode == -signal.SIGKILL

    assert read(tmp_path) == {KEY: [0, 6]}


def test_files_of_a_process_do_not_replace_each_other(tmp_path: Path) -> None:
    for _ in range(2):
        Numbers(tmp_path).cells(KEY, 1)[0] += 1

    assert read(tmp_path) == {KEY: [2]}
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{os.getpid()}-{number}{SUFFIX}" for number in range(2)}


def test_room_on_the_disk_is_reserved(tmp_path: Path) -> None:
    Numbers(tmp_path)

    (path,) = tmp_path.iterdir()
    status = path.stat()
    assert status.st_blocks * 512 >= status.st_size > 0


def test_folder_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Numbers(tmp_path / "missing")


def test_lack_of_room_for_more_series_costs_only_these(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "numbers"
    folder.mkdir()
    numbers = Numbers(folder)
    cells = numbers.cells(KEY, 1)
    folder.rename(tmp_path / "elsewhere")

    numbers.cells(("sum", "more"), 100_000)[0] += 1
    cells[0] += 1

    assert read(tmp_path / "elsewhere") == {KEY: [1]}
    (record,) = caplog.records
    assert record.message == "numbers are kept in memory"
    assert record.__dict__["fields"] == {"error": "No such file or directory"}


def test_additions_of_several_threads_add_up(numbers: Numbers) -> None:
    cells = numbers.cells(KEY, 1)

    def add() -> None:
        for _ in range(20_000):
            with numbers.adding:
                cells[0] += 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cells[0] == 80_000


def test_empty_file_holds_nothing() -> None:
    assert combine([b""]) == {}


@pytest.mark.parametrize(
    ("combining", "expected"), [("sum", 5), ("min", 1), ("max", 4), ("livesum", 5)]
)
def test_series_are_combined_as_their_key_says(combining: str, expected: float) -> None:
    key = (combining, "a")

    combined = combine(encode({key: np.array([value])}) for value in (1.0, 4.0))

    assert combined[key].tolist() == [expected]


@given(
    st.dictionaries(
        st.tuples(st.just("sum"), st.text(), st.text()),
        st.lists(st.floats(allow_nan=False), max_size=5).map(np.array),
    )
)
def test_what_is_encoded_is_read_again(series: dict[Key, Values]) -> None:
    found = combine([encode(series)])

    assert {key: values.tolist() for key, values in found.items()} == {
        key: values.tolist() for key, values in series.items()
    }
