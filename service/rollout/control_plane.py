"""How operators change what is served: change the desired state, then wait for all workers."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from service.errors import (
    ModelNotFound,
    NotAgreed,
    NotKept,
    SourceFailed,
    VersionNotFound,
    VersionRefused,
)
from service.rollout.desired import DesiredModel, DesiredState, Edit
from service.rollout.model_store import ModelStore
from service.rollout.repository import Repository
from service.rollout.served import Rollout, ServedModel
from service.rollout.sources.source import NotWritable, SourceUnreachable
from service.rollout.state_folder import StateFolder
from service.rollout.trials import Trials
from vitrine.bundle import InvalidBundle

# Longer than a worker that does not respond is left alive.
_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.01


class ControlPlane(Protocol):
    """All workers of a service, as whoever changes what they serve sees them."""

    def available(self, name: str) -> Sequence[int]:
        """List the versions of a model in the model store."""

    def by_number(self, name: str, versions: Sequence[int]) -> set[int]:
        """Return those of a model's versions that answer only requests that name them."""

    def load(self, name: str) -> ServedModel:
        """Look for new versions of a model; return when every worker serves what is desired."""

    def change(self, name: str, edit: Edit) -> ServedModel:
        """Change what is desired of a model; return when every worker serves it."""


class ChangeableState(Protocol):
    """A desired state, where it is kept."""

    def desired(self) -> DesiredState:
        """Return the desired state as it is now."""

    def change_desired(self, change: Callable[[DesiredState], DesiredState]) -> DesiredState:
        """Change it; return the desired state of this server after the change."""


class LocalControlPlane:
    """The workers of one server, which share a folder of this machine.

    Args:
        state: Folder that the workers share.
        store: Store that versions come from.
        trials: Tries versions before they are desired.
        repository: What this worker serves.
        desired: Where the desired state is changed; by default in the folder of the workers.
    """

    def __init__(
        self,
        state: StateFolder,
        store: ModelStore,
        trials: Trials,
        repository: Repository,
        *,
        desired: ChangeableState | None = None,
    ) -> None:
        self._state = state
        self._desired: ChangeableState = desired or state
        self._store = store
        self._trials = trials
        self._repository = repository

    def available(self, name: str) -> Sequence[int]:
        """List the versions of a model in the model store.

        Raises:
            SourceFailed: The models folder cannot be read, or is empty as a lost one is.
        """
        try:
            listing = self._store.list_versions()
        except InvalidBundle:
            raise SourceFailed("The models folder cannot be read.") from None
        if not listing and self._repository.models:
            raise SourceFailed("The models folder is empty; perhaps its disk is lost.")
        return listing.get(name, ())

    def by_number(self, name: str, versions: Sequence[int]) -> set[int]:
        """Return those of a model's versions that answer only requests that name them."""
        return {version for _, version in self._store.by_number({name: versions})}

    def load(self, name: str) -> ServedModel:
        """Look for new versions of a model now; return when every worker serves them.

        Raises:
            SourceFailed: The model store or its source cannot be read.
            VersionRefused: The newest version cannot be served; the others are.
            ModelNotFound: There is no such model.
            NotKept: The desired state cannot be written.
            NotAgreed: Some worker takes too long.
        """
        try:
            self._store.refresh(wait=True)
        except SourceUnreachable as error:
            raise SourceFailed(str(error)) from error
        self.available(name)
        served = self.change(name, lambda desired: msgspec.structs.replace(desired, loaded=True))
        refused = {**self._store.fetch_failures().get(name, {}), **served.refused}
        newest = max(refused, default=0)
        if newest > max(served.versions, default=0):
            raise VersionRefused(name, newest, refused[newest])
        return served

    def change(self, name: str, edit: Edit) -> ServedModel:
        """Change what is desired of a model; return when every worker serves it.

        Raises:
            ModelNotFound: There is no such model; nothing is changed.
            VersionNotFound: A named version does not exist; nothing is changed.
            VersionRefused: A named version cannot be served; nothing is changed.
            NotKept: The desired state cannot be written; nothing is changed.
            SourceFailed: The store that keeps the desired state does not answer.
            ChangedMeanwhile: Other servers change the desired state; this change is not kept.
            NotAgreed: Some worker takes too long. The desired state stays as it was changed.
        """
        try:
            revision = self._change_desired(name, edit)
        except OSError as error:
            raise NotKept(error.strerror or "") from error
        except NotWritable as error:
            raise NotKept(str(error)) from error
        except SourceUnreachable as error:
            raise SourceFailed(str(error)) from error
        return self._wait_for(revision, name).models.get(name, ServedModel())

    def _change_desired(self, name: str, edit: Edit) -> int:
        """Change the desired state once every newly named version has been checked.

        A trial takes its time, in which others change the state, too: nothing is locked meanwhile,
        and a change that names still more versions than were checked is checked again.
        """
        checked: set[int] = set()
        while True:
            named = _newly_named(self._desired.desired(), name, edit)
            self._check(name, named - checked)
            checked |= named

            def change(state: DesiredState, checked: set[int] = checked) -> DesiredState:
                if _newly_named(state, name, edit) - checked:
                    raise _NamesMore
                return state.edited(name, edit)

            with suppress(_NamesMore):
                return self._desired.change_desired(change).revision

    def _check(self, name: str, named: set[int]) -> None:
        """Check that newly named versions can be served, before they are desired."""
        entry = self._repository.current.get(name)
        served = set() if entry is None else set(entry.versions)
        if entry is not None and named <= served:
            return
        available = self.available(name)
        if entry is None and not available:
            raise ModelNotFound(name, self._repository.models)
        for version in sorted(named - served):
            self._check_version(name, version, available)

    def _check_version(self, name: str, version: int, available: Sequence[int]) -> None:
        if version not in available:
            raise VersionNotFound(name, version, available)
        reason = self._trials.reason_against((name, version))
        if reason is not None:
            raise VersionRefused(name, version, reason)

    def _wait_for(self, revision: int, name: str) -> Rollout:
        """Wait until every required agent serves a rollout of this revision or a later one.

        The model's new versions are part of it, or refused: their trials are waited for, too.
        """
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            served = self._state.served()
            if served is not None and served.revision >= revision and not _is_tried(name, served):
                required = [agent for agent in self._state.agents().living if agent.is_required]
                if required and all(agent.serving >= served.number for agent in required):
                    return served
            time.sleep(_POLL_SECONDS)
        raise NotAgreed(_TIMEOUT_SECONDS)


class _NamesMore(Exception):
    """A change names versions that were not checked."""


def _newly_named(state: DesiredState, name: str, edit: Edit) -> set[int]:
    """Return the versions of a model that a change names and the state does not."""
    before = state.models.get(name, DesiredModel())
    return edit(before).named - before.named


def _is_tried(name: str, rollout: Rollout) -> bool:
    """Tell whether the trial of a version of the model went on when a rollout was decided."""
    return any(name == model for model, _ in rollout.trying)
