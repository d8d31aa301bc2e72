"""The agent: one in every worker, which loads and serves what the rollouts say.

A rollout is served only after every agent has loaded it, and by all at one moment: so a client that
was told of a version finds it in each worker. A worker that starts later begins with the rollout
that is served. The controller runs in one of the workers; when that worker ends, however it ends,
another one takes over.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from typing import Any

import msgspec

from service.rollout.controller import Controller
from service.rollout.loader import Loader, Loading
from service.rollout.observed import AgentStatus
from service.rollout.repository import Repository
from service.rollout.served import ModelVersion, Rollout, Rollouts
from service.rollout.state_folder import StateFolder

# Where an application keeps its agent, for the server that stops it.
AGENT = "vitrine.agent"

# Three ticks pass between the promotion of a rollout and the swap.
_TICK_SECONDS = 0.05
_STOP_SECONDS = 10.0
# Between two tries of an agent that cannot load what the others serve.
_RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Agent:
    """Follows the rollouts in one worker, and runs the controller while this worker leads.

    Args:
        state: Folder that the workers share.
        controller: Controller of this worker.
        loader: Versions of this worker.
        repository: What this worker serves.
        give_up: Ends this worker, which goes on loading what it was told to load.
    """

    def __init__(
        self,
        state: StateFolder,
        controller: Controller,
        loader: Loader,
        repository: Repository,
        *,
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._state = state
        self._controller = controller
        self._loader = loader
        self._repository = repository
        self._give_up = give_up
        self._status = AgentStatus()
        self._loading: tuple[Rollout, Loading] | None = None
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._follow, name="agent", daemon=True)

    def start(self) -> None:
        """Serve what the others serve, or what the store has if this is the first; then follow.

        Raises:
            InvalidBundle: This is the first worker, and some model cannot be served at all.
            TimeoutError: What is to be served takes too long to load.
        """
        self._state.join()
        self.step()
        while not self._status.serving:
            self._rest()
            if self._status.refused:
                self._retry_later()
            self.step()
        self._thread.start()

    def _rest(self) -> None:
        """Wait for the next tick, or until what was being loaded is there."""
        self._wake.wait(_TICK_SECONDS)
        self._wake.clear()

    def _retry_later(self) -> None:
        """Wait until whatever is wrong here may have passed: others serve what this cannot load."""
        fields = {"refused": msgspec.to_builtins(self._status.refused, str_keys=True)}
        _log.error("cannot load what is served", extra={"fields": fields})
        time.sleep(_RETRY_SECONDS)
        self._status = msgspec.structs.replace(self._status, loaded=0)

    def stop(self) -> None:
        """Follow no longer; what is being loaded is loaded to its end."""
        self._is_stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        if self._loading is not None:
            wait([self._loading[1].refused], _STOP_SECONDS)
        self._state.leave()

    def _follow(self) -> None:
        last_error = ""
        while not self._is_stopping:
            self._rest()
            try:
                self.step()
                last_error = ""
            except Exception as error:  # noqa: BLE001 - a worker that stops here would stand still
                if str(error) != last_error:
                    last_error = str(error)
                    _log.error("cannot follow the rollouts", exc_info=error)

    def step(self) -> None:
        """Observe the rollouts, load what they name, and serve what is to be served."""
        self._state.stay()
        rollouts = self._observe()
        served, following = rollouts.served, rollouts.next
        if served is not None:
            self._begin_loading(served)
        # The next rollout may be what ended another worker: a worker that starts serves first.
        is_starting = served is not None and not self._status.serving
        if following is not None and (not is_starting or self._status.refused):
            self._begin_loading(following)
        if served is not None and self._status.serving < served.number:
            self._serve(served, following or served)

    def _observe(self) -> Rollouts:
        if self._may_lead() and self._state.lead():
            return self._controller.step()
        return self._state.rollouts()

    def _may_lead(self) -> bool:
        """Leave the lead to agents that serve, while there are any."""
        return bool(self._status.serving) or not any(
            agent.serving for agent in self._state.agents().living
        )

    def _begin_loading(self, rollout: Rollout) -> None:
        """Load the versions of a rollout, one rollout after the other."""
        self._end_loading()
        if self._loading is None and rollout.number > self._status.loaded:
            self._report(loading=rollout.number)
            loading = self._loader.begin(rollout.versions())
            self._loading = rollout, loading
            loading.refused.add_done_callback(lambda _: self._wake.set())
            self._end_loading()

    def _end_loading(self) -> None:
        """Report what has been loaded, so that it can be asked for by number, and what was not."""
        if self._loading is None:
            return
        rollout, loading = self._loading
        if not (loading.refused.done() or loading.is_stuck):
            return
        self._loading = None
        reasons = self._give_up_on(loading) if loading.is_stuck else loading.refused.result()
        refused: dict[str, dict[int, str]] = {}
        for (name, version), reason in reasons.items():
            refused.setdefault(name, {})[version] = reason
        self._repository.stage(self._loader.loaded)
        self._report(loaded=rollout.number, loading=0, refused=refused)

    def _give_up_on(self, loading: Loading) -> Mapping[ModelVersion, str]:
        """Let the others go on without the versions, and without this worker, which is stuck."""
        missing = loading.versions - self._loader.loaded.keys()
        reason = f"A worker took more than {loading.seconds:g} seconds to load the version."
        fields = {"versions": sorted(missing), "reason": reason}
        _log.error("the worker ends: it cannot load what it should", extra={"fields": fields})
        if not self._thread.is_alive():
            raise TimeoutError(reason)
        self._give_up()
        return dict.fromkeys(missing, reason)

    def _serve(self, rollout: Rollout, following: Rollout) -> None:
        """Swap at the moment of a rollout, and report."""
        if not rollout.versions() <= self._loader.loaded.keys():
            return  # this agent has reported why; the controller goes on without the versions
        self._loader.keep(rollout.versions() | following.versions())
        self._repository.stage(self._loader.loaded)
        self._repository.swap(rollout.models, self._loader.loaded, at=rollout.at)
        self._report(serving=rollout.number)

    def _report(self, **changes: Any) -> None:
        status = msgspec.structs.replace(self._status, **changes)
        self._state.report(status)
        self._status = status
