"""Loaded versions, and which of them answers: verify, load, check golden answers, look up, swap.

The catalogue of what is served is replaced whole, never edited: a request keeps the model it
began with.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.rollout.desired import CANARY, Rollout, ServedModel
from vitrine.model import Model

Versions = Mapping[int, Model]
Loaded = Mapping[tuple[str, int], Model]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model of the catalogue.

    Attributes:
        serving: What is served of it, and why not the rest.
        versions: The models themselves, by number; may be none.
    """

    serving: ServedModel
    versions: Versions

    @property
    def default(self) -> Model | None:
        """The version that answers where none is asked for, a canary's share aside."""
        return None if self.serving.default is None else self.versions[self.serving.default]

    @property
    def shadow(self) -> Model | None:
        """The version that is compared with the one that answered."""
        return None if self.serving.shadow is None else self.versions[self.serving.shadow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What is served at one moment.

    Attributes:
        number: Of the plan it fulfils.
        at: Since when, by the monotonic clock.
        entries: By name, in order.
    """

    number: int = 0
    at: float = 0.0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def models(self) -> dict[str, Versions]:
        """Return the models that have a version to answer with."""
        return {name: entry.versions for name, entry in self.entries.items() if entry.versions}


class Repository:
    """The models that are served, each in one or more versions.

    Args:
        models: What to serve from the start, each model's latest version by default.
        draw: A random number from 0 to 1, which decides whom a canary answers.
    """

    def __init__(
        self,
        models: Mapping[str, Versions] | None = None,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._draw = draw
        self._catalogue = Catalogue()
        self._next: Catalogue | None = None
        self._swapping = threading.Lock()
        self._watchers: list[Callable[[Catalogue], None]] = []
        self._staged: Loaded = {}
        loaded = {
            (name, version): model
            for name, versions in (models or {}).items()
            for version, model in versions.items()
        }
        plan = Rollout(
            models={
                name: ServedModel(versions=tuple(sorted(versions)), default=max(versions))
                for name, versions in (models or {}).items()
            }
        )
        self.serve(plan, loaded)

    @property
    def catalogue(self) -> Catalogue:
        """What is served now."""
        following = self._next
        if following is not None and time.monotonic() >= following.at:
            self._swap(following)
        return self._catalogue

    def _swap(self, following: Catalogue) -> None:
        with self._swapping:
            if self._next is not following:
                return
            self._catalogue, self._next = following, None
            for watcher in self._watchers:
                watcher(following)

    def serve(self, plan: Rollout, loaded: Loaded) -> None:
        """Serve what a plan says from its time on; requests under way keep what they began with.

        The clock decides, not whoever calls this: so all workers begin at once.

        Args:
            plan: What to serve.
            loaded: Every version it names, and what may be asked for by number already.
        """
        entries = {
            name: Entry(
                serving=serving,
                versions=MappingProxyType(
                    {version: loaded[name, version] for version in serving.versions}
                ),
            )
            for name, serving in sorted(plan.models.items())
        }
        following = Catalogue(number=plan.number, at=plan.at, entries=MappingProxyType(entries))
        self._next = following
        if time.monotonic() >= plan.at:
            self._swap(following)

    def stage(self, loaded: Loaded) -> None:
        """Answer with further versions where they are asked for by number.

        Another worker may serve them by default already, and its clients ask for what they see.
        """
        self._staged = MappingProxyType(dict(loaded))

    def watch(self, watcher: Callable[[Catalogue], None]) -> None:
        """Call back with the catalogue, now and whenever another one is served."""
        with self._swapping:
            self._watchers.append(watcher)
            watcher(self._catalogue)

    @property
    def models(self) -> Mapping[str, Versions]:
        """Every model that has a version to answer with."""
        return self.catalogue.models()

    def entry(self, name: str) -> Entry:
        """Find what is served of a model.

        Raises:
            ModelNotFound: No model has that name.
        """
        entry = self.catalogue.entries.get(name)
        if entry is None:
            raise ModelNotFound(name, self.models)
        return entry

    def get(self, name: str, version: int | None = None, *, label: str | None = None) -> Model:
        """Find a model by version or label; by neither, its default version or a canary.

        Raises:
            ModelNotFound: No model has that name.
            VersionNotFound: The model has no such version.
            LabelNotFound: The model has no such label.
            ModelUnavailable: None of its versions is served.
        """
        entry = self.entry(name)
        if label is not None:
            if label not in entry.serving.labels:
                raise LabelNotFound(name, label, entry.serving.labels)
            version = entry.serving.labels[label]
        if version is None:
            share = entry.serving.canary_share
            if share and self._draw() < share:
                return entry.versions[entry.serving.labels[CANARY]]
            return self.default(name)
        model = entry.versions.get(version) or self._staged.get((name, version))
        if model is None:
            raise VersionNotFound(name, version, entry.versions)
        return model

    def default(self, name: str) -> Model:
        """Find the version that answers where none is asked for, a canary's share aside.

        Raises:
            ModelNotFound: No model has that name.
            ModelUnavailable: None of its versions is served.
        """
        entry = self.entry(name)
        if entry.default is None:
            raise ModelUnavailable(name, entry.serving.refused, is_wanted=entry.serving.loaded)
        return entry.default
