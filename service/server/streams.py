"""Which bodies are read by threads while they arrive: so many at once; others wait on the loop."""

from typing import Protocol


class Stream(Protocol):
    """What waits for a thread."""

    def go_on(self) -> None:
        """Ask again: a thread may be free."""


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

    def enter(self, stream: Stream) -> bool:
        """Take a thread; return whether one was free. Else the stream is told when one is."""
        is_next = not self._waiting or next(iter(self._waiting)) is stream
        if not (self._free and is_next):
            self._waiting[stream] = None
            return False
        self.forget(stream)
        self._free -= 1
        return True

    def leave(self) -> None:
        """Give a thread back."""
        self._free += 1
        if self._waiting:
            next(iter(self._waiting)).go_on()

    def forget(self, stream: Stream) -> None:
        """Let a stream wait no longer."""
        self._waiting.pop(stream, None)
