"""The files of several worker processes: kept when one ends, cleared with the server."""

from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from service.telemetry import multiprocess
from service.telemetry.metrics import Metrics


def write_numbers(folder: Path, name: str, **values: float) -> None:
    """Write a file of numbers as a worker does."""
    numbers = MmapedDict(str(folder / name))  # type: ignore[no-untyped-call]
    for metric, value in values.items():
        key = mmap_key(metric, metric, [], [], "help")
        numbers.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    numbers.close()  # type: ignore[no-untyped-call]


def read_numbers(folder: Path) -> dict[str, float]:
    """Return what a scrape says."""
    text = Metrics(CollectorRegistry(), folder=folder).exposition().decode()
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_numbers_of_ended_workers_stay_in_one_file(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)

    for process in range(1, 201):
        write_numbers(tmp_path, f"counter_{process}.db", a=1, **{f"b{process % 3}": 2})
        write_numbers(tmp_path, f"histogram_{process}.db", c=3)
        write_numbers(tmp_path, f"gauge_livemin_{process}.db", d=1)
        multiprocess.retire(tmp_path, process)
        assert read_numbers(tmp_path)["a"] == process

    assert sorted(path.name for path in tmp_path.glob("*.db")) == [
        "counter_0.db",
        "histogram_0.db",
    ]
    assert read_numbers(tmp_path) == {"a": 200, "b0": 132, "b1": 134, "b2": 134, "c": 600}


def test_worker_killed_at_its_start_leaves_nothing_to_keep(tmp_path: Path) -> None:
    (tmp_path / "counter_7.db").touch()

    multiprocess.retire(tmp_path, 7)
    multiprocess.retire(tmp_path, 8)

    assert read_numbers(tmp_path) == {}


def test_numbers_of_an_earlier_server_are_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    multiprocess.clear(folder)
    write_numbers(folder, "counter_1.db", a=1)
    (folder / "refused").touch()

    multiprocess.clear(folder)

    assert not list(folder.glob("*.db"))
    assert not (folder / "refused").exists()


def test_bins_of_an_earlier_server_are_cleared(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)
    np.ones(8, dtype=np.int64).tofile(tmp_path / "features" / "rooms@1-7")

    multiprocess.clear(tmp_path)

    assert not list((tmp_path / "features").iterdir())
