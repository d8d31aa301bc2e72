"""Which replicas run, and where Prometheus reads the metrics of each.

Each replica says again and again that it runs. So the list is right soon after a replica, a node or
the list itself was lost, and it needs nothing but the replicas for that.
"""

import threading
import time
from contextlib import suppress
from typing import Any, TypedDict

from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

_PERIOD_SECONDS = 1.0
# What ended without a word is listed for so long. A list that is younger may not be whole.
_LISTED_SECONDS = 5 * _PERIOD_SECONDS
_ASK_SECONDS = 5.0


class Target(TypedDict):
    """A replica, as the HTTP service discovery of Prometheus has it."""

    targets: list[str]
    labels: dict[str, str]


# The next one is there before this one ends.
@serve.deployment(ray_actor_options={"num_cpus": 0}, max_surge_percent=100)
class Targets:
    """The list of the replicas."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._kept: dict[str, tuple[float, Target]] = {}

    async def keep(self, replica: str, target: Target) -> None:
        """List a replica for some time."""
        self._kept[replica] = time.monotonic() + _LISTED_SECONDS, target

    async def remove(self, replica: str) -> None:
        """List a replica no more."""
        self._kept.pop(replica, None)

    async def whole(self) -> list[Target] | None:
        """Return the replicas that run; None where some may not have said so yet."""
        now = time.monotonic()
        self._kept = {name: each for name, each in self._kept.items() if each[0] > now}
        is_whole = now > self._started + _LISTED_SECONDS
        return [target for _, target in self._kept.values()] if is_whole else None


class Listing:
    """Keeps one replica on the list, in a thread, until it is closed.

    Args:
        targets: Handle of the list.
        replica: Name of the replica.
        target: Where its metrics are.
    """

    def __init__(self, targets: Any, replica: str, target: Target) -> None:
        self._targets = targets
        self._replica = replica
        self._target = target
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="listing", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while True:
            # Without a list, or while the cluster mends itself: again in the next turn.
            with suppress(RayError, RayServeException, TimeoutError):
                asked = self._targets.keep.remote(self._replica, self._target)
                asked.result(timeout_s=_ASK_SECONDS)
            if self._is_closed.wait(_PERIOD_SECONDS):
                return

    def all(self) -> list[Target] | None:
        """Return the replicas that run; None where nobody knows them all."""
        with suppress(RayError, RayServeException, TimeoutError):
            asked = self._targets.whole.remote()
            listed: list[Target] | None = asked.result(timeout_s=_ASK_SECONDS)
            return listed
        return None

    def close(self) -> None:
        """Take the replica off the list."""
        self._is_closed.set()
        self._thread.join(_ASK_SECONDS)
        self._targets.remove.remote(self._replica)
