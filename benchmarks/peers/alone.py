"""Decoding and the network alone, on all cores: what many pictures in one request are beside.

`python -m benchmarks.peers.alone BUNDLE FOLDER SECONDS` decodes the pictures of a folder and runs
the network on them as one batch, again and again. It prints how many it did in a second, and what
each cost.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import machine
from benchmarks.peers import cases
from benchmarks.peers.cases import Case
from benchmarks.peers.measuring import Sample
from vitrine import bundle, images
from vitrine.engines import load_engine

NAME = "alone"
TITLE = "Decoding and network alone"
_PATIENCE_SECONDS = 60
_MAX_PIXELS = 2**20


def measure(
    version: Path, case: Case, round_number: int, *, seconds: float, workers: int
) -> Sample:
    """Divide the pictures of a case among processes, one for each core, and add their rates."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folders = _shares(Path(scratch), workers)
        others = machine.Others()
        running = [_start(version, folder, seconds) for folder in folders]
        found = [_figures(process) for process in running]
    rate = sum(rate for rate, _ in found)
    return Sample(
        server=NAME,
        case=case.name,
        connections=case.connections[0],
        round=round_number,
        rate=rate,
        p50_ms=case.instances / rate * 1000,
        p99_ms=case.instances / rate * 1000,
        cpu_microseconds=median(cost for _, cost in found),
        load_cpu_share=0.0,
        others_share=others.share(),
        failed=0,
    )


def _shares(scratch: Path, workers: int) -> list[Path]:
    folders = [scratch / str(worker) for worker in range(workers)]
    for folder in folders:
        folder.mkdir()
    for number, file in enumerate(cases.many()):
        (folders[number % workers] / f"{number}.png").write_bytes(file)
    return folders


def _start(version: Path, folder: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.peers.alone", str(version), str(folder)]
    return subprocess.Popen(
        [*command, str(seconds)], cwd=machine.ROOT, stdout=subprocess.PIPE, text=True
    )


def _figures(process: "subprocess.Popen[str]") -> tuple[float, float]:
    said, _ = process.communicate(timeout=_PATIENCE_SECONDS)
    rate, cost = said.split()
    return float(rate), float(cost)


def _loop(version: Path, folder: Path, seconds: float) -> tuple[float, float]:
    """Return the pictures in a second, and the processor time of each in microseconds."""
    engine = load_engine(version, bundle.read_manifest(version), threads=1)
    files = [path.read_bytes() for path in sorted(folder.iterdir())]

    def once() -> None:
        pixels = [images.decode(file, max_pixels=_MAX_PIXELS).pixels for file in files]
        engine({"image": np.stack(pixels).astype(np.float32)})

    once()  # what a first pass costs once
    passes, started, spent = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - started) < seconds:
        once()
        passes += 1
    spent = time.process_time() - spent
    return passes * len(files) / elapsed, spent / passes / len(files) * 1e6


if __name__ == "__main__":
    print(*_loop(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
