"""Scoring on a Ray cluster of three nodes: what is lost with a node, how much memory, how fast.

The nodes are network namespaces of this machine; making them needs root. `make cluster` makes the
environments that they run in.
"""

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.nodes import RAY_TRAINING, VITRINE, Cluster, ray_cluster
from tests.namespaces import Host
from tests.pictures import coverage, painted, saved
from tests.scoring import count_finished, wait_for_parts
from tests.servers import ROOT
from tests.soak.data import HOUSING, find_data
from tests.soak.figures import Figure
from tests.soak.footprint import proportional_megabytes

ROWS = 10_000_000
PICTURES = 20_000
BROKEN_EVERY = 100
# The files of the comparison: both read the same ones.
FILES, ROWS_OF_A_FILE = 12, 100_000
# What a worker has in memory, with its model and a part, and what Ray itself has on a node.
NODE_MEGABYTES = 1500

_WATCH_SECONDS = 1.0


def ten_million_rows() -> Iterator[Figure]:
    """Score ten million rows while a node is killed, and again with a command that is killed."""
    data = find_data(HOUSING)
    if data is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "houses.csv"
        _write_rows(source, data / HOUSING, ROWS)
        yield from _whole("rows", "housing", source, Path(folder))


def twenty_thousand_pictures() -> Iterator[Figure]:
    """Score pictures, some of them broken, in the same way."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pictures"
        _write_pictures(source)
        yield from _whole("pictures", "digits", source, Path(folder))


def beside_keras() -> Iterator[Figure]:
    """Score the same files on the same nodes with Keras in plain Ray Data code, and by `score`."""
    data = find_data(HOUSING)
    if data is None:
        return
    with tempfile.TemporaryDirectory() as name, ray_cluster(environment=RAY_TRAINING) as cluster:
        folder = Path(name)
        few, many = folder / "few", folder / "many"
        for index in range(FILES):
            _write_rows(many / f"{index:02}.csv", data / HOUSING, ROWS_OF_A_FILE)
        few.mkdir()
        shutil.copy(many / "00.csv", few)
        keras = _Side(cluster, lambda source, target: _keras(cluster, source, target))
        ours = _Side(cluster, lambda source, target: _score(cluster, "housing", source, target))
        for side, told in ((keras, "Keras in plain Ray Data code"), (ours, "vitrine score")):
            side.measure(few, many, folder)
            yield Figure(name=f"1 200 000 rows by {told}", value=side.seconds, unit="s")
            yield Figure(name=f"rows a second of {told}, once started", value=side.rate, unit="1/s")
    yield Figure(name="ratio, with the start", value=keras.seconds / ours.seconds, unit="x")
    ratio = ours.rate / keras.rate
    yield Figure(name="ratio, once started", value=ratio, unit="x", at_least=5)


@dataclass(slots=True)
class _Side:
    """One of two ways to score.

    Attributes:
        cluster: Where it runs.
        run: Scores a folder into another one.
        seconds: That all files took.
        rate: Rows a second, without the start of the program and of its workers.
    """

    cluster: Cluster
    run: Callable[[Path, Path], None]
    seconds: float = 0.0
    rate: float = 0.0

    def measure(self, few: Path, many: Path, folder: Path) -> None:
        """Score one file, and all files."""
        start = self._time(few, folder)
        self.seconds = self._time(many, folder)
        self.rate = (FILES - 1) * ROWS_OF_A_FILE / (self.seconds - start)

    def _time(self, source: Path, folder: Path) -> float:
        target = Path(tempfile.mkdtemp(dir=folder))
        began = time.monotonic()
        self.run(source, target)
        return time.monotonic() - began


def _keras(cluster: Cluster, source: Path, target: Path) -> None:
    program = ROOT / "tests/soak/keras_on_ray.py"
    model = ROOT / "models/housing/1/model.keras"
    cluster.run(["python", program, cluster.address, model, source, target], capture_output=True)


def _score(cluster: Cluster, model: str, source: Path, target: Path) -> None:
    cluster.run(_words(cluster, model, source, target), capture_output=True)


def _words(cluster: Cluster, model: str, source: Path, target: Path) -> Sequence[str | Path]:
    return [*VITRINE, "score", model, source, "-o", f"{target}/", "--ray", cluster.address]


def _whole(what: str, model: str, source: Path, folder: Path) -> Iterator[Figure]:
    """Score an input here, on a cluster that loses a node, and by a command that is killed."""
    here, there, again = (folder / name for name in ("here", "there", "again"))
    with ray_cluster(nodes=3) as cluster:
        cluster.run([*VITRINE, "score", model, source, "-o", f"{here}/"], capture_output=True)
        parts = count_finished(here)
        with _watched(cluster.hosts) as peaks:
            process = cluster.start(_words(cluster, model, source, there))
            wait_for_parts(process, there, parts // 2)
            cluster.others[1].kill()
            process.wait()
        lost = _differences(here, there)
        yield Figure(name=f"files of {what} unlike the local ones", value=lost, unit="", at_most=0)
        for index, peak in enumerate(peaks.megabytes):
            name = f"peak memory of node {index} over {what}"
            yield Figure(name=name, value=peak, unit="MB", at_most=NODE_MEGABYTES)
        yield from _killed(cluster, what, _words(cluster, model, source, again), here, again)


def _killed(
    cluster: Cluster, what: str, words: Sequence[str | Path], here: Path, again: Path
) -> Iterator[Figure]:
    process = cluster.start(words)
    wait_for_parts(process, again, count_finished(here) // 3)
    process.kill()
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in again.glob("_parts/*")}
    cluster.run(words, capture_output=True)
    repeated = sum(path.stat().st_mtime_ns != when for path, when in before.items())
    name = f"parts of {what} repeated after kill -9, of {len(before)} finished"
    yield Figure(name=name, value=repeated, unit="", at_most=0)
    name = f"files of {what} unlike the local ones after kill -9"
    yield Figure(name=name, value=_differences(here, again), unit="", at_most=0)


def _write_rows(path: Path, housing: Path, count: int) -> None:
    path.parent.mkdir(exist_ok=True)
    header, *rows = housing.read_text().splitlines(keepends=True)
    with path.open("w") as file:
        file.write(header)
        for first in range(0, count, len(rows)):
            file.writelines(rows[: count - first])


def _write_pictures(folder: Path) -> None:
    folder.mkdir()
    drawn = [saved(painted(coverage(digit))) for digit in "1457"]
    for index in range(PICTURES):
        data = drawn[index % len(drawn)]
        is_broken = index % BROKEN_EVERY == BROKEN_EVERY // 2
        (folder / f"{index:05}.png").write_bytes(data[: len(data) // 2] if is_broken else data)


def _differences(first: Path, second: Path) -> int:
    """Return the number of files that are not the same in two folders."""
    hashes = [_hashes(folder) for folder in (first, second)]
    return len(set(hashes[0].items()) ^ set(hashes[1].items()))


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(
                    file, "sha256"
                ).hexdigest()
    return found


@dataclass(slots=True)
class _Peaks:
    """The most memory that all processes of each node had together.

    Attributes:
        megabytes: For each node.
    """

    megabytes: list[float] = field(default_factory=list)

    def look(self, hosts: Sequence[Host]) -> None:
        """Measure once."""
        now = [sum(map(_megabytes, host.processes())) for host in hosts]
        self.megabytes = [max(pair) for pair in zip(self.megabytes or now, now, strict=True)]


def _megabytes(process: int) -> float:
    try:
        return proportional_megabytes(process)
    except OSError:  # it has ended
        return 0.0


@contextmanager
def _watched(hosts: Sequence[Host]) -> Iterator[_Peaks]:
    peaks, ended = _Peaks(), threading.Event()

    def watch() -> None:
        while not ended.wait(_WATCH_SECONDS):
            peaks.look(hosts)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()
