"""The right to compute: given up while others wait, and always given back."""

import contextlib
import threading
import time
from io import BytesIO

import pytest
from prometheus_client import CollectorRegistry

from service.admission.jobs import NEVER, ClientGone, Deadline, UnknownClient
from service.admission.scheduler import MAX_LONG_SECONDS, Scheduler
from service.admission.slots import ComputeSlot
from service.errors import DeadlineExceeded, Overloaded
from service.http.app import create_app
from service.http.transfer import AnswerBroken
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.fakes import FakeControlPlane, blank_picture, fake_repository, picture, table

LONG_SECONDS = 1.0


class Leaving:
    """A client that may leave."""

    is_gone = False


def long_slot(scheduler: Scheduler) -> ComputeSlot:
    """Return the slot of a request that takes a second."""
    slot = ComputeSlot(scheduler)
    slot.estimate(LONG_SECONDS)
    return slot


def compute(seconds: float) -> None:
    """Let this thread compute for some time."""
    begun = time.thread_time()
    while time.thread_time() - begun < seconds:
        pass


def waiting(
    scheduler: Scheduler, slot: ComputeSlot, order: list[str], name: str
) -> threading.Thread:
    """Start a thread that waits for a slot, and return when it does."""
    before = scheduler.waiting

    def wait() -> None:
        with slot:
            order.append(name)

    thread = threading.Thread(target=wait)
    thread.start()
    while scheduler.waiting == before:
        threading.Event().wait(0.001)
    return thread


def test_nested_slot_is_taken_and_given_back_once() -> None:
    scheduler = Scheduler(1)
    slot = ComputeSlot(scheduler)

    with slot:
        with slot:
            assert scheduler.computing == 1
        assert scheduler.computing == 1

    assert scheduler.computing == 0


def test_slot_is_free_for_others_while_its_request_waits() -> None:
    scheduler = Scheduler(1)
    slot = ComputeSlot(scheduler)

    with slot, slot:
        with slot.released():
            assert scheduler.computing == 0
        assert scheduler.computing == 1

    assert scheduler.computing == 0


def test_slot_that_is_not_held_is_not_given_back() -> None:
    scheduler = Scheduler(1)

    with ComputeSlot(scheduler).released():
        assert scheduler.computing == 0

    assert scheduler.computing == 0


def test_slot_is_held_again_after_the_wait_for_a_client_has_failed() -> None:
    scheduler = Scheduler(1)
    slot = ComputeSlot(scheduler)

    with slot:
        with pytest.raises(TimeoutError), slot.released():
            raise TimeoutError
        assert scheduler.computing == 1

    assert scheduler.computing == 0


def test_granted_slot_is_used_before_another_is_taken() -> None:
    scheduler = Scheduler(1)
    scheduler.try_acquire()
    slot = ComputeSlot(scheduler)
    slot.grant(is_short=False)

    with slot:
        assert scheduler.computing == 1

    assert scheduler.computing == 0


def test_granted_slot_that_was_not_used_is_given_back_in_the_end() -> None:
    scheduler = Scheduler(1)
    scheduler.try_acquire()
    slot = ComputeSlot(scheduler)
    slot.grant(is_short=False)

    slot.close()
    slot.close()

    assert scheduler.computing == 0


def test_slot_is_spared_only_while_a_core_is_free() -> None:
    scheduler = Scheduler(2)

    with long_slot(scheduler), contextlib.ExitStack() as spared:
        spare = long_slot(scheduler).spare()
        assert spare is not None
        spared.enter_context(spare)
        assert scheduler.computing == 2
        assert long_slot(scheduler).spare() is None

    assert scheduler.computing == 0


def test_request_that_gives_way_lets_the_others_compute_first() -> None:
    scheduler = Scheduler(1)
    slot = long_slot(scheduler)
    order: list[str] = []
    with slot:
        thread = waiting(scheduler, long_slot(scheduler), order, "other")

        slot.give_way()
        order.append("this")

    thread.join()
    assert order == ["other", "this"]


def test_request_of_unknown_length_gives_way_to_small_ones_once_it_has_computed() -> None:
    scheduler = Scheduler(1)
    table, small = ComputeSlot(scheduler), ComputeSlot(scheduler)
    order: list[str] = []
    with table:
        compute(0.01)
    scheduler.acquire(0.01, UnknownClient(), NEVER)
    threads = [
        waiting(scheduler, table, order, "table"),
        waiting(scheduler, small, order, "small"),
    ]
    scheduler.finish(is_short=True)

    for thread in threads:
        thread.join()
    assert order == ["small", "table"]


def test_small_request_that_has_begun_is_finished_before_others_begin() -> None:
    scheduler = Scheduler(1)
    begun, other = ComputeSlot(scheduler), ComputeSlot(scheduler)
    begun.estimate(0.01)
    order: list[str] = []
    scheduler.acquire(0.01, UnknownClient(), NEVER)
    threads = [
        waiting(scheduler, other, order, "other"),
        waiting(scheduler, begun, order, "begun"),
    ]
    scheduler.finish(is_short=True)

    for thread in threads:
        thread.join()
    assert order == ["begun", "other"]


def test_client_that_has_gone_is_noticed_before_and_between_pieces() -> None:
    scheduler, client = Scheduler(1), Leaving()
    slot = ComputeSlot(scheduler, client=client)

    with pytest.raises(ClientGone), slot:
        client.is_gone = True
        slot.give_way()
    with pytest.raises(ClientGone), slot:
        pytest.fail("It computes for nobody.")

    assert scheduler.computing == 0


def test_deadline_is_looked_at_before_and_between_pieces() -> None:
    scheduler = Scheduler(1)
    slot = ComputeSlot(scheduler)

    with pytest.raises(DeadlineExceeded), slot:
        slot.limit(Deadline(0.0, 3.0))
        slot.give_way()
    with pytest.raises(DeadlineExceeded, match="within 3 seconds"), slot:
        pytest.fail("It computes an answer that comes too late.")

    assert scheduler.computing == 0


def test_deadline_is_the_earliest_of_all() -> None:
    slot = ComputeSlot(Scheduler(1), deadline=Deadline.after(60.0))

    slot.limit(Deadline(0.0, 3.0))
    slot.limit(Deadline.after(30.0))

    with pytest.raises(DeadlineExceeded, match="within 3 seconds"), slot:
        pytest.fail("It computes an answer that comes too late.")


def test_request_that_takes_longer_than_its_time_is_refused_before() -> None:
    slot = ComputeSlot(Scheduler(1), deadline=Deadline.after(1.0))

    with pytest.raises(DeadlineExceeded):
        slot.estimate(2.0)


def test_long_requests_are_refused_while_the_others_take_too_long() -> None:
    scheduler = Scheduler(1)
    first = ComputeSlot(scheduler)
    first.estimate(MAX_LONG_SECONDS + 1)

    with pytest.raises(Overloaded) as refused:
        ComputeSlot(scheduler).estimate(LONG_SECONDS)
    first.close()
    ComputeSlot(scheduler).estimate(LONG_SECONDS)

    assert refused.value.headers["Retry-After"] == "16"


def test_estimates_of_long_requests_follow_what_was_measured() -> None:
    scheduler = Scheduler(1)
    for _ in range(100):
        slot = ComputeSlot(scheduler)
        slot.estimate(1000 * LONG_SECONDS)
        with slot:
            pass
        slot.close()

    ComputeSlot(scheduler).estimate(2 * MAX_LONG_SECONDS)
    ComputeSlot(scheduler).estimate(LONG_SECONDS)

    assert scheduler.waiting_seconds == pytest.approx(
        (2 * MAX_LONG_SECONDS + LONG_SECONDS) / 10, rel=0.01
    )


def test_short_request_is_not_refused_for_long_ones() -> None:
    scheduler = Scheduler(1)
    ComputeSlot(scheduler).estimate(MAX_LONG_SECONDS + 1)

    ComputeSlot(scheduler).estimate(0.01)


def test_request_that_proves_long_gives_its_short_slot_back() -> None:
    scheduler = Scheduler(1)
    slot = ComputeSlot(scheduler)
    with slot:
        pass
    slot.grant(is_short=True)
    scheduler._short_running = 1

    slot.estimate(LONG_SECONDS)

    assert scheduler.computing == 0


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

        assert scheduler.computing == 0


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
