"""Counts of several processes: summed, kept when one ends, cleared with the server."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.telemetry import feature_counters
from service.telemetry.feature_counters import FOLDER, FeatureCounters
from tests.bundles import table_manifest
from tests.fakes import price_between
from vitrine.drift import Counts
from vitrine.model import Model

BINS = 8
# What a worker does: it serves a version, counts, and ends.
WORKER = """
import os, sys
from pathlib import Path
from vitrine.model import Model
from service.telemetry.feature_counters import FeatureCounters
from tests.bundles import table_manifest
from tests.fakes import price_between

model = Model(table_manifest(calibrated=True), price_between)
counted = FeatureCounters(Path(sys.argv[1]))
counted.open([model])
counted.add(model, [int(sys.argv[2])] * len(model.bins))
print(os.getpid())
"""


def rooms(version: int = 1, *, calibrated: bool = True) -> Model:
    """Return a version with bins, or with none."""
    return Model(table_manifest(version=version, calibrated=calibrated), price_between)


def each(count: int) -> Counts:
    """Return the same count in every bin."""
    return np.full(BINS, count, dtype=np.int64)


def work(folder: Path, count: int) -> int:
    """Count in a process of its own and return its number."""
    ended = subprocess.run(
        [sys.executable, "-c", WORKER, str(folder), str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(ended.stdout)


def files(folder: Path) -> list[str]:
    """Name the files of counts."""
    return sorted(path.name for path in (folder / FOLDER).iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a server that has just started."""
    feature_counters.clear(tmp_path)
    return tmp_path


@pytest.fixture(params=["one process", "several"])
def counted(request: pytest.FixtureRequest, folder: Path) -> FeatureCounters:
    """Counts in memory alone, and in a file."""
    return FeatureCounters(None if request.param == "one process" else folder)


def test_counts_add_up(counted: FeatureCounters) -> None:
    model = rooms()
    counted.open([model])
    before = counted.total(model).tolist()

    counted.add(model, np.arange(BINS))
    counted.add(model, each(1))

    assert before == [0] * BINS
    assert counted.total(model).tolist() == list(range(1, BINS + 1))


def test_versions_are_counted_apart(counted: FeatureCounters) -> None:
    first, second, eleventh = (rooms(version) for version in (1, 2, 11))
    counted.open([first, second, eleventh])

    counted.add(first, each(1))
    counted.add(eleventh, each(5))

    assert [int(counted.total(each)[0]) for each in (first, second, eleventh)] == [1, 0, 5]


def test_total_is_nobody_elses_to_change(counted: FeatureCounters) -> None:
    model = rooms()
    counted.open([model])

    counted.total(model)[:] = 9

    assert counted.total(model).tolist() == [0] * BINS


def test_version_that_is_not_served_is_not_counted(counted: FeatureCounters) -> None:
    model = rooms()

    counted.add(model, each(1))

    assert counted.total(model).tolist() == [0] * BINS


def test_version_without_bins_has_no_counts(folder: Path) -> None:
    model = rooms(calibrated=False)
    counted = FeatureCounters(folder)
    counted.open([model])

    counted.add(model, np.zeros(0, dtype=np.int64))

    assert counted.total(model).tolist() == []
    assert files(folder) == []


def test_counts_stay_while_others_come_and_go(counted: FeatureCounters) -> None:
    model = rooms()
    counted.open([model])
    counted.add(model, each(1))

    counted.open([model, rooms(2)])
    counted.add(model, each(1))

    assert counted.total(model).tolist() == [2] * BINS


def test_counts_go_on_when_a_version_is_served_again(folder: Path) -> None:
    model = rooms()
    counted = FeatureCounters(folder)
    counted.open([model])
    counted.add(model, each(1))

    counted.open([])
    counted.add(model, each(100))
    counted.open([model])
    counted.add(model, each(2))

    assert counted.total(model).tolist() == [3] * BINS


def test_counts_of_several_processes_add_up(folder: Path) -> None:
    model = rooms()
    counted = FeatureCounters(folder)
    counted.open([model])
    counted.add(model, each(1))

    processes = {work(folder, count) for count in (20, 300)}

    assert counted.total(model).tolist() == [321] * BINS
    assert files(folder) == sorted(f"rooms@1-{process}" for process in {os.getpid(), *processes})


def test_counts_of_a_worker_that_ended_are_kept(folder: Path) -> None:
    model = rooms()
    reader = FeatureCounters(folder)

    for count in (1, 20):
        process = work(folder, count)
        feature_counters.retire(folder, process)

    assert files(folder) == ["rooms@1-0"]
    assert reader.total(model).tolist() == [21] * BINS


def test_only_the_worker_that_ended_is_retired(folder: Path) -> None:
    for name in ("rooms@1-7", "rooms@1-77", "rooms-7@1-5", "strokes@2-7"):
        each(1).tofile(folder / FOLDER / name)

    feature_counters.retire(folder, 7)
    feature_counters.retire(folder, 8)

    assert files(folder) == ["rooms-7@1-5", "rooms@1-0", "rooms@1-77", "strokes@2-0"]


def test_counts_of_other_bins_do_not_reach_those_that_are_kept(folder: Path) -> None:
    each(5).tofile(folder / FOLDER / "rooms@1-0")
    np.full(3, 9).tofile(folder / FOLDER / "rooms@1-7")

    feature_counters.retire(folder, 7)
    each(1).tofile(folder / FOLDER / "rooms@1-8")

    # What was published last is what will be asked for.
    assert files(folder) == ["rooms@1-0", "rooms@1-8"]
    assert np.fromfile(folder / FOLDER / "rooms@1-0", dtype=np.int64).tolist() == [9, 9, 9]
    assert FeatureCounters(folder).total(rooms()).tolist() == [1] * BINS


def test_file_without_counts_does_not_replace_those_that_are_kept(folder: Path) -> None:
    each(5).tofile(folder / FOLDER / "rooms@1-0")
    (folder / FOLDER / "rooms@1-7").touch()

    feature_counters.retire(folder, 7)

    assert files(folder) == ["rooms@1-0"]
    assert FeatureCounters(folder).total(rooms()).tolist() == [5] * BINS


def test_counts_stay_where_they_are_when_there_is_no_room_to_add_them(folder: Path) -> None:
    for name in ("rooms@1-0", "rooms@1-7"):
        each(5).tofile(folder / FOLDER / name)
    (folder / ".rooms@1-0").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        feature_counters.retire(folder, 7)

    assert FeatureCounters(folder).total(rooms()).tolist() == [10] * BINS


def test_file_of_another_length_is_not_added(folder: Path) -> None:
    each(1).tofile(folder / FOLDER / "rooms@1-7")
    np.full(3, 9).tofile(folder / FOLDER / "rooms@1-8")
    (folder / FOLDER / "rooms@1-9").touch()

    assert FeatureCounters(folder).total(rooms()).tolist() == [1] * BINS


def test_own_file_of_another_length_begins_again(folder: Path) -> None:
    model = rooms()
    np.full(3, 9).tofile(folder / FOLDER / f"rooms@1-{os.getpid()}")
    counted = FeatureCounters(folder)

    counted.open([model])
    counted.add(model, each(2))

    assert counted.total(model).tolist() == [2] * BINS


def test_counts_of_an_earlier_server_are_cleared(tmp_path: Path) -> None:
    feature_counters.clear(tmp_path)
    each(1).tofile(tmp_path / FOLDER / "rooms@1-7")

    feature_counters.clear(tmp_path)

    assert files(tmp_path) == []
    assert FeatureCounters(tmp_path).total(rooms()).tolist() == [0] * BINS


def test_version_is_served_though_its_counts_have_no_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = rooms()
    counted = FeatureCounters(tmp_path)  # nobody made the folder in it

    counted.open([model])
    counted.add(model, each(1))

    (record,) = caplog.records
    assert record.message == "counts are kept in memory"
    assert record.__dict__["fields"] == {"error": "No such file or directory"}
