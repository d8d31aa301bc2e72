"""Which bodies are read by threads while they arrive: so many at once; others wait on the loop."""

from typing import Protocol

# Where others wait for a thread, a client must send at least 32 KiB a second.
_MOST_SECONDS_A_BYTE = 2**-15


class Stream(Protocol):
    """What waits for a thread."""

    def go_on(self) -> None:
        """Ask again: a thread may be free."""

    def slowness(self, now: float) -> float | None:
        """Return for how long its thread waits for each byte; None where it waits for none."""

    def give_way(self) -> None:
        """Leave the thread to another stream."""


class Streams:
    """The threads of one worker that read bodies while they arrive.

    Args:
        most: Number of threads.

    Attributes:
        most: Number of threads.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._free = most
        self._waiting: dict[Stream, None] = {}
        # Those that have had a thread, and may have one still.
        self._running: dict[Stream, None] = {}

    def enter(self, stream: Stream) -> bool:
        """Take a thread; return whether one was free. Else the stream is told when one is."""
        is_next = not self._waiting or next(iter(self._waiting)) is stream
        if not (self._free and is_next):
            self._waiting[stream] = None
            return False
        self.forget(stream)
        self._running[stream] = None
        self._free -= 1
        return True

    def leave(self) -> None:
        """Give a thread back."""
        self._free += 1
        if self._waiting:
            next(iter(self._waiting)).go_on()

    def end_slowest(self, now: float) -> None:
        """End the stream whose client is the slowest, if any is slow, for those that wait."""
        waits = {stream: stream.slowness(now) for stream in self._running}
        slow = {stream: seconds for stream, seconds in waits.items() if seconds is not None}
        self._running = dict.fromkeys(slow)
        slowest = max(slow, key=slow.__getitem__, default=None)
        if slowest is not None and slow[slowest] > _MOST_SECONDS_A_BYTE:
            del self._running[slowest]
            slowest.give_way()

    def forget(self, stream: Stream) -> None:
        """Let a stream wait no longer, nor give way."""
        self._waiting.pop(stream, None)
        self._running.pop(stream, None)
