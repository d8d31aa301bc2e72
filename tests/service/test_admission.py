"""Turns to compute: as many as there are places, first come first served, always given back."""

import contextlib
import threading
from io import BytesIO

import pytest
from prometheus_client import CollectorRegistry

from service.admission import Scheduler
from service.http.app import create_app
from service.http.transfer import AnswerBroken
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.fakes import FakeFleet, blank_picture, fake_repository, picture, table


def waiting(scheduler: Scheduler, order: list[int], number: int) -> threading.Thread:
    """Start a thread that waits for a turn, and return when it does."""
    began = len(scheduler._waiting)

    def wait() -> None:
        turn = scheduler.turn()
        turn.take()
        order.append(number)
        turn.give()

    thread = threading.Thread(target=wait)
    thread.start()
    while len(scheduler._waiting) == began:
        threading.Event().wait(0.001)
    return thread


def test_turns_are_taken_in_the_order_of_arrival() -> None:
    scheduler = Scheduler(1)
    first = scheduler.turn()
    first.take()
    order: list[int] = []
    threads = [waiting(scheduler, order, number) for number in range(8)]
    assert order == []

    first.give()
    for thread in threads:
        thread.join()

    assert order == list(range(8))


def test_no_more_compute_at_a_time_than_there_are_places() -> None:
    scheduler = Scheduler(3)
    now, most = 0, 0
    lock = threading.Lock()

    def compute() -> None:
        nonlocal now, most
        for _ in range(200):
            turn = scheduler.turn()
            turn.take()
            with lock:
                now += 1
                most = max(most, now)
            with lock:
                now -= 1
            turn.give()

    threads = [threading.Thread(target=compute) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= most <= 3
    assert scheduler._free == 3


def test_turn_is_taken_and_given_once() -> None:
    scheduler = Scheduler(1)
    turn = scheduler.turn()

    turn.give()
    turn.take()
    turn.take()
    assert scheduler._free == 0
    turn.give()
    turn.give()

    assert scheduler._free == 1


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/models/strokes/predict", picture(), "image/png"),
        ("/models/strokes/predict", blank_picture(), "image/png"),
        ("/models/strokes/predict", b"no picture", "image/png"),
        ("/models/rooms/predict", table(20_000), "text/csv"),
        ("/models/rooms/predict", table(20_000, bad=[19_999]), "text/csv"),
        ("/models/broken/predict", table(10), "text/csv"),
        ("/models/rooms/predict", b'{"instances": [{"size": 1}]}', "application/json"),
        ("/nowhere", b"", "text/csv"),
    ],
    ids=["picture", "blank", "unknown", "rows", "later fault", "our fault", "json", "no route"],
)
def test_every_turn_is_given_back(
    settings: Settings, registry: CollectorRegistry, path: str, body: bytes, kind: str
) -> None:
    repository = fake_repository()
    scheduler = Scheduler(1)
    app = create_app(settings, repository, Metrics(registry), FakeFleet(repository), scheduler)

    for _ in range(2):
        with contextlib.suppress(AnswerBroken):
            app.test_client().post(path, data=body, content_type=kind, buffered=True)

        assert scheduler._free == 1


def test_turn_is_not_kept_while_the_client_is_waited_for(
    settings: Settings, registry: CollectorRegistry
) -> None:
    """One client's rows come in two parts, between which the other is answered."""
    repository = fake_repository()
    scheduler = Scheduler(1)
    app = create_app(settings, repository, Metrics(registry), FakeFleet(repository), scheduler)
    rows = table(20_000)

    class Halting(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= len(rows) // 2 and not others:
                answer = app.test_client().post(
                    "/models/strokes/predict", data=picture(), content_type="image/png"
                )
                others.append(answer.status_code)
            return super().read(size)

    others: list[int] = []
    response = app.test_client().post(
        "/models/rooms/predict",
        content_type="text/csv",
        environ_overrides={"wsgi.input": Halting(rows), "CONTENT_LENGTH": str(len(rows))},
    )

    assert response.data.count(b"\n") == 20_001
    assert others == [200]
