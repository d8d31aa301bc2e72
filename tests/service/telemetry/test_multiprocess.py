"""The folder of several worker processes: their numbers are kept when one ends."""

import threading
from pathlib import Path

import numpy as np
import pytest

from service.telemetry import multiprocess
from service.telemetry.multiprocess import ENDED
from service.telemetry.numbers import SUFFIX, Key, encode

A: Key = ("sum", "a")


def write(folder: Path, process: int, series: dict[Key, list[float]], *, file: int = 0) -> None:
    """Write a file of numbers as a worker does."""
    arrays = {key: np.array(values, dtype=np.float64) for key, values in series.items()}
    (folder / f"{process}-{file}{SUFFIX}").write_bytes(encode(arrays))


def read(folder: Path) -> dict[Key, list[float]]:
    """Return what a scrape adds up."""
    return {key: values.tolist() for key, values in multiprocess.read(folder).items()}


def files(folder: Path) -> list[str]:
    """Name the files of numbers."""
    return sorted(path.name for path in folder.glob(f"*{SUFFIX}"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a server that has just started."""
    folder = tmp_path / "numbers"
    multiprocess.clear(folder)
    return folder


def test_numbers_of_ended_workers_stay_in_one_file(folder: Path) -> None:
    for process in range(1, 201):
        write(folder, process, {A: [1, 0], ("sum", "b", str(process % 3)): [2]})
        write(folder, process, {A: [0, 3]}, file=1)
        multiprocess.retire(folder, process)
        assert read(folder)[A] == [process, 3 * process]

    assert files(folder) == [ENDED]
    assert read(folder) == {
        A: [200, 600],
        ("sum", "b", "0"): [132],
        ("sum", "b", "1"): [134],
        ("sum", "b", "2"): [134],
    }


def test_what_an_ended_worker_served_is_forgotten(folder: Path) -> None:
    write(folder, 7, {("min", "models"): [1], ("max", "refused"): [1], A: [1]})
    write(folder, 8, {("min", "models"): [0], ("max", "refused"): [0]})
    assert read(folder) == {("min", "models"): [0], ("max", "refused"): [1], A: [1]}

    multiprocess.retire(folder, 8)
    assert read(folder) == {("min", "models"): [1], ("max", "refused"): [1], A: [1]}
    multiprocess.retire(folder, 7)
    assert read(folder) == {A: [1]}


def test_what_waited_in_an_ended_worker_waits_no_more(folder: Path) -> None:
    for process in (7, 8):
        write(folder, process, {("livesum", "waiting"): [process]})
    assert read(folder) == {("livesum", "waiting"): [15]}

    multiprocess.retire(folder, 8)

    assert read(folder) == {("livesum", "waiting"): [7]}


def test_only_the_worker_that_ended_is_retired(folder: Path) -> None:
    for process in (7, 77, 17):
        write(folder, process, {A: [1]})

    multiprocess.retire(folder, 7)
    multiprocess.retire(folder, 8)

    assert files(folder) == [f"17-0{SUFFIX}", f"77-0{SUFFIX}", ENDED]


def test_worker_killed_at_its_start_leaves_nothing_to_keep(folder: Path) -> None:
    (folder / f"7-0{SUFFIX}").touch()

    multiprocess.retire(folder, 7)

    assert read(folder) == {}


def test_numbers_stay_where_they_are_when_there_is_no_room_to_add_them(folder: Path) -> None:
    for process in (7, 8):
        write(folder, process, {A: [5]})
    multiprocess.retire(folder, 7)
    (folder / ENDED).with_suffix(".new").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        multiprocess.retire(folder, 8)

    assert read(folder) == {A: [10]}


def test_numbers_of_an_earlier_server_are_cleared(folder: Path) -> None:
    write(folder, 7, {A: [1]})
    multiprocess.retire(folder, 7)
    write(folder, 8, {A: [1]})
    (folder / "refused").touch()

    multiprocess.clear(folder)

    assert read(folder) == {}
    assert not (folder / "refused").exists()


def test_no_scrape_sees_a_number_fall_while_workers_end(folder: Path) -> None:
    seen: list[float] = []
    workers = range(1, 101)
    for process in workers:
        write(folder, process, {A: [1]})

    def scrape() -> None:
        while not seen or seen[-1] < 200:
            seen.append(read(folder)[A][0])
            # Scrapes without a pause would keep the lock that retiring a worker needs.
            threading.Event().wait(0.005)

    scraping = threading.Thread(target=scrape)
    scraping.start()
    for process in workers:
        write(folder, process + 1000, {A: [1]})
        multiprocess.retire(folder, process)
    scraping.join()

    assert seen == sorted(seen)
    assert read(folder) == {A: [200]}
