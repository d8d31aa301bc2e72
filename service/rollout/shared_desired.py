"""The desired state that many servers share: an object in the model store they all read.

The server whose operator asks for a change writes the object; all servers look at it all the time
and adopt what it says as their own desired state, from which on everything goes its usual way.

Two servers may write at once. Where the store has locks, one waits for the other. Where it has
none, a writer waits a moment and reads the object again: the change of whoever is not part of it
was overwritten, and is made once more, after the other one. A writer that takes longer than that
moment between reading and writing can overwrite a change that was answered; every server that has
read that change says so in its log.
"""

import logging
import math
import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from service.errors import ChangedMeanwhile
from service.rollout.background import Start, in_background
from service.rollout.desired import DesiredState, Shared
from service.rollout.desired_object import (
    MAX_BYTES,
    NAME,
    InvalidObject,
    NewerFormat,
    read_object,
    write_object,
)
from service.rollout.sources.folder import write_whole
from service.rollout.sources.source import NotWritable, SharedFile, SourceUnreachable
from service.rollout.sources.url import is_remote, open_shared_file
from service.rollout.state_folder import StateFolder
from vitrine.bundle import MANIFEST_NAME, InvalidBundle

# Longer than a writer takes between reading the object and having written it.
_SETTLE_SECONDS = 1.0
# Of as many writers at once, the last one is served in the last try.
_TRIES = 8

# A request to the store that takes longer has failed; the next look comes soon.
_TIMEOUT_SECONDS = 3.0
_LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)


class SharedDesired:
    """The shared desired state, as one worker reads and changes it.

    Args:
        file: The object.
        state: Folder that the workers of this server share, with the copy that they follow.
        copy: File with what was read last, for a start while the store fails; None where the
            versions themselves cannot be read then.
        every_seconds: Time between two looks at the object.
        settle_seconds: Time after which a writer without a lock reads what became of its change.
        start: Begins a look; by default in the background, so that no step waits for the store.
    """

    def __init__(
        self,
        file: SharedFile,
        state: StateFolder,
        *,
        copy: Path | None,
        every_seconds: float,
        settle_seconds: float = _SETTLE_SECONDS,
        start: Start = in_background,
    ) -> None:
        self._file = file
        self._state = state
        self._copy = copy
        self._every_seconds = every_seconds
        self._settle_seconds = settle_seconds
        self._start = start
        self._looking: Future[None] | None = None
        self._looked_at = -math.inf
        self._last_problem = ""
        self._kept = b""

    def follow(self, *, is_first: bool) -> None:
        """Look at the object if that is due, and adopt what it says.

        Args:
            is_first: Whether nothing is served yet: then the first look is waited for.

        Raises:
            InvalidBundle: Nothing is served yet, and what is desired cannot be found out.
            OSError: The state folder cannot be written.
        """
        if is_first and self._looked_at == -math.inf:
            self._look_first()
            self._looked_at = time.monotonic()
        elif self._is_due():
            self._looked_at = time.monotonic()
            self._looking = self._start(self._look)

    def _is_due(self) -> bool:
        is_looking = self._looking is not None and not self._looking.done()
        return not is_looking and time.monotonic() - self._looked_at >= self._every_seconds

    def _look_first(self) -> None:
        try:
            self._take(self._read())
        except (SourceUnreachable, InvalidObject) as error:
            known = self._known()
            if known is None:
                raise InvalidBundle(
                    f"What is desired is kept in the model store, and cannot be read: {error}"
                ) from error
            self._log_problem(str(error))
            self._state.adopt(known)

    def _look(self) -> None:
        """Look, and log a problem once: what was read last is obeyed meanwhile."""
        try:
            self._take(self._read())
        except (SourceUnreachable, InvalidObject, OSError) as error:
            self._log_problem(str(error))
        else:
            self._last_problem = ""

    def _log_problem(self, reason: str) -> None:
        if reason != self._last_problem:
            self._last_problem = reason
            _log.error("desired state in the model store", extra={"fields": {"reason": reason}})

    def _read(self) -> Shared | None:
        body = self._file.read(MAX_BYTES)
        try:
            return None if body is None else read_object(body)
        except InvalidObject as error:
            raise type(error)(f"{self._file.address} is not obeyed: {error}.") from None

    def _known(self) -> Shared | None:
        """Return the newest that this server has read; None where it has never read anything."""
        known = self._state.desired().shared
        try:
            kept = None if self._copy is None else read_object(self._copy.read_bytes())
        except (OSError, InvalidObject):
            kept = None
        return kept if kept is not None and kept.is_newer(known) else known

    def _take(self, found: Shared | None) -> None:
        """Adopt what was read, or what is known where the store has lost that."""
        known = self._known() or Shared()
        is_newer = found is not None and found.is_newer(known)
        newest = found if found is not None and is_newer else known
        if not newest.knows(known):
            fields = {"overwritten": known.revision, "found": newest.revision}
            _log.warning("desired state was changed twice at once", extra={"fields": fields})
        self._state.adopt(newest)
        self._keep(newest)
        if known.revision > (0 if found is None else found.revision):
            self._restore(known, found)
        elif found is not None and found != newest:
            raise InvalidObject(
                f"{self._file.address} is not obeyed: it has changed, but its revision "
                f"{found.revision} has not."
            )

    def _keep(self, shared: Shared) -> None:
        """Keep a copy for a start while the store fails, also of a store that has no object yet."""
        body = write_object(shared)
        if self._copy is None or body == self._kept:
            return
        try:
            self._copy.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._copy, body)
            self._kept = body
        except OSError as error:
            self._log_problem(f"{self._copy} cannot be written: {error.strerror}.")

    def _restore(self, known: Shared, found: Shared | None) -> None:
        """Write what is known into the store, which has lost it."""
        loss = "is gone" if found is None else f"has gone back to revision {found.revision}"
        try:
            with self._file.exclusively():
                if self._read() != found:  # it was changed since
                    return
                self._file.write(write_object(known))
        except (NotWritable, SourceUnreachable, OSError) as error:
            raise InvalidObject(
                f"{self._file.address} {loss}, and cannot be written anew. What was read before is "
                f"obeyed. {error}"
            ) from error
        fields = {"reason": f"{self._file.address} {loss}."}
        _log.warning("desired state is written anew into the model store", extra={"fields": fields})

    def desired(self) -> DesiredState:
        """Return what the store says now.

        Raises:
            SourceUnreachable: The store cannot be read.
            NotWritable: A later release has written the object.
        """
        newest = self._newest()
        return DesiredState(revision=newest.revision, models=newest.models, asked=newest.asked)

    def _newest(self) -> Shared:
        """Return what a change is to be based on."""
        try:
            found = self._read()
        except NewerFormat as error:
            raise NotWritable(str(error).removesuffix(".")) from error
        except InvalidObject:  # what was read before it holds
            found = None
        known = self._known()
        newest = found if found is not None and found.is_newer(known) else known
        if newest is None or not newest.revision:
            return Shared(models=self._state.desired().models)
        return newest

    def change_desired(self, change: Callable[[DesiredState], DesiredState]) -> DesiredState:
        """Change the object, and return this server's desired state with it.

        Raises:
            ChangedMeanwhile: Other servers have changed it at the same time, again and again.
            SourceUnreachable: The store does not answer.
            NotWritable: The object may only be read.
            OSError: A folder cannot be written.
        """
        with self._state.changing_shared(), self._file.exclusively() as is_alone:
            return self._state.adopt(self._change(change, is_alone=is_alone))

    def _change(self, change: Callable[[DesiredState], DesiredState], *, is_alone: bool) -> Shared:
        for _ in range(_TRIES):
            after = self._newest().changed(change)
            try:
                found = self._write(after, is_alone=is_alone)
            except InvalidObject:  # somebody else has written that
                found = None
            if found is not None and found.knows(after):
                return found
            # Writers that wait equally long would overwrite each other again.
            time.sleep(random.uniform(0, self._settle_seconds))  # noqa: S311 - no secret
        raise ChangedMeanwhile

    def _write(self, shared: Shared, *, is_alone: bool) -> Shared | None:
        """Write the object, and return what has become of it."""
        try:
            self._file.write(write_object(shared))
            if is_alone:
                return shared
            time.sleep(self._settle_seconds)
            return self._read()
        except SourceUnreachable as error:
            raise SourceUnreachable(
                f"{error} Whether the change was kept shows when the store answers again."
            ) from error


def open_shared_desired(
    models: str, state: StateFolder, *, copy: Path | None, watch_seconds: float
) -> SharedDesired:
    """Share the desired state through a model store.

    Args:
        models: A folder, or the URL of a source.
        state: Folder that the workers of this server share.
        copy: File with what was read last; None where the models are in a folder.
        watch_seconds: Time between two looks for new versions.

    Raises:
        InvalidBundle: The URL names no source, or the folder is that of one version.
    """
    if not is_remote(models) and (Path(models) / MANIFEST_NAME).is_file():
        raise InvalidBundle(
            f"{models} is one version, and a version is never changed: what is desired cannot be "
            "kept in it. VITRINE_DESIRED_STATE must be server."
        )
    try:
        file = open_shared_file(models, NAME, timeout_seconds=_TIMEOUT_SECONDS)
    except SourceUnreachable as error:
        raise InvalidBundle(str(error)) from error
    # A look costs little, and a rollback is in a hurry.
    every_seconds = min(watch_seconds or _LOOK_SECONDS, _LOOK_SECONDS)
    if is_remote(models):
        every_seconds = _LOOK_SECONDS
    return SharedDesired(file, state, copy=copy, every_seconds=every_seconds)
