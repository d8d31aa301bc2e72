"""What one worker serves: the loaded versions of each model, and which of them answers a request.

`current` is replaced whole by `swap` and never edited: a request keeps the model it began with.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.rollout.desired import CANARY
from service.rollout.served import ModelVersion, ServedModel
from vitrine.model import Model

Versions = Mapping[int, Model]
Loaded = Mapping[ModelVersion, Model]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model that is served.

    Attributes:
        serving: How the model is served, and which versions are refused.
        versions: Loaded versions by number; may be empty.
    """

    serving: ServedModel
    versions: Versions

    @property
    def default(self) -> Model | None:
        """The version that answers requests that name none, but for a canary's share."""
        return None if self.serving.default is None else self.versions[self.serving.default]

    @property
    def shadow(self) -> Model | None:
        """The version that is compared with the version that answered."""
        return None if self.serving.shadow is None else self.versions[self.serving.shadow]


# Every model that is served, by name, in order.
Entries = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class _Schedule:
    """What is served until a moment, and what is served from then on."""

    before: Entries
    at: float
    after: Entries


class Repository:
    """The models that are served, each in one or more versions.

    Args:
        models: Models to serve from the start, each by its latest version.
        draw: Returns a random number from 0 to 1, which decides when a canary answers.
        clock: Returns the time by which a swap has its moment, in seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        models: Mapping[str, Versions] | None = None,
        *,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._draw = draw
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._watchers: list[Callable[[Entries], None]] = []
        self._staged: Loaded = {}
        entries = {
            name: Entry(
                serving=ServedModel(versions=tuple(sorted(versions)), default=max(versions)),
                versions=versions,
            )
            for name, versions in sorted((models or {}).items())
        }
        self._schedule = _Schedule(entries, 0.0, entries)

    @property
    def current(self) -> Entries:
        """Every model that is served now, by name, in order; reading it changes nothing."""
        # By the clock, not by when a thread wakes up: on a busy machine the threads of several
        # workers woke up to 30 ms apart, and clients saw the old version again after the new one.
        schedule = self._schedule
        return schedule.after if self._clock() >= schedule.at else schedule.before

    def swap(self, models: Mapping[str, ServedModel], loaded: Loaded, *, at: float = 0.0) -> None:
        """Serve other models or versions from a moment on, and return when it has come.

        Args:
            models: How each model is served.
            loaded: Every version that is served.
            at: Moment from which they are served, by the clock; at once where it has passed.
        """
        entries = MappingProxyType(
            {name: _entry(name, serving, loaded) for name, serving in sorted(models.items())}
        )
        self._schedule = _Schedule(self.current, at, entries)
        self._sleep(max(0.0, at - self._clock()))
        with self._lock:
            self._schedule = _Schedule(entries, at, entries)  # lets go of the versions before
            for watcher in self._watchers:
                watcher(entries)

    def stage(self, loaded: Loaded) -> None:
        """Answer with further versions where they are asked for by number.

        Another worker may serve them by default already, and its clients ask for what they see.
        """
        self._staged = MappingProxyType(dict(loaded))

    def watch(self, watcher: Callable[[Entries], None]) -> None:
        """Call back with what is served, now and after every swap."""
        with self._lock:
            self._watchers.append(watcher)
            watcher(self.current)

    @property
    def models(self) -> Mapping[str, Versions]:
        """Every model that has a version to answer with."""
        return {name: entry.versions for name, entry in self.current.items() if entry.versions}

    def entry(self, name: str) -> Entry:
        """Find what is served of a model.

        Raises:
            ModelNotFound: No model has that name.
        """
        entry = self.current.get(name)
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
            return self._canary(entry) or _default(name, entry)
        model = entry.versions.get(version) or self._staged.get((name, version))
        if model is None:
            raise VersionNotFound(name, version, entry.versions)
        return model

    def _canary(self, entry: Entry) -> Model | None:
        """Return the canary for its share of the requests."""
        share = entry.serving.canary_share
        if share and self._draw() < share:
            return entry.versions[entry.serving.labels[CANARY]]
        return None

    def default(self, name: str) -> Model:
        """Find the version that answers requests that name none, but for a canary's share.

        Raises:
            ModelNotFound: No model has that name.
            ModelUnavailable: None of its versions is served.
        """
        return _default(name, self.entry(name))


def _entry(name: str, serving: ServedModel, loaded: Loaded) -> Entry:
    versions = {version: loaded[name, version] for version in serving.versions}
    return Entry(serving=serving, versions=MappingProxyType(versions))


def _default(name: str, entry: Entry) -> Model:
    if entry.default is None:
        raise ModelUnavailable(name, entry.serving.refused, is_wanted=entry.serving.loaded)
    return entry.default
