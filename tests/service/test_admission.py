"""Compute slots: no more than there are, first come first served, always released."""

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
from tests.fakes import FakeControlPlane, blank_picture, fake_repository, picture, table


def waiting(scheduler: Scheduler, order: list[int], number: int) -> threading.Thread:
    """Start a thread that waits for a slot, and return when it does."""
    began = len(scheduler._waiting)

    def wait() -> None:
        with scheduler.slot():
            order.append(number)

    thread = threading.Thread(target=wait)
    thread.start()
    while len(scheduler._waiting) == began:
        threading.Event().wait(0.001)
    return thread


def test_slots_are_acquired_in_the_order_of_arrival() -> None:
    scheduler = Scheduler(1)
    order: list[int] = []
    with scheduler.slot():
        threads = [waiting(scheduler, order, number) for number in range(8)]
        assert order == []

    for thread in threads:
        thread.join()

    assert order == list(range(8))


def test_slot_is_spared_only_while_one_is_free() -> None:
    scheduler = Scheduler(2)

    with scheduler.slot() as _, contextlib.ExitStack() as spared:
        spare = scheduler.slot().spare()
        assert spare is not None
        spared.enter_context(spare)
        assert scheduler.slot().spare() is None

    assert scheduler.try_acquire()
    assert scheduler.try_acquire()
    assert not scheduler.try_acquire()


def test_no_more_compute_at_a_time_than_there_are_slots() -> None:
    scheduler = Scheduler(3)
    now, most = 0, 0
    lock = threading.Lock()

    def compute() -> None:
        nonlocal now, most
        for _ in range(200):
            with scheduler.slot():
                with lock:
                    now += 1
                    most = max(most, now)
                with lock:
                    now -= 1

    threads = [threading.Thread(target=compute) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= most <= 3
    assert scheduler._free == 3


def test_nested_slot_is_acquired_and_released_once() -> None:
    scheduler = Scheduler(1)
    slot = scheduler.slot()

    with slot:
        with slot:
            assert scheduler._free == 0
        assert scheduler._free == 0

    assert scheduler._free == 1


def test_slot_is_free_for_others_while_its_request_waits() -> None:
    scheduler = Scheduler(1)
    slot = scheduler.slot()

    with slot, slot:
        with slot.released():
            assert scheduler._free == 1
        assert scheduler._free == 0

    assert scheduler._free == 1


def test_slot_that_is_not_held_is_not_released() -> None:
    scheduler = Scheduler(1)

    with scheduler.slot().released():
        assert scheduler._free == 1

    assert scheduler._free == 1


def test_slot_is_held_again_after_the_wait_for_a_client_has_failed() -> None:
    scheduler = Scheduler(1)
    slot = scheduler.slot()

    with slot:
        with pytest.raises(TimeoutError), slot.released():
            raise TimeoutError
        assert scheduler._free == 0

    assert scheduler._free == 1


def test_request_that_gives_way_lets_the_others_compute_first() -> None:
    scheduler = Scheduler(1)
    slot = scheduler.slot()
    order: list[int] = []
    with slot:
        thread = waiting(scheduler, order, 1)

        slot.give_way()
        order.append(2)

    thread.join()
    assert order == [1, 2]


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
def test_every_slot_is_released(
    settings: Settings, registry: CollectorRegistry, path: str, body: bytes, kind: str
) -> None:
    repository = fake_repository()
    scheduler = Scheduler(1)
    app = create_app(
        settings, repository, Metrics(registry), FakeControlPlane(repository), scheduler
    )

    for _ in range(2):
        with contextlib.suppress(AnswerBroken):
            app.test_client().post(path, data=body, content_type=kind, buffered=True)

        assert scheduler._free == 1


def test_slot_is_not_held_while_the_client_is_waited_for(
    settings: Settings, registry: CollectorRegistry
) -> None:
    """One client's rows come in two parts, between which the other is answered."""
    repository = fake_repository()
    scheduler = Scheduler(1)
    app = create_app(
        settings, repository, Metrics(registry), FakeControlPlane(repository), scheduler
    )
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
