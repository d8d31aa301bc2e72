"""Threads that read bodies while they arrive: so many at once, in the order of their asking."""

from service.server.streams import Streams


class Asking:
    """Asks for a thread, and again when it is told to."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.has_thread = streams.enter(self)

    def go_on(self) -> None:
        """Ask again."""
        self.has_thread = self.streams.enter(self)


def test_stream_without_a_free_thread_gets_the_next_one_in_turn() -> None:
    streams = Streams(1)
    first, second, third = Asking(streams), Asking(streams), Asking(streams)
    assert (first.has_thread, second.has_thread, third.has_thread) == (True, False, False)

    streams.leave()

    assert (second.has_thread, third.has_thread) == (True, False)


def test_stream_that_has_left_is_not_waited_for() -> None:
    streams = Streams(1)
    Asking(streams)
    gone, third = Asking(streams), Asking(streams)

    streams.forget(gone)
    streams.leave()

    assert third.has_thread
