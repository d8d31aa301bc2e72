"""The controller: takes a snapshot every tick, and carries out what `reconcile` decides.

One worker at a time runs it. It remembers nothing that another worker could not find out anew, so
its worker may end at any moment.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from service.rollout.actions import (
    Action,
    AnnounceRollout,
    ForgetAgents,
    KeepServing,
    PromoteRollout,
    RefuseStart,
    RefuseVersion,
    TryVersions,
)
from service.rollout.background import Start, in_background
from service.rollout.inventory import Inventory
from service.rollout.kept_versions import KeptVersions
from service.rollout.reconcile import reconcile
from service.rollout.served import ModelVersion, Rollout, Rollouts
from service.rollout.shared_desired import SharedDesired
from service.rollout.snapshot import Snapshot
from service.rollout.state_folder import StateFolder
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
        kept: Tries versions, and keeps copies of what has passed.
        shared: Desired state in the model store; None where this server keeps its own.
        notice_seconds: Time between the promotion of a rollout and the swap.
        start: Begins trials; by default in the background, so that no step waits for one.
    """

    def __init__(
        self,
        state: StateFolder,
        inventory: Inventory,
        kept: KeptVersions,
        *,
        shared: SharedDesired | None = None,
        notice_seconds: float = NOTICE_SECONDS,
        start: Start = in_background,
    ) -> None:
        self._state = state
        self._inventory = inventory
        self._kept = kept
        self._start = start
        self._trying: dict[ModelVersion, Future[str | None]] = {}
        self._tried: set[ModelVersion] = set()
        self._shared = shared
        self._notice_seconds = notice_seconds
        self._last_loss = ""

    def step(self) -> Rollouts:
        """Take a snapshot, decide, and act; what a trial has shown at once is decided on at once.

        Returns:
            The rollouts as they are afterwards.

        Raises:
            InvalidBundle: Nothing is served yet, and the model store or the desired state in it
                cannot be read, or some model has no version that can be served.
        """
        snapshot = self._observe()
        actions = reconcile(snapshot)
        if not actions:
            self._last_loss = ""
            return snapshot.rollouts
        self._carry_out(actions)
        while self._end_trials():
            actions = reconcile(
                replace(snapshot, rollouts=self._state.rollouts(), **self._trials())
            )
            self._carry_out(actions)
        return self._state.rollouts()

    def _observe(self) -> Snapshot:
        """Read every file of the state once, and list the model store if that is due."""
        rollouts = self._state.rollouts()
        if self._shared is not None:
            self._shared.follow(is_first=rollouts.served is None)
        desired = self._state.restored_desired(rollouts.served)
        self._inventory.update(desired, rollouts.served)
        self._forget_unlisted()
        self._end_trials()
        return Snapshot(
            policy=self._state.policy,
            desired=desired,
            listing=self._inventory.listing,
            fetch_failures=self._inventory.fetch_failures,
            rollouts=rollouts,
            agents=self._state.agents(),
            **self._trials(),
        )

    def _trials(self) -> dict[str, Any]:
        """Return what a snapshot has of trials."""
        return {
            "refused": self._inventory.refused,
            "tried": frozenset(self._tried),
            "trying": frozenset(self._trying),
        }

    def _forget_unlisted(self) -> None:
        """Try a version anew that was removed and comes again."""
        listing = self._inventory.listing
        if listing is not None and listing.versions:
            self._tried = {
                (name, version)
                for name, version in self._tried
                if version in listing.versions.get(name, ())
            }

    def _end_trials(self) -> bool:
        """Take note of the trials that have ended; tell whether any has."""
        ended = [version for version, trial in self._trying.items() if trial.done()]
        for version in ended:
            reason = _outcome(self._trying.pop(version))
            if reason is None:
                self._tried.add(version)
            else:
                self._inventory.refuse(version, reason)
        return bool(ended)

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            self._do(action)
        losses = [action.reason for action in actions if isinstance(action, KeepServing)]
        self._last_loss = losses[-1] if losses else ""

    def _do(self, action: Action) -> None:
        match action:
            case TryVersions(versions):
                self._try(versions)
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

    def _try(self, versions: Iterable[ModelVersion]) -> None:
        self._inventory.note_files(versions)
        for version in versions:
            self._trying[version] = self._start(partial(self._kept.take, version))

    def _promote(self, rollout: Rollout, *, at_once: bool) -> None:
        at = 0.0 if at_once else time.monotonic() + self._notice_seconds
        self._state.promote(msgspec.structs.replace(rollout, at=at))
        # A model whose versions are still tried one by one needs those that have passed.
        busy = {name for name, _ in self._trying}
        self._tried &= rollout.versions() | {each for each in self._tried if each[0] in busy}
        self._kept.keep_only(rollout.versions() | self._tried | self._trying.keys())
        models = {name: list(model.versions) for name, model in rollout.models.items()}
        fields = {"rollout": rollout.number, "models": models}
        _log.info("rollout served", extra={"fields": fields})

    def _log_loss(self, reason: str) -> None:
        """Log why the model store is not obeyed, once a loss."""
        if reason != self._last_loss:
            _log.error("models folder", extra={"fields": {"reason": reason}})


def _outcome(trial: "Future[str | None]") -> str | None:
    """Return why a version cannot be served; None where it can be."""
    try:
        return trial.result()
    except Exception as error:  # noqa: BLE001 - the machine could not try it, for whatever reason
        return f"The version could not be tried: {error}."
