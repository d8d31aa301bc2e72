"""Numbers in memory that other processes read: whole, kept when a process is killed."""

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

from service.telemetry.numbers import SUFFIX, Key, Numbers, Values, encode
from service.telemetry.totals import combined

KEY = Key("sum", "a", ("label",))
VERSION = ("rooms", "1")
OWNED = Key("sum", "a", VERSION, VERSION)
# What a worker does that is killed in the middle of its work.
KILLED = f"""
import os, signal, sys
from pathlib import Path
from service.telemetry.numbers import Key, Numbers

cells = Numbers(Path(sys.argv[1])).series({KEY!r}, 2).cells
cells[1] += 3
os.kill(os.getpid(), signal.SIGKILL)
"""


def read(folder: Path) -> dict[Key, list[float]]:
    """Return what the files of a folder hold."""
    areas = {path.name: path.read_bytes() for path in folder.glob(f"*{SUFFIX}")}
    return {key: values.tolist() for key, values in combined(areas)}


@pytest.fixture(params=["one process", "several"])
def numbers(request: pytest.FixtureRequest, tmp_path: Path) -> Numbers:
    """Numbers in memory alone, and in a file."""
    return Numbers(None if request.param == "one process" else tmp_path)


def test_cells_begin_at_zero_and_are_the_same_for_the_same_key(numbers: Numbers) -> None:
    series = numbers.series(KEY, 3)
    assert series.cells.tolist() == [0, 0, 0]

    series.cells[1] += 2.5

    assert numbers.series(KEY, 3).cells.tolist() == [0, 2.5, 0]
    assert dict(combined(numbers.areas()))[KEY].tolist() == [0, 2.5, 0]


def test_any_number_of_series_has_room(numbers: Numbers) -> None:
    for number in range(3000):
        numbers.series(Key("sum", "a", (f"ä{number}",)), 16).cells[15] = number
    numbers.series(Key("sum", "long"), 100_000).cells[99_999] = 1

    found = dict(combined(numbers.areas()))

    assert len(found) == 3001
    assert all(found[Key("sum", "a", (f"ä{number}",))][15] == number for number in range(3000))
    assert found[Key("sum", "long")].sum() == 1


def test_other_processes_see_numbers_at_once(tmp_path: Path) -> None:
    cells = Numbers(tmp_path).series(KEY, 1).cells

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
        Numbers(tmp_path).series(KEY, 1).cells[0] += 1

    assert read(tmp_path) == {KEY: [2]}
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 2
    assert all(name.startswith(f"{os.getpid()}-") and name.endswith(SUFFIX) for name in names)


def test_series_of_a_version_leave_with_their_files(tmp_path: Path) -> None:
    numbers = Numbers(tmp_path)
    numbers.series(KEY, 1).cells[0] = 1
    late = numbers.series(OWNED, 1).cells
    assert numbers.owners() == [VERSION]
    assert read(tmp_path) == {KEY: [1], OWNED: [0]}

    numbers.forget(VERSION)
    late[0] = 7  # by a request that began before

    assert numbers.owners() == []
    assert read(tmp_path) == {KEY: [1]}
    assert numbers.series(OWNED, 1).cells[0] == 0


def test_many_versions_leave_no_file(tmp_path: Path) -> None:
    numbers = Numbers(tmp_path)
    numbers.series(KEY, 1)
    before = [*tmp_path.iterdir()]

    for version in range(30):
        owner = ("rooms", str(version))
        for label in range(100):
            numbers.series(Key("sum", "a", (*owner, str(label)), owner), 16)
        numbers.forget(owner)

    assert [*tmp_path.iterdir()] == before
    assert len(numbers.areas()) == 1


def test_room_on_the_disk_is_reserved(tmp_path: Path) -> None:
    Numbers(tmp_path).series(KEY, 1)

    (path,) = tmp_path.iterdir()
    status = path.stat()
    assert status.st_blocks * 512 >= status.st_size > 0


def test_lack_of_room_costs_only_what_has_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "numbers"
    folder.mkdir()
    numbers = Numbers(folder)
    numbers.series(KEY, 1)
    folder.rename(tmp_path / "elsewhere")

    more = numbers.series(Key("sum", "more"), 100_000)
    more.cells[0] += 1
    numbers.series(KEY, 1).cells[0] += 1

    assert read(tmp_path / "elsewhere") == {KEY: [1]}
    (record,) = caplog.records
    assert record.message == "numbers are kept in memory"
    assert record.__dict__["fields"] == {"error": "No such file or directory"}


def test_numbers_move_to_a_file_once_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "numbers"
    numbers = Numbers(folder)
    series = numbers.series(KEY, 1)
    series.cells[0] += 1
    assert not numbers.move()

    folder.mkdir()
    assert numbers.move()
    series.cells[0] += 1

    assert read(folder) == {KEY: [2]}
    assert numbers.series(KEY, 1) is series
    assert caplog.messages == ["numbers are kept in memory", "numbers are in files again"]


def test_additions_of_several_threads_add_up(numbers: Numbers) -> None:
    cells = numbers.series(KEY, 1).cells

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


@given(
    st.dictionaries(
        st.builds(Key, st.just("sum"), st.text(), st.tuples(st.text()), st.just(VERSION)),
        st.lists(st.floats(allow_nan=False), max_size=5).map(np.array),
    )
)
def test_what_is_encoded_is_read_again(series: dict[Key, Values]) -> None:
    found = combined({"area": encode(series)})

    assert {key: values.tolist() for key, values in found} == {
        key: values.tolist() for key, values in series.items()
    }
