"""How the workers of one server share its connections, and how its listening sockets are closed."""

import ctypes
import mmap
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

# Number of connections of each worker plus one; 0 where there is no worker. The memory is shared
# with the workers that are forked from this process.
_SLOTS = 256
_counts = memoryview(mmap.mmap(-1, 4 * _SLOTS)).cast("i")
# Whether some worker has ever accepted connections.
_has_served = memoryview(mmap.mmap(-1, 1))

# A worker leaves the same connection to others twice for each connection that it has more, and at
# most so many times.
_MOST_LEAVES = 8
# Some hundred connections may be shared a little unevenly; to leave them takes time.
_TOLERATED_SHARE = 32
# What was left longer ago was another connection.
_RECENT_SECONDS = 0.02

_SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; read, it returns the filter
# Of linux/filter.h, on a TCP header: drop what has SYN and not ACK, keep everything else.
_NO_SYN = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (6, 0, 0, 0), (6, 0, 0, 2**18))


def has_served() -> bool:
    """Tell whether some worker of this server has ever accepted connections."""
    return bool(_has_served[0])


class Share:
    """The connections of one worker, as the other workers see them.

    Args:
        age: Number that gunicorn gave the worker; each worker has another one.
    """

    def __init__(self, age: int) -> None:
        self._slot = age % _SLOTS
        self._left_at = 0.0
        self._leaves = 0

    def set(self, connections: int) -> None:
        """Tell the others how many connections this worker has; it accepts more."""
        _counts[self._slot] = connections + 1
        _has_served[0] = 1

    def withdraw(self) -> None:
        """Tell the others that this worker accepts no connections, or is gone."""
        _counts[self._slot] = 0

    def leaves_next(self, connections: int) -> bool:
        """Tell whether a worker with fewer connections should accept the one that waits.

        Kept connections stay where they are. If they were shared badly, one worker, and one core,
        would have all of them. The other worker may be busy, so a connection that was left to it
        several times is accepted here.
        """
        now = time.monotonic()
        fewest = min((count for count in _counts if count), default=0)
        more = connections + 1 - fewest - fewest // _TOLERATED_SHARE if fewest else 0
        if now - self._left_at > _RECENT_SECONDS:
            self._leaves = 0
        leaves = self._leaves < min(2 * more, _MOST_LEAVES)
        self._leaves = self._leaves + 1 if leaves else 0
        self._left_at = now
        return leaves


def refuse_connections(listeners: Iterable[Any]) -> None:
    """Let no new connection begin, whereas those that clients know of can still be accepted.

    A listening socket that is merely closed resets what waits in it. A client that is not heard
    tries again, and finds who listens then.
    """
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _NO_SYN))
    program = struct.pack("HP", len(_NO_SYN), ctypes.addressof(code))
    for listener in listeners:
        if listener.family in {socket.AF_INET, socket.AF_INET6}:
            with suppress(OSError):  # another kernel: what waits is lost, as it is without us
                listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def refuses_connections(listener: Any) -> bool:
    """Tell whether `refuse_connections` was called for a listening socket."""
    try:
        return bool(listener.getsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, 1024))
    except OSError:
        return False
