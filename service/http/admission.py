"""What a server needs to know to decide where, and when, a request for predictions is computed."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from service.admission.jobs import Client, Deadline
from service.admission.scheduler import Scheduler
from service.admission.slots import UNKNOWN_SECONDS, ComputeSlot
from service.http import costs
from service.http.deadlines import TIMEOUT_HEADER, read_timeout, within
from service.http.languages import Languages
from service.http.predictor import Predictor
from service.rollout.repository import Repository
from service.telemetry.metrics import Metrics
from vitrine.errors import InvalidParameter

# Name of the admission among the extensions of an application.
ADMISSION = "vitrine.admission"

_TIMEOUT = TIMEOUT_HEADER.lower().encode()

Headers = Sequence[tuple[bytes, bytes]]


class Admission:
    """Estimates what requests cost, and knows the scheduler that starts them.

    Args:
        predictor: Knows the models.
        languages: The languages in which predictions are asked for.
        repository: What is served.
        scheduler: Starts what is to be computed.
        metrics: Where it is counted what waits.

    Attributes:
        predictor: Knows the models.
        languages: The languages in which predictions are asked for.
        scheduler: Starts what is to be computed.
        metrics: Where it is counted what waits.
    """

    def __init__(
        self,
        predictor: Predictor,
        languages: Languages,
        repository: Repository,
        scheduler: Scheduler,
        metrics: Metrics,
    ) -> None:
        self.scheduler = scheduler
        self.metrics = metrics
        self.predictor = predictor
        self.languages = languages
        self._repository = repository
        self._max_timeout_seconds = predictor.settings.request_timeout_seconds

    def deadline(self, headers: Headers) -> Deadline:
        """Return the deadline of a request that has arrived whole.

        One that cannot be read is ignored here: the answer will say what is wrong with it.

        Args:
            headers: Name in lower case and value of each header.
        """
        now, most = monotonic(), self._max_timeout_seconds
        given = _value(headers, _TIMEOUT)
        if given:
            with suppress(InvalidParameter):
                return within(read_timeout(given), now, max_seconds=most)
        return within(most, now, max_seconds=most)

    def guess(self, target: bytes, headers: Headers, head: bytes, body_bytes: int) -> float:
        """Return a first guess of what a request costs, in seconds of computing.

        Args:
            target: Path and query, as the client sent them.
            headers: Name in lower case and value of each header.
            head: The beginning of the body.
            body_bytes: Length of the body.
        """
        model = self.predictor.find(self.languages.match(target))
        if model is None:  # it will be refused
            return UNKNOWN_SECONDS
        media_type = _value(headers, b"content-type").partition(";")[0].strip().lower()
        settings = self.predictor.settings
        return costs.guess(
            model,
            media_type,
            head,
            body_bytes,
            max_pixels=settings.max_pixels,
            max_instances=settings.max_instances,
        )

    def slot(self, client: Client, deadline: Deadline, *, arrived: float) -> ComputeSlot:
        """Return the compute slot of a request that a thread is to answer.

        Args:
            client: Whoever waits for the answer.
            deadline: Moment after which the answer is of no use.
            arrived: Moment at which the request had arrived, by `time.monotonic`.
        """
        return ComputeSlot(self.scheduler, client=client, deadline=deadline, arrived=arrived)

    def watch(self, watcher: Callable[[object], None]) -> None:
        """Call back now, and whenever other versions are served."""
        self._repository.watch(watcher)


def _value(headers: Headers, name: bytes) -> str:
    """Return the value of a header; empty where there is none."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")
