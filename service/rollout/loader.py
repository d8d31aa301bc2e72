"""The versions that one worker has in memory."""

import threading
import time
from collections.abc import Iterable, Mapping, Set
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.rollout.background import Start, in_background
from service.rollout.kept_versions import KeptVersions
from service.rollout.served import ModelVersion
from service.rollout.trials import Trials
from vitrine.loading import load_versions
from vitrine.model import Model

# What has passed its trial loads in a few seconds; a disk or a network may hang for ever.
LOAD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Loading:
    """Versions that are being loaded.

    Attributes:
        versions: Every version that was asked for.
        refused: Will hold the versions that cannot be loaded, with the reason.
        seconds: Time after which nobody waits any longer.
        began: Moment of the beginning, by the monotonic clock.
    """

    versions: Set[ModelVersion]
    refused: "Future[Mapping[ModelVersion, str]]"
    seconds: float
    began: float

    @property
    def is_stuck(self) -> bool:
        """Whether the versions take too long."""
        return not self.refused.done() and time.monotonic() - self.began > self.seconds


class Loader:
    """Loads versions that have passed their trial, and holds them.

    Args:
        models: Folder with `<name>/<version>/manifest.json`.
        trials: Tries what no other worker has tried.
        kept: Copies that are loaded before anything in the folder of the models.
        threads: Cores that one call of a network may use.
        start: Begins to load; by default in the background, so that the caller does not wait.
        seconds: Time after which whoever waits for a version gives up.
    """

    def __init__(
        self,
        models: Path,
        trials: Trials,
        kept: KeptVersions,
        *,
        threads: int,
        start: Start = in_background,
        seconds: float = LOAD_SECONDS,
    ) -> None:
        self._models = models
        self._trials = trials
        self._kept = kept
        self._threads = threads
        self._start = start
        self._seconds = seconds
        # One thread loads while another lets go of versions.
        self._lock = threading.Lock()
        self._loaded: dict[ModelVersion, Model] = {}

    @property
    def loaded(self) -> Mapping[ModelVersion, Model]:
        """The versions in memory."""
        return self._loaded

    def begin(self, versions: Set[ModelVersion]) -> Loading:
        """Begin to load the versions that are not in memory yet, and hold them."""
        began = time.monotonic()
        refused = self._start(partial(self._load, versions))
        return Loading(versions, refused, self._seconds, began)

    def _load(self, versions: Set[ModelVersion]) -> Mapping[ModelVersion, str]:
        """Load versions, and return those that cannot be loaded, with the reason."""
        missing = versions - self._loaded.keys()
        loaded, _ = load_versions(self._kept.folder, missing, threads=self._threads)
        tried = {version: self._trials.reason_against(version) for version in missing - set(loaded)}
        refused = {version: reason for version, reason in tried.items() if reason is not None}
        passed = tried.keys() - refused.keys()
        more, others = load_versions(self._models, passed, threads=self._threads)
        with self._lock:
            self._loaded = {**self._loaded, **loaded, **more}
        return {**refused, **others}

    def keep(self, versions: Iterable[ModelVersion]) -> None:
        """Let go of all other versions."""
        kept = set(versions)
        with self._lock:
            self._loaded = {key: model for key, model in self._loaded.items() if key in kept}
