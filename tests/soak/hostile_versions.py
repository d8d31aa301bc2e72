"""Versions that harm whoever loads them: how soon is each refused, and what do others notice?"""

import http.client
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from tests.servers import NOWHERE, ROOT, Server, serving
from tests.soak.attacks.measuring import resident_mb
from tests.soak.attacks.versions import HARMS, Harm, reveal, write
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

WORKERS = 2
MOST_SECONDS = 10
MOST_TRIAL_MB = 500
MOST_CHANGE_SECONDS = 2
_PATIENCE_SECONDS = 30
_SAMPLE_SECONDS = 0.02
_HARMED, _OTHER = "housing", "fashion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a hostile version.

    Attributes:
        seconds: Until it was refused, and infinite where it was not.
        reason: Why, as the service tells it.
        trial_mb: The most memory that a process had which is no worker; 0 where there was none.
        worker_mb: How much more memory the workers had at most.
        slowest_change: Longest time that a change of another model took meanwhile, in seconds.
        failed_changes: Number of those changes that were not answered with 200.
    """

    seconds: float
    reason: str
    trial_mb: float
    worker_mb: float
    slowest_change: float
    failed_changes: int


def all_harms() -> Iterator[Figure]:
    """Publish each hostile version to a server of its own."""
    for name, harm in HARMS.items():
        yield from figures(name, measure(harm))


def measure(harm: Harm, checkout: Path = ROOT) -> Outcome:
    """Publish a hostile version while another model is changed again and again."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        models = Path(folder) / "models"
        shutil.copytree(checkout / "models", models)
        hidden = write(models, _HARMED, 2, harm)
        with serving(
            SERVICE_PYTHON, checkout=checkout, models=models, workers=WORKERS, log=NOWHERE
        ) as server:
            changes, memory = _Changes(server), _Memory(server)
            with changes, memory:
                begun = time.monotonic()
                reveal(hidden)
                reason = _await_refusal(server, begun + _PATIENCE_SECONDS)
                seconds = time.monotonic() - begun
    return Outcome(
        seconds=seconds if reason else float("inf"),
        reason=reason,
        trial_mb=memory.trial_mb,
        worker_mb=memory.worker_mb,
        slowest_change=changes.slowest,
        failed_changes=changes.failed,
    )


def _await_refusal(server: Server, deadline: float) -> str:
    """Ask again and again why the version is not served; return nothing where that is not told."""
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            _, answer = _ask(server, "GET", f"/models/{_HARMED}")
            refused = json.loads(answer)["serving"].get("refused", {})
            if "2" in refused:
                return str(refused["2"])
        time.sleep(_SAMPLE_SECONDS)
    return ""


def _ask(server: Server, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class _Changes:
    """Changes another model until the block ends.

    Attributes:
        slowest: Longest time that a change took, in seconds.
        failed: Number of changes that were not answered with 200.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._change)
        self.slowest = 0.0
        self.failed = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _change(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            begun = time.monotonic()
            status = 0
            with suppress(OSError, http.client.HTTPException):
                status, _ = _ask(self._server, "POST", f"/models/{_OTHER}/load")
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.failed += status != http.HTTPStatus.OK


class _Memory:
    """Looks at the memory of the workers, and of the other processes below the server's.

    Attributes:
        trial_mb: The most that one of the others had.
        worker_mb: How much more the workers had at most than at first.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._workers = server.workers()
        self._idle = sum(map(resident_mb, self._workers))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.trial_mb = self.worker_mb = 0.0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            others = set(processes.tree(self._server.process)[1:]) - set(self._workers)
            self.trial_mb = max([self.trial_mb, *map(resident_mb, others)])
            more = sum(map(resident_mb, self._workers)) - self._idle
            self.worker_mb = max(self.worker_mb, more)


def figures(name: str, outcome: Outcome) -> Iterator[Figure]:
    """Return what was measured beside what is promised."""
    title = f"hostile version, {name}"
    yield Figure(
        name=f"{title}: refused after", value=outcome.seconds, unit="s", at_most=MOST_SECONDS
    )
    print(f"  {outcome.reason}")
    yield Figure(
        name=f"{title}: its trial", value=outcome.trial_mb, unit="MB", at_most=MOST_TRIAL_MB
    )
    yield Figure(name=f"{title}: the workers, more", value=outcome.worker_mb, unit="MB")
    yield Figure(
        name=f"{title}: slowest change of another model",
        value=outcome.slowest_change,
        unit="s",
        at_most=MOST_CHANGE_SECONDS,
    )
    yield Figure(
        name=f"{title}: such changes that failed",
        value=outcome.failed_changes,
        unit="",
        at_most=0,
    )
