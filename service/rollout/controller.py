"""The leader's part: what lies on the shelf and what is wanted -> the plan that all follow.

Keeps nothing that another worker could not find out anew: it may end at any moment.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from service.rollout.desired import DesiredModel, Rollout, ServedModel, plan_model
from service.rollout.model_store import Fingerprint, ModelStore, fingerprint
from service.rollout.sources.source import SourceUnreachable
from service.rollout.state import Attempt, StateFolder
from service.version_policy import Policy
from vitrine.bundle import InvalidBundle

Version = tuple[str, int]
# Loads what a plan will name in this process; returns why some cannot be.
Load = Callable[[Iterable[Version]], Mapping[Version, str]]

# A version with which this many leaders ended is not tried again: it may be what ended them.
_MAX_ATTEMPTS = 3
_GIVEN_UP = "workers ended while they loaded it."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By which plans are made.

    Attributes:
        policy: Which versions are served of a model without a wish.
        watch_seconds: How often to look for new versions; 0 for only when told.
        notice_seconds: Between posting a plan and serving it; every worker looks in that time.
    """

    policy: Policy
    watch_seconds: float
    notice_seconds: float = 0.15


class Controller:
    """Makes the plans while this worker leads.

    Args:
        board: Where the workers agree.
        shelf: Where versions come from.
        load: Tries versions out in this worker before any other is asked to load them.
        rules: By which plans are made.
    """

    def __init__(self, board: StateFolder, shelf: ModelStore, load: Load, rules: Rules) -> None:
        self._board = board
        self._shelf = shelf
        self._load = load
        self._rules = rules
        self._refused: dict[Version, tuple[Fingerprint, str]] = {}
        self._told: dict[Version, str] = {}
        self._seen: dict[Version, Fingerprint] = {}
        self._deaths = 0, 0  # number of a plan, and of the workers that ended with it
        self._available: dict[str, Sequence[int]] = {}
        self._looked: float | None = None
        self._revision = 0
        self._complaint = ""

    def step(self) -> None:
        """Bring the plan one step on: look, ask the workers to load, or to serve.

        Raises:
            InvalidBundle: Nothing is served yet, and the shelf cannot be read or some model has
                no version that can be served.
        """
        if self._is_due():
            self._look()
        self._hear_refusals()
        self._mourn()
        newest = self._board.next() or Rollout()
        models = self._plan()
        if self._is_news(models, newest):
            models = self._try_out(models)
            self._check_first(models)
            # What was refused before may have been refused again.
            if self._is_news(models, newest):
                number = newest.number + 1
                plan = Rollout(number=number, revision=self._revision, models=models)
                self._board.post_next(plan)
        self._promote()

    def _is_news(self, models: Mapping[str, ServedModel], newest: Rollout) -> bool:
        return newest.number == 0 or (models, self._revision) != (newest.models, newest.revision)

    def _is_due(self) -> bool:
        revision = self._board.wishes().revision
        served = self._board.served()
        if self._looked is None and served is not None and served.revision == revision:
            self._take_over(served)
            return bool(self._rules.watch_seconds)
        if self._looked is None or revision != self._revision:
            self._revision = revision
            self._refused.clear()  # whoever asks, asks for another try
            return True
        return bool(self._rules.watch_seconds) and (
            time.monotonic() - self._looked >= self._rules.watch_seconds
        )

    def _take_over(self, served: Rollout) -> None:
        """Go on where another leader ended: with what it knew to be there, and what it gave up."""
        self._revision = served.revision
        self._looked = time.monotonic()
        for name, model in served.models.items():
            self._available[name] = [*model.versions, *model.refused]
            for version, why in model.refused.items():
                if why == _GIVEN_UP or not self._rules.watch_seconds:
                    self._refused[name, version] = fingerprint(self._folder(name, version)), why

    def _look(self) -> None:
        self._looked = time.monotonic()
        served = self._board.served()
        try:
            self._refresh(is_first=served is None)
            found = self._shelf.list_versions()
        except InvalidBundle as error:
            if served is None:
                raise
            self._keep(served, str(error))
            return
        if served is not None and served.versions() and not found:
            # An unmounted folder is empty, too; who means it can unload the models.
            self._keep(served, f"The models folder {self._shelf.folder} is empty: not obeyed.")
            return
        self._complaint = ""
        self._available = dict(found)
        for name, version in list(self._refused):
            if fingerprint(self._folder(name, version)) != self._refused[name, version][0]:
                del self._refused[name, version]

    def _refresh(self, *, is_first: bool) -> None:
        """Fetch what is new elsewhere; a server that starts waits for it."""
        try:
            self._shelf.refresh(wait=is_first)
        except SourceUnreachable as error:
            if not self._shelf.folder.is_dir():
                raise InvalidBundle(str(error)) from error
            _log.warning("models source", extra={"fields": {"reason": str(error)}})

    def _keep(self, served: Rollout, complaint: str) -> None:
        """Go on with what is known to be there, and say once why."""
        if not self._available:
            self._available = {name: list(model.versions) for name, model in served.models.items()}
        if complaint != self._complaint:
            _log.error("models folder", extra={"fields": {"reason": complaint}})
        self._complaint = complaint

    def _folder(self, name: str, version: int) -> Path:
        return self._shelf.folder / name / str(version)

    def _plan(self) -> dict[str, ServedModel]:
        wishes, missing = self._board.wishes(), self._shelf.fetch_failures()
        return {
            name: plan_model(
                wishes.models.get(name, DesiredModel()),
                self._available.get(name, ()),
                {
                    **{
                        version: why
                        for version, why in missing.get(name, {}).items()
                        if version not in self._available.get(name, ())
                    },
                    **{
                        number: why
                        for (of, number), (_, why) in self._refused.items()
                        if of == name
                    },
                },
                policy=self._rules.policy,
            )
            for name in sorted({*self._available, *missing})
        }

    def _try_out(self, models: dict[str, ServedModel]) -> dict[str, ServedModel]:
        """Load what is new here first, and plan again without what cannot be."""
        while True:
            versions = Rollout(models=models).versions()
            refused = self._attempt(versions)
            if not refused:
                return models
            for (name, version), why in refused.items():
                self._refuse(name, version, why)
            models = self._plan()

    def _attempt(self, versions: set[Version]) -> Mapping[Version, str]:
        last = self._board.attempt()
        named = tuple(sorted(versions))
        times = last.times + 1 if last is not None and last.versions == named else 1
        # As they are before they are read: what changes meanwhile is worth another try.
        self._seen = {version: fingerprint(self._folder(*version)) for version in versions}
        if times > _MAX_ATTEMPTS:
            return dict.fromkeys(versions - self._served_versions(), _GIVEN_UP)
        self._board.post_attempt(Attempt(versions=named, times=times))
        refused = self._load(versions)
        self._board.post_attempt(None)
        return refused

    def _served_versions(self) -> set[Version]:
        return (self._board.served() or Rollout()).versions()

    def _refuse(self, name: str, version: int, why: str) -> None:
        self._refused[name, version] = self._seen.get((name, version), ()), why
        if self._told.get((name, version)) != why:  # not at every look at a slow copy
            self._told[name, version] = why
            fields = {"model": name, "version": version, "reason": why}
            _log.error("version refused", extra={"fields": fields})

    def _check_first(self, models: Mapping[str, ServedModel]) -> None:
        """Let a server not start without a model that is there: whoever starts it is looking."""
        if self._board.served() is not None:
            return
        for name, serving in models.items():
            if serving.loaded and serving.refused and not serving.versions:
                version = max(serving.refused)
                raise InvalidBundle(f"{self._folder(name, version)}: {serving.refused[version]}")

    def _hear_refusals(self) -> None:
        workers = self._board.progress()
        kept = self._served_versions() if any(worker.serving for worker in workers) else set()
        for worker in workers:
            for name, versions in worker.refused.items():
                for version, why in versions.items():
                    # What others serve is served on; the one that cannot load it tries again.
                    if (name, version) not in self._refused and (name, version) not in kept:
                        self._refuse(name, version, why)

    def _mourn(self) -> None:
        """Count the workers that ended while they loaded the next plan; it may have ended them."""
        following = self._board.next()
        ended = sum(dead.loading == following.number for dead in self._board.bury() if following)
        if not ended or following is None:
            return
        if self._deaths[0] != following.number:
            self._deaths = following.number, 0
        self._deaths = following.number, self._deaths[1] + ended
        if self._deaths[1] >= _MAX_ATTEMPTS:
            for name, version in following.versions() - self._served_versions():
                self._refuse(name, version, _GIVEN_UP)

    def _promote(self) -> None:
        plan, served = self._board.next(), self._board.served()
        if plan is None or (served is not None and served.number >= plan.number):
            return
        workers = [worker for worker in self._board.progress() if worker.is_waited_for]
        if workers and all(
            worker.loaded >= plan.number and not worker.refused for worker in workers
        ):
            at = 0.0 if served is None else time.monotonic() + self._rules.notice_seconds
            self._board.post_served(msgspec.structs.replace(plan, at=at))
            fields = {"plan": plan.number, "models": msgspec.to_builtins(_versions(plan))}
            _log.info("plan served", extra={"fields": fields})


def _versions(plan: Rollout) -> dict[str, tuple[int, ...]]:
    return {name: serving.versions for name, serving in plan.models.items()}
