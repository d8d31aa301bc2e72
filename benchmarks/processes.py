"""What the processes of a server use, read from /proc."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PRIVATE = re.compile(r"RssAnon:\s+(\d+) kB")
_PROPORTIONAL = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_TURN_SECONDS = 0.05
_PR_SET_CHILD_SUBREAPER = 36  # of prctl(2)
_ESTABLISHED = "01"


def children(process: int) -> list[int]:
    """Return the processes that one started, in any of its threads."""
    found = []
    for thread in Path(f"/proc/{process}/task").glob("*"):
        with contextlib.suppress(OSError):
            found += [int(number) for number in (thread / "children").read_text().split()]
    return found


def tree(process: int) -> list[int]:
    """Return a process and all below it."""
    found = [process]
    for child in children(process):
        found += tree(child)
    return found


def cpu_seconds(process: int, *, below: bool = True) -> float:
    """Return the processor time of a process, and of all below it."""
    ticks = 0
    for number in tree(process) if below else [process]:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:13])
    return ticks / _TICKS


def adopt_orphans() -> None:
    """Become the parent of whatever loses its own below this process, so that it is found."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def below() -> list[int]:
    """Return all processes below this one."""
    return tree(os.getpid())[1:]


def cpu_seconds_below() -> float:
    """Return the processor time of all below this process, and of what ended below them."""
    return sum(map(_seconds_with_ended, below()))


def _seconds_with_ended(process: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / _TICKS
    return 0.0


def machine_seconds() -> float:
    """Return the processor time that everything on this machine has used."""
    user, nice, system, _idle, _waiting, *rest = _machine_ticks()
    return (user + nice + system + sum(rest[:3])) / _TICKS


def _machine_ticks() -> list[int]:
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]


def own_seconds() -> float:
    """Return the processor time of this process and of all below it that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def private_mebibytes(process: int) -> float:
    """Return the memory that a process and all below it hold, without files and shared pages."""
    kibibytes = 0
    for number in tree(process):
        with contextlib.suppress(OSError):
            found = _PRIVATE.search(Path(f"/proc/{number}/status").read_text())
            kibibytes += int(found[1]) if found else 0
    return kibibytes / 1024


def proportional_megabytes(numbers: Iterable[int]) -> float:
    """Return the memory of processes; what some of them share is divided among those that do."""
    kibibytes = 0
    for number in numbers:
        with contextlib.suppress(OSError):
            found = _PROPORTIONAL.search(Path(f"/proc/{number}/smaps_rollup").read_text())
            kibibytes += int(found[1]) if found else 0
    return kibibytes * 1024 / 1e6


def end(process: "subprocess.Popen[bytes]", *, patience: float) -> None:
    """Tell a process to end, wait so many seconds, and kill what is left of it and below it."""
    others = tree(process.pid)[1:]
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + patience
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    while any(map(_is_running, others)) and time.monotonic() < deadline:
        time.sleep(_TURN_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
    kill(filter(_is_running, others))


def kill(numbers: Iterable[int]) -> None:
    """Kill processes; those whose parent is this one leave nothing behind."""
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(number, 0)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has_connection(process: int, port: int) -> bool:
    """Tell whether a process serves a connection on a port of its own."""
    return not _connections(port).isdisjoint(_sockets(process))


def _connections(port: int) -> set[str]:
    """Return the inodes of the server's ends of the connections to a port."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _ESTABLISHED and int(fields[1].rpartition(":")[2], 16) == port:
            found.add(fields[9])
    return found


def _sockets(process: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                kind, _, inode = str(link.readlink()).partition(":")
                if kind == "socket":
                    found.add(inode.strip("[]"))
    return found
