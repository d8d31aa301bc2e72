"""The versions that one worker has in memory."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from service.rollout.served import ModelVersion
from vitrine.loading import load_versions
from vitrine.model import Model


class Loader:
    """Loads versions from the model store's folder and holds them.

    Args:
        models: Folder with `<name>/<version>/manifest.json`.
        threads: Cores that one call of a network may use.
    """

    def __init__(self, models: Path, *, threads: int) -> None:
        self._models = models
        self._threads = threads
        self._loaded: dict[ModelVersion, Model] = {}

    @property
    def loaded(self) -> Mapping[ModelVersion, Model]:
        """The versions in memory."""
        return self._loaded

    def load(self, versions: Iterable[ModelVersion]) -> Mapping[ModelVersion, str]:
        """Load and hold the versions that are not in memory yet.

        Returns:
            The versions that cannot be loaded, with the reason.
        """
        missing = set(versions) - self._loaded.keys()
        loaded, refused = load_versions(self._models, missing, threads=self._threads)
        self._loaded = {**self._loaded, **loaded}
        return refused

    def keep(self, versions: Iterable[ModelVersion]) -> None:
        """Let go of all other versions."""
        kept = set(versions)
        self._loaded = {key: model for key, model in self._loaded.items() if key in kept}

    def reason_against(self, version: ModelVersion) -> str | None:
        """Load a version without holding it; return why it cannot be, or None."""
        _, refused = load_versions(self._models, [version], threads=self._threads)
        return refused.get(version)
