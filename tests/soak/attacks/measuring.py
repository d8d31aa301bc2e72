"""One attack beside a normal client, probes and a look at the memory."""

import math
import os
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from benchmarks.servers.client import ANSWERED, Lane
from benchmarks.servers.load import Answers, Load, get, picture_for
from tests.servers import NOWHERE, Server, serving
from tests.soak.attacks import bodies
from tests.soak.attacks.catalogue import Attack
from tests.soak.attacks.crowd import Crowds
from tests.soak.attacks.versions import reveal
from tests.soak.footprint import SERVICE_PYTHON

WORKERS = 2
PROBES = ("/livez", "/readyz", "/metrics")
# What is promised: see `Outcome`.
MOST_TIMES, LEAST_BOUND_MS = 5, 100
MOST_PROBE_MS = 250
MOST_GROWTH_MB, MOST_LEFT_MB, LEFT_AFTER_SECONDS = 400, 60, 60
_WARM_UP_SECONDS = 2.0
_SAMPLE_SECONDS = 0.1
_PROBE_RATE = 10.0
# Requests a second of each kind on connections that are kept, and as many on new ones.
NORMAL = {"picture": 12.0, "larger picture": 5.0, "row": 6.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What others noticed of an attack.

    Attributes:
        attack: Which one.
        calm_ms, during_ms: 99 of 100 requests of normal clients were answered within this time,
            without and with the attack, by what they send; infinite where more than one in a
            hundred was not answered with 200.
        answered: Share of them that were answered with 200 in spite of the attack.
        probes_ms: The same time for each probe, by its path.
        idle_mb: Memory of the workers before.
        growth_mb: How much more they had at most.
        left_mb: How much more they had at the end.
        left_after_seconds: When that was; earlier than promised where it was little by then.
        load: Load average of the machine.
    """

    attack: Attack
    calm_ms: dict[str, float]
    during_ms: dict[str, float]
    answered: float
    probes_ms: dict[str, float]
    idle_mb: float
    growth_mb: float
    left_mb: float
    left_after_seconds: float
    load: float

    def bound_ms(self, kind: str) -> float:
        """Return what is promised for a normal request."""
        return max(MOST_TIMES * self.calm_ms[kind], LEAST_BOUND_MS)

    @property
    def faults(self) -> list[str]:
        """What breaks a promise."""
        found = [kind for kind in NORMAL if not self.during_ms[kind] <= self.bound_ms(kind)]
        found += [path for path in PROBES if not self.probes_ms[path] <= MOST_PROBE_MS]
        found += ["memory"] if self.growth_mb > MOST_GROWTH_MB else []
        found += ["memory after"] if self.left_mb > MOST_LEFT_MB else []
        return found


def measure(attack: Attack, checkout: Path, *, calm_seconds: float, seconds: float) -> Outcome:
    """Serve a checkout, attack the server, and return what others noticed.

    Args:
        attack: What is done.
        checkout: Folder of the project.
        calm_seconds: Time for which the normal client is alone.
        seconds: Time for which the attack goes on.
    """
    allow_many_files()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-")))
        models = folder / "models"
        shutil.copytree(checkout / "models", models)
        hidden = [] if attack.writes is None else attack.writes(models)
        server = stack.enter_context(
            serving(SERVICE_PYTHON, checkout=checkout, models=models, workers=WORKERS, log=NOWHERE)
        )
        load = stack.enter_context(Load(server.port, _lanes()))
        time.sleep(_WARM_UP_SECONDS)
        memory = stack.enter_context(_Memory.watched(server))
        calm_from = time.monotonic()
        time.sleep(calm_seconds)
        idle, begun = memory.now(), time.monotonic()
        _attack(attack, server, hidden, seconds)
        ended = time.monotonic()
        left, left_after = _let_go(memory, idle, ended)
        answers = load.stop()
    calm, during = answers.between(calm_from, begun), answers.between(begun, ended)
    normal = [answer for answer in during if answer.lane in NORMAL]
    return Outcome(
        attack=attack,
        calm_ms={kind: p99_ms(calm.of(kind)) for kind in NORMAL},
        during_ms={kind: p99_ms(during.of(kind)) for kind in NORMAL},
        answered=Answers(normal).answered / max(1, len(normal)),
        probes_ms={path: p99_ms(during.of(path)) for path in PROBES},
        idle_mb=idle,
        growth_mb=memory.peak - idle,
        left_mb=left,
        left_after_seconds=left_after,
        load=os.getloadavg()[0],
    )


def _lanes() -> list[Lane]:
    requests = {
        "picture": picture_for("digits"),
        "larger picture": bodies.picture_request(bodies.larger_picture()),
        "row": bodies.houses(1),
    }
    normal = [
        Lane(
            name=kind,
            request=requests[kind].decode("latin-1"),
            rate=rate,
            reuse=reuse,
            is_random=True,
        )
        for kind, rate in NORMAL.items()
        for reuse in (False, True)
    ]
    probes = [
        Lane(name=path, request=get(path).decode(), rate=_PROBE_RATE, reuse=False)
        for path in PROBES
    ]
    return normal + probes


def p99_ms(answers: Answers) -> float:
    """Return the milliseconds within which 99 of 100 were answered with 200."""
    times = sorted(answer.seconds if answer.outcome == ANSWERED else math.inf for answer in answers)
    return times[min(len(times) - 1, int(0.99 * len(times)))] * 1000 if times else math.nan


def _attack(attack: Attack, server: Server, hidden: Sequence[Path], seconds: float) -> None:
    crowds = Crowds(server.port, attack.crowds())
    callers = list(attack.callers())
    with ExitStack() as stack:
        if callers:
            stack.enter_context(Load(server.port, callers))
        for folder in hidden:
            reveal(folder)
        crowds.run(seconds)
        crowds.close()


def _let_go(memory: "_Memory", idle: float, ended: float) -> tuple[float, float]:
    """Wait until the memory is given back, or should have been; return what is left, and when."""
    while True:
        left, after = memory.now() - idle, time.monotonic() - ended
        if left <= MOST_LEFT_MB or after >= LEFT_AFTER_SECONDS:
            return left, after
        time.sleep(_SAMPLE_SECONDS)


class _Memory:
    """The resident memory of all processes below a server's own.

    Attributes:
        peak: The most that was seen, in MB.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self.peak = self.now()

    @classmethod
    @contextmanager
    def watched(cls, server: Server) -> Iterator["_Memory"]:
        """Look again and again until the block ends."""
        memory = cls(server)
        thread = threading.Thread(target=memory._watch)
        thread.start()
        try:
            yield memory
        finally:
            memory._is_over.set()
            thread.join()

    def now(self) -> float:
        """Return the memory in MB."""
        return sum(map(resident_mb, processes.tree(self._server.process)[1:]))

    def _watch(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            self.peak = max(self.peak, self.now())


def resident_mb(process: int) -> float:
    """Return the memory that a process has resident; nothing of one that has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def allow_many_files() -> None:
    """Allow this process as many open connections as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
