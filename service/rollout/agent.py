"""Many workers, one service: one of them makes the plans, all follow them.

A plan is first loaded by every worker that lives, and only then served by all, so that whoever was
told of a version finds it in each of them. A worker that starts later begins with the plan that is
served. The leader is whoever holds a lock; when it ends, however it ends, another one takes over.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from service.rollout.controller import Controller, Rules, Version
from service.rollout.desired import DesiredModel, DesiredState, Rollout, ServedModel
from service.rollout.model_store import ModelStore
from service.rollout.repository import Repository
from service.rollout.sources.source import SourceUnreachable
from service.rollout.state import AgentStatus, StateFolder
from vitrine.bundle import InvalidBundle
from vitrine.loading import load_versions
from vitrine.model import Model

# Where an application keeps the worker it runs in, for the server that ends it.
AGENT = "vitrine.worker"

# How often a worker looks for a new plan, at least twice in a plan's notice.
_LOOK_SECONDS = 0.05
# How long a caller waits for all workers: longer than a stuck one is given to live.
_AGREE_SECONDS = 60.0
_STOP_SECONDS = 10.0
# Before a worker that cannot load what the others serve tries again.
_RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class ControlPlane(Protocol):
    """All workers, as those see them who want something changed."""

    def available(self, name: str) -> Sequence[int]:
        """List the versions of a model that are there."""

    def load(self, name: str) -> ServedModel:
        """Look for new versions of a model, and return when every worker serves what is wanted."""

    def wish(self, name: str, change: Callable[[DesiredModel], DesiredModel]) -> ServedModel:
        """Change what is wanted of a model, and return when every worker serves it so."""


class Agent:
    """One worker process: follows the plan, and makes it while it leads.

    Args:
        board: Where the workers agree.
        shelf: Where versions come from.
        repository: What this worker serves.
        rules: By which it makes the plans.
        threads: Cores that one call of a network may use.
    """

    def __init__(
        self,
        board: StateFolder,
        shelf: ModelStore,
        repository: Repository,
        rules: Rules,
        *,
        threads: int,
    ) -> None:
        self._board = board
        self._shelf = shelf
        self._repository = repository
        self._threads = threads
        self._loaded: dict[Version, Model] = {}
        self._progress = AgentStatus()
        self._planner = Controller(board, shelf, self._load, rules)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="fleet", daemon=True)

    def start(self) -> None:
        """Serve what the others serve, or what there is if this is the first; then follow.

        Raises:
            InvalidBundle: This is the first one, and some model cannot be served at all.
        """
        self._board.join()
        while True:
            self.step()
            if self._progress.serving:
                break
            time.sleep(_LOOK_SECONDS)
            if self._progress.refused:
                # Others serve it, so it can be loaded when whatever is wrong here has passed.
                fields = {"refused": msgspec.to_builtins(self._progress.refused, str_keys=True)}
                _log.error("cannot load what is served", extra={"fields": fields})
                time.sleep(_RETRY_SECONDS)
                self._progress = msgspec.structs.replace(self._progress, loaded=0)
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer; what is being loaded is loaded to its end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._board.leave()

    def _follow(self) -> None:
        complaint = ""
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                self.step()
                complaint = ""
            except Exception as error:  # noqa: BLE001 - it goes on, or the worker would stand still
                if str(error) != complaint:
                    complaint = str(error)
                    _log.error("cannot follow the plan", exc_info=error)

    def step(self) -> None:
        """Do what is to be done now."""
        if self._may_lead() and self._board.lead():
            self._planner.step()
        served, following = self._board.served(), self._board.next()
        for plan in (served, following):
            # What is next may be what ended another worker: first serve what can be served.
            is_early = plan is not served and served is not None and not self._progress.serving
            if plan is None or (is_early and not self._progress.refused):
                continue
            if plan.number > self._progress.loaded:
                self._prepare(plan)
        if served is not None and self._progress.serving < served.number:
            self._serve(served, following or served)

    def _may_lead(self) -> bool:
        """Leave the plans to those who serve, while there are any."""
        return bool(self._progress.serving) or not any(
            worker.serving for worker in self._board.progress()
        )

    def _prepare(self, plan: Rollout) -> None:
        self._report(msgspec.structs.replace(self._progress, loading=plan.number))
        refused: dict[str, dict[int, str]] = {}
        for (name, version), why in self._load(plan.versions()).items():
            refused.setdefault(name, {})[version] = why
        self._repository.stage(self._loaded)
        self._report(
            msgspec.structs.replace(self._progress, loaded=plan.number, loading=0, refused=refused)
        )

    def _load(self, versions: Iterable[Version]) -> Mapping[Version, str]:
        missing = set(versions) - self._loaded.keys()
        loaded, refused = load_versions(self._shelf.folder, missing, threads=self._threads)
        self._loaded |= loaded
        return refused

    def _serve(self, plan: Rollout, following: Rollout) -> None:
        if not plan.versions() <= self._loaded.keys():
            return  # the leader has been told, and will plan without them
        kept = plan.versions() | following.versions()
        self._loaded = {version: self._loaded[version] for version in kept & self._loaded.keys()}
        self._repository.stage(self._loaded)
        self._repository.serve(plan, self._loaded)
        time.sleep(max(0.0, plan.at - time.monotonic()))
        serving = self._repository.catalogue.number
        self._report(msgspec.structs.replace(self._progress, serving=serving))

    def _report(self, progress: AgentStatus) -> None:
        self._board.report(progress)
        self._progress = progress

    def available(self, name: str) -> Sequence[int]:
        """List the versions of a model that are there.

        Raises:
            SourceFailed: The models folder cannot be read, or is empty as a lost one is.
        """
        try:
            found = self._shelf.list_versions()
        except InvalidBundle:
            raise SourceFailed("The models folder cannot be read.") from None
        if not found and self._repository.models:
            raise SourceFailed("The models folder is empty, as a lost one is.")
        return found.get(name, ())

    def load(self, name: str) -> ServedModel:
        """Look for new versions of a model now, and return when every worker serves them.

        Raises:
            SourceFailed: The place that versions come from cannot be read.
            VersionRefused: The newest cannot be served; the others are.
            ModelNotFound, NotKept, NotAgreed: As `wish` does.
        """
        try:
            self._shelf.refresh(wait=True)
        except SourceUnreachable as error:
            raise SourceFailed(str(error)) from error
        self.available(name)
        serving = self.wish(name, lambda wish: msgspec.structs.replace(wish, loaded=True))
        refused = {**self._shelf.fetch_failures().get(name, {}), **serving.refused}
        newest = max(refused, default=0)
        if newest > max(serving.versions, default=0):
            raise VersionRefused(name, newest, refused[newest])
        return serving

    def wish(self, name: str, change: Callable[[DesiredModel], DesiredModel]) -> ServedModel:
        """Change what is wanted of a model, and return when every worker serves it so.

        Raises:
            ModelNotFound: There is no such model; nothing is changed.
            VersionNotFound: A version is named that is not there; nothing is changed.
            VersionRefused: A version is named that cannot be served; nothing is changed.
            NotKept: The wish cannot be written; nothing is changed.
            NotAgreed: Some worker takes too long. The wish stands.
        """

        def checked(wishes: DesiredState) -> DesiredState:
            before = wishes.models.get(name, DesiredModel())
            after = change(before)
            self._check(name, after.named - before.named)
            models = {**wishes.models, name: after}
            if after == DesiredModel():
                del models[name]
            return msgspec.structs.replace(wishes, models=models)

        try:
            revision = self._board.change_wishes(checked).revision
        except OSError as error:
            raise NotKept(error.strerror or "") from error
        return self._await(revision).models.get(name, ServedModel())

    def _check(self, name: str, named: set[int]) -> None:
        """See that what is about to be wanted can be had, before anybody serves it."""
        entry = self._repository.catalogue.entries.get(name)
        served = set() if entry is None else set(entry.versions)
        if entry is not None and named <= served:
            return
        available = self.available(name)
        if entry is None and not available:
            raise ModelNotFound(name, self._repository.models)
        for version in sorted(named - served):
            if version not in available:
                raise VersionNotFound(name, version, available)
            wanted = [(name, version)]
            _, refused = load_versions(self._shelf.folder, wanted, threads=self._threads)
            for why in refused.values():
                raise VersionRefused(name, version, why)

    def _await(self, revision: int) -> Rollout:
        deadline = time.monotonic() + _AGREE_SECONDS
        while time.monotonic() < deadline:
            served = self._board.served()
            if served is not None and served.revision >= revision:
                workers = [worker for worker in self._board.progress() if worker.is_waited_for]
                if all(worker.serving >= served.number for worker in workers):
                    return served
            time.sleep(_LOOK_SECONDS / 5)
        raise NotAgreed(_AGREE_SECONDS)
