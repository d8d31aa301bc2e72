"""Lines written by another thread: whole, in order, none waited for, all there at the end."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.telemetry.line_writer import LINES_AT_ONCE, MAX_WAITING_BYTES, LineWriter

# What a process does that logs many lines and ends at once.
PROCESS = """
import sys
from service.telemetry.line_writer import LineWriter

writer = LineWriter(sys.stdout.fileno(), describe_drop=lambda lines: b"dropped")
for number in range(1000):
    writer.write(b"%d\\n" % number)
sys.exit(0)
"""


def describe(lines: int) -> bytes:
    """Say how many lines were dropped."""
    return b"dropped %d\n" % lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, to read from and to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def read_until(descriptor: int, last: bytes) -> bytes:
    """Read until the bytes end so."""
    read = b""
    while not read.endswith(last):
        read += os.read(descriptor, 2**16)
    return read


def test_lines_are_written_soon_and_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, describe_drop=describe)

    for number in range(1000):
        writer.write(b"%d\n" % number)

    assert read_until(reading, b"\n999\n").split() == [b"%d" % number for number in range(1000)]


def test_urgent_line_does_not_wait(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, describe_drop=describe, wait_seconds=3600)

    writer.write(b"one\n")
    writer.write(b"two\n", is_urgent=True)

    assert read_until(reading, b"two\n") == b"one\ntwo\n"


def test_many_lines_do_not_wait_for_more(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, describe_drop=describe, wait_seconds=3600)

    for number in range(LINES_AT_ONCE):
        writer.write(b"%d\n" % number)

    assert read_until(reading, b"%d\n" % (LINES_AT_ONCE - 1)).count(b"\n") == LINES_AT_ONCE


def test_flush_leaves_nothing_waiting(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stream:
        writer = LineWriter(stream.fileno(), describe_drop=describe)
        writer.write(b"one\n")
        writer.write(b"two\n")

        writer.flush()

    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_process_that_ends_has_written_all() -> None:
    ended = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, check=True)

    assert ended.stdout.split() == [b"%d" % number for number in range(1000)]


def test_pipe_that_nobody_reads_costs_lines_but_neither_time_nor_memory(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, describe_drop=describe)
    counted: list[int] = []
    writer.count_drop = counted.append
    line = b"x" * 999 + b"\n"
    written = 4 * MAX_WAITING_BYTES // len(line)

    for _ in range(written):
        writer.write(line)

    # How many are missing is told as soon as there is room, maybe before lines that still wait.
    whole: list[bytes] = []
    dropped = 0
    while len(whole) + dropped < written:
        for each in read_until(reading, b"\n").splitlines():
            if each.startswith(b"dropped "):
                dropped += int(each.removeprefix(b"dropped "))
            else:
                whole.append(each)
    assert len(whole) + dropped == written
    assert sum(counted) == dropped > 0
    assert 2 * MAX_WAITING_BYTES + 2**17 >= len(whole) * len(line) >= MAX_WAITING_BYTES - len(line)
    assert set(whole) == {line.strip()}


def test_process_ends_though_nobody_reads_its_lines() -> None:
    reading, writing = os.pipe()
    started = time.monotonic()
    code = PROCESS.replace('b"%d\\n" % number', 'b"x" * 1000')
    try:
        subprocess.run([sys.executable, "-c", code], stdout=writing, check=True, timeout=30)
    finally:
        os.close(writing)
        os.close(reading)

    assert time.monotonic() - started < 20


def test_lines_for_a_full_disk_are_dropped_and_later_ones_written(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        descriptor = os.dup(full.fileno())
    writer = LineWriter(descriptor, describe_drop=describe)
    writer.write(b"lost\n")
    writer.flush()

    with (tmp_path / "log").open("wb") as stream:
        os.dup2(stream.fileno(), descriptor)
    writer.write(b"kept\n")
    writer.flush()
    os.close(descriptor)

    assert (tmp_path / "log").read_bytes() == b"kept\ndropped 1\n"


def test_piece_of_lines_is_never_longer_than_a_pipe_takes_at_once(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, describe_drop=describe)
    writers = [LineWriter(writing, describe_drop=describe) for _ in range(4)]

    for number in range(2000):
        for each, letter in zip(writers, (b"a", b"b", b"c", b"d"), strict=True):
            each.write(letter * (1 + number % 100) + b"\n")

    lines: list[bytes] = []
    while len(lines) < 8000:
        lines += read_until(reading, b"\n").split()
    writer.flush()
    assert {len(set(line)) for line in lines} == {1}
