"""What the model store holds and which versions are refused, as one controller remembers it."""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.rollout.desired import DesiredState
from service.rollout.model_store import Fingerprint, ModelStore, fingerprint
from service.rollout.reconcile import GIVEN_UP
from service.rollout.served import ModelVersion, Rollout
from service.rollout.snapshot import Listing
from service.rollout.sources.source import SourceUnreachable
from vitrine.bundle import InvalidBundle

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Refusal:
    files: Fingerprint
    reason: str


class Inventory:
    """The last listing of a model store, made when it is due, and the refused versions.

    Args:
        store: Store to list.
        watch_seconds: Time between two listings; 0 to list only when the desired state changes.

    Attributes:
        listing: Last listing; None before the first one.
    """

    def __init__(self, store: ModelStore, *, watch_seconds: float) -> None:
        self._store = store
        self._watch_seconds = watch_seconds
        self._listed_at: float | None = None
        self._revision: int | None = None
        self._refreshes = 0
        self._files: dict[ModelVersion, Fingerprint] = {}
        self._refused: dict[ModelVersion, _Refusal] = {}
        self._logged: dict[ModelVersion, str] = {}
        self.listing: Listing | None = None

    @property
    def refused(self) -> Mapping[ModelVersion, str]:
        """The refused versions, with the reason."""
        return {version: refusal.reason for version, refusal in self._refused.items()}

    @property
    def fetch_failures(self) -> Mapping[str, Mapping[int, str]]:
        """Why versions of a remote source are not in the store, by name and version."""
        return self._store.fetch_failures()

    def update(self, desired: DesiredState, served: Rollout | None) -> None:
        """List the store if that is due.

        Args:
            desired: Desired state; with every change the store is listed, and refused versions of
                the models that were changed are tried again.
            served: Rollout that is served; a server that has none yet waits for the store, once.
        """
        if self._revision is None and served is not None and served.revision == desired.revision:
            self._take_over(served)
        if desired.revision != self._revision:
            self._forget_asked(desired, since=self._revision or 0)
            self._revision = desired.revision
            self._list(wait=served is None)
        elif self._is_due():
            self._list(wait=False)
        elif self._store.refreshes != self._refreshes:  # what was fetched meanwhile is there
            self._read_listing()

    def _forget_asked(self, desired: DesiredState, *, since: int) -> None:
        """Give the versions of models that were changed another try."""
        self._refused = {
            (name, version): refusal
            for (name, version), refusal in self._refused.items()
            if desired.asked.get(name, 0) <= since
        }

    def _take_over(self, served: Rollout) -> None:
        """Go on where another controller ended, with the versions that it gave up."""
        self._revision = served.revision
        for version, reason in served.refused().items():
            if reason == GIVEN_UP:
                self._refused[version] = _Refusal(self._fingerprint(version), reason)

    def _is_due(self) -> bool:
        if not self._watch_seconds:
            return False
        return self._listed_at is None or (
            time.monotonic() - self._listed_at >= self._watch_seconds
        )

    def _list(self, *, wait: bool) -> None:
        self._listed_at = time.monotonic()
        try:
            self._refresh(wait=wait)
        except InvalidBundle as error:
            self.listing = Listing(folder=self._store.folder, error=str(error))
        else:
            self._read_listing()

    def _read_listing(self) -> None:
        folder, self._refreshes = self._store.folder, self._store.refreshes
        try:
            versions = self._store.list_versions()
            by_number = self._store.by_number(versions)
            self.listing = Listing(folder=folder, versions=versions, by_number=by_number)
        except InvalidBundle as error:
            self.listing = Listing(folder=folder, error=str(error))
        if self.listing.versions:
            self._forget_changed()

    def _refresh(self, *, wait: bool) -> None:
        try:
            self._store.refresh(wait=wait)
        except SourceUnreachable as error:
            if not self._store.folder.is_dir():
                raise InvalidBundle(str(error)) from error
            _log.warning("models source", extra={"fields": {"reason": str(error)}})

    def _forget_changed(self) -> None:
        """Give versions whose files have changed since they were refused another try."""
        for version, refusal in list(self._refused.items()):
            if self._fingerprint(version) != refusal.files:
                del self._refused[version]

    def _fingerprint(self, version: ModelVersion) -> Fingerprint:
        name, number = version
        return fingerprint(self._store.folder / name / str(number))

    def note_files(self, versions: Iterable[ModelVersion]) -> None:
        """Remember the files of versions as they are before these are loaded.

        A refusal holds for these files: what changes while they are read deserves another try.
        """
        self._files.update({version: self._fingerprint(version) for version in versions})

    def refuse(self, version: ModelVersion, reason: str) -> None:
        """Refuse a version until its files change; a reason is logged once."""
        files = self._files.get(version) or self._fingerprint(version)
        self._refused[version] = _Refusal(files, reason)
        if self._logged.get(version) != reason:
            self._logged[version] = reason
            fields = {"model": version[0], "version": version[1], "reason": reason}
            _log.error("version refused", extra={"fields": fields})
