"""The controller: takes a snapshot every tick, and carries out what `reconcile` decides.

One worker at a time runs it. It remembers nothing that another worker could not find out anew, so
its worker may end at any moment.
"""

import logging
import time
from dataclasses import replace

import msgspec

from service.rollout.actions import (
    Action,
    AnnounceRollout,
    ForgetAgents,
    ForgetTrial,
    KeepServing,
    PromoteRollout,
    RefuseStart,
    RefuseVersion,
    TryVersions,
)
from service.rollout.inventory import Inventory
from service.rollout.loader import Loader
from service.rollout.observed import Trial
from service.rollout.reconcile import reconcile
from service.rollout.served import Rollout, Rollouts
from service.rollout.snapshot import Snapshot
from service.rollout.state_folder import StateFolder
from service.version_policy import Policy
from vitrine.bundle import InvalidBundle

# Between the promotion of a rollout and the swap: three ticks of an agent, so that each has read
# the promotion and waits for the moment.
NOTICE_SECONDS = 0.15

_log = logging.getLogger(__name__)


class Controller:
    """Brings the observed state to the desired state, one step a tick.

    Args:
        state: Folder that the workers share.
        inventory: What the model store holds.
        loader: Versions of this worker, which tries them before any other worker.
        policy: Policy of a model that has none of its own.
        notice_seconds: Time between the promotion of a rollout and the swap.
    """

    def __init__(
        self,
        state: StateFolder,
        inventory: Inventory,
        loader: Loader,
        *,
        policy: Policy,
        notice_seconds: float = NOTICE_SECONDS,
    ) -> None:
        self._state = state
        self._inventory = inventory
        self._loader = loader
        self._policy = policy
        self._notice_seconds = notice_seconds
        self._last_loss = ""

    def step(self) -> Rollouts:
        """Take a snapshot, decide, and act; what a trial shows is decided on at once.

        Returns:
            The rollouts as they are afterwards.

        Raises:
            InvalidBundle: Nothing is served yet, and the model store cannot be read or some model
                has no version that can be served.
        """
        snapshot = self._observe()
        actions = reconcile(snapshot)
        if not actions:
            self._last_loss = ""
            return snapshot.rollouts
        self._carry_out(actions)
        while any(isinstance(action, TryVersions) for action in actions):
            snapshot = replace(
                snapshot,
                trial=None,
                refused=self._inventory.refused,
                loaded=frozenset(self._loader.loaded),
            )
            actions = reconcile(snapshot)
            self._carry_out(actions)
        return self._state.rollouts()

    def _observe(self) -> Snapshot:
        """Read every file of the state once, and list the model store if that is due."""
        desired, rollouts = self._state.desired(), self._state.rollouts()
        self._inventory.update(desired.revision, rollouts.served)
        return Snapshot(
            policy=self._policy,
            desired=desired,
            listing=self._inventory.listing,
            fetch_failures=self._inventory.fetch_failures,
            refused=self._inventory.refused,
            loaded=frozenset(self._loader.loaded),
            trial=self._state.trial(),
            rollouts=rollouts,
            agents=self._state.agents(),
        )

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            self._do(action)
        losses = [action.reason for action in actions if isinstance(action, KeepServing)]
        self._last_loss = losses[-1] if losses else ""

    def _do(self, action: Action) -> None:
        match action:
            case TryVersions():
                self._try(action)
            case ForgetTrial():
                self._state.write_trial(None)
            case RefuseVersion(version, reason):
                self._inventory.refuse(version, reason)
            case AnnounceRollout(rollout):
                self._state.announce(rollout)
            case PromoteRollout(rollout, at_once):
                self._promote(rollout, at_once=at_once)
            case KeepServing(reason):
                self._log_loss(reason)
            case ForgetAgents(names):
                self._state.forget(names)
            case RefuseStart(reason):
                raise InvalidBundle(reason)

    def _try(self, trial: TryVersions) -> None:
        self._inventory.note_files(set(trial.versions) - self._loader.loaded.keys())
        self._state.write_trial(Trial(versions=trial.versions, attempts=trial.attempts))
        refused = self._loader.load(trial.versions)
        self._state.write_trial(None)
        for version, reason in refused.items():
            self._inventory.refuse(version, reason)

    def _promote(self, rollout: Rollout, *, at_once: bool) -> None:
        at = 0.0 if at_once else time.monotonic() + self._notice_seconds
        self._state.promote(msgspec.structs.replace(rollout, at=at))
        models = {name: list(model.versions) for name, model in rollout.models.items()}
        fields = {"rollout": rollout.number, "models": models}
        _log.info("rollout served", extra={"fields": fields})

    def _log_loss(self, reason: str) -> None:
        """Log why the model store is not obeyed, once a loss."""
        if reason != self._last_loss:
            _log.error("models folder", extra={"fields": {"reason": reason}})
