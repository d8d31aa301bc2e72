"""The folder of several worker processes: their numbers are kept when one ends."""

import threading
from pathlib import Path

import numpy as np
import pytest

from service.telemetry import multiprocess
from service.telemetry.marks import KEPT_SECONDS, SERVED, mark_of
from service.telemetry.multiprocess import ENDED
from service.telemetry.numbers import SUFFIX, Key, encode
from service.telemetry.totals import combined

A = Key("sum", "a")
VERSION = ("rooms", "1")
NOW = 10_000.0


def write(folder: Path, process: int, series: dict[Key, list[float]], *, file: int = 0) -> None:
    """Write a file of numbers as a worker does."""
    arrays = {key: np.array(values, dtype=np.float64) for key, values in series.items()}
    path = folder / f"{process}-{file}{SUFFIX}"
    path.with_suffix(".new").write_bytes(encode(arrays))
    path.with_suffix(".new").replace(path)


def read(folder: Path) -> dict[Key, list[float]]:
    """Return what a scrape adds up; what says which files were added has no numbers."""
    areas = multiprocess.Files(folder).areas()
    return {key: values.tolist() for key, values in combined(areas) if len(values)}


def retire(folder: Path, *ended: int, now: float = NOW) -> None:
    """Retire the workers of these numbers."""
    multiprocess.retire(folder, is_running=lambda each: each not in ended, clock=lambda: now)


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
        write(folder, process, {A: [1, 0], Key("sum", "b", (str(process % 3),)): [2]})
        write(folder, process, {A: [0, 3]}, file=1)
        retire(folder, process)
        assert read(folder)[A] == [process, 3 * process]

    assert files(folder) == [ENDED]
    assert read(folder) == {
        A: [200, 600],
        Key("sum", "b", ("0",)): [132],
        Key("sum", "b", ("1",)): [134],
        Key("sum", "b", ("2",)): [134],
    }


def test_what_an_ended_worker_served_is_forgotten(folder: Path) -> None:
    write(folder, 7, {Key("min", "models"): [1], Key("max", "refused"): [1], A: [1]})
    write(folder, 8, {Key("min", "models"): [0], Key("max", "refused"): [0]})
    assert read(folder) == {Key("min", "models"): [0], Key("max", "refused"): [1], A: [1]}

    retire(folder, 8)
    assert read(folder) == {Key("min", "models"): [1], Key("max", "refused"): [1], A: [1]}
    retire(folder, 7)
    assert read(folder) == {A: [1]}


def test_what_waited_in_an_ended_worker_waits_no_more(folder: Path) -> None:
    for process in (7, 8):
        write(folder, process, {Key("livesum", "waiting"): [process]})
    assert read(folder) == {Key("livesum", "waiting"): [15]}

    retire(folder, 8)

    assert read(folder) == {Key("livesum", "waiting"): [7]}


def test_latest_moment_is_that_of_any_worker(folder: Path) -> None:
    latest = Key("latest", "seen")
    write(folder, 7, {latest: [30]})
    write(folder, 8, {latest: [20]})
    assert read(folder) == {latest: [30]}

    retire(folder, 7)
    assert read(folder) == {latest: [30]}
    retire(folder, 8)
    assert read(folder) == {latest: [30]}


def test_only_the_worker_that_ended_is_retired(folder: Path) -> None:
    for process in (7, 77, 17):
        write(folder, process, {A: [1]})

    retire(folder, 7)
    retire(folder, 8)

    assert files(folder) == [f"17-0{SUFFIX}", f"77-0{SUFFIX}", ENDED]


def test_worker_killed_while_it_made_a_file_leaves_nothing(folder: Path) -> None:
    (folder / "7-0.new").touch()

    assert read(folder) == {}
    retire(folder, 7)

    assert not (folder / "7-0.new").exists()


def test_several_workers_that_end_at_once_are_added_together(folder: Path) -> None:
    for process in range(1, 9):
        write(folder, process, {A: [process]})

    retire(folder, *range(2, 9))

    assert files(folder) == [f"1-0{SUFFIX}", ENDED]
    assert read(folder) == {A: [36]}


def test_nothing_is_counted_twice_if_adding_breaks_off(folder: Path, tmp_path: Path) -> None:
    write(folder, 7, {A: [5]})
    write(folder, 8, {A: [1]})
    left = (folder / f"7-0{SUFFIX}").read_bytes()
    retire(folder, 7)

    # As if the process had been killed before it removed the file.
    (folder / f"7-0{SUFFIX}").write_bytes(left)
    assert read(folder) == {A: [6]}
    retire(folder, 7, 8)

    assert read(folder) == {A: [6]}
    assert files(folder) == [ENDED]


def test_numbers_stay_where_they_are_when_there_is_no_room_to_add_them(folder: Path) -> None:
    for process in (7, 8):
        write(folder, process, {A: [5]})
    retire(folder, 7)
    (folder / ENDED).with_suffix(".new").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        retire(folder, 8)

    assert read(folder) == {A: [10]}
    write(folder, 9, {A: [1]})
    retire(folder, 8, 9)  # once there is room
    assert read(folder) == {A: [11]}
    assert files(folder) == [ENDED]


def test_lack_of_room_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space|too large"):
        multiprocess.clear(tmp_path / "numbers", workers=2**40)

    assert not [*(tmp_path / "numbers").glob("*.new")]


def test_what_ended_workers_counted_of_gone_versions_is_dropped(folder: Path) -> None:
    counted = Key("sum", "predictions", VERSION, VERSION)
    write(folder, 7, {A: [1], counted: [5], mark_of(VERSION): [SERVED]})
    retire(folder, 7)
    assert read(folder) == {A: [1], counted: [5], mark_of(VERSION): [-NOW]}

    write(folder, 8, {A: [1]})
    retire(folder, 8, now=NOW + KEPT_SECONDS)
    assert read(folder)[counted] == [5]
    write(folder, 9, {A: [1]})
    retire(folder, 9, now=NOW + KEPT_SECONDS + 1)
    assert read(folder) == {A: [3]}


def test_what_ended_workers_counted_is_kept_while_others_serve_it(folder: Path) -> None:
    counted = Key("sum", "predictions", VERSION, VERSION)
    for process in (7, 8):
        write(folder, process, {counted: [5], mark_of(VERSION): [SERVED]})
    retire(folder, 7)
    write(folder, 9, {A: [1]})
    retire(folder, 9, now=NOW + 10 * KEPT_SECONDS)

    assert read(folder)[counted] == [10]


def test_numbers_of_an_earlier_server_are_cleared(folder: Path) -> None:
    write(folder, 7, {A: [1]})
    retire(folder, 7)
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

    scraping = threading.Thread(target=scrape)
    scraping.start()
    for process in workers:
        write(folder, process + 1000, {A: [1]})
        retire(folder, process)
    scraping.join()

    assert seen == sorted(seen)
    assert read(folder) == {A: [200]}
