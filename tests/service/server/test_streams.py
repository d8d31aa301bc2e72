"""Threads that read bodies while they arrive: so many at once, in the order of their asking."""

from service.server.streams import Streams


class Asking:
    """Asks for a thread, and again when it is told to."""

    def __init__(self, streams: Streams, *, seconds_a_byte: float = 0.0) -> None:
        self.streams = streams
        self.seconds_a_byte = seconds_a_byte
        self.has_thread = streams.enter(self)

    def go_on(self) -> None:
        """Ask again."""
        self.has_thread = self.streams.enter(self)

    def slowness(self, _: float) -> float | None:
        """Tell how slow its client is, while it has a thread."""
        return self.seconds_a_byte if self.has_thread else None

    def give_way(self) -> None:
        """Give the thread back."""
        self.has_thread = False
        self.streams.leave()


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


def test_slowest_client_gives_way_to_a_stream_that_waits() -> None:
    streams = Streams(3)
    running = [Asking(streams, seconds_a_byte=seconds) for seconds in (0.1, 0.2, 1e-7)]
    waiting = [Asking(streams) for _ in range(3)]

    for now in range(4):
        streams.end_slowest(float(now))

    assert [stream.has_thread for stream in running] == [False, False, True]
    assert [stream.has_thread for stream in waiting] == [True, True, False]
