"""Where the workers of one server agree: a folder of small files, each replaced as a whole.

What is wanted, the next plan, the plan that is served, and how far each worker has come. A file is
written beside its place and renamed into it, so that none is ever seen half; who lives and who
leads is told by file locks, which the kernel drops with the process that holds them, however it
ended.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from service.rollout.desired import DesiredState, Rollout

_WISHES = "wishes.json"
_NEXT = "next.json"
_SERVED = "served.json"
_ATTEMPT = "attempt.json"
_LEADER = "leader.lock"
_WRITERS = "wishes.lock"
_WORKERS = "workers"
_WORKER_NAME = re.compile(r"[0-9]+-[0-9a-f]{8}")

Content = TypeVar("Content", bound=msgspec.Struct)


class InvalidState(Exception):
    """What an earlier server left in the folder makes no sense; the message says where."""


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a worker has come.

    Attributes:
        loaded: Number of the last plan whose versions it has loaded, as far as they can be.
        serving: Number of the last plan that it serves.
        loading: Number of the plan that it is loading; 0 between two.
        refused: Versions of the plan `loaded` that it could not load, with the reason, by name.
    """

    loaded: int = 0
    serving: int = 0
    loading: int = 0
    refused: dict[str, dict[int, str]] = {}

    @property
    def is_waited_for(self) -> bool:
        """Whether the others wait for it; who cannot load what they serve answers nobody."""
        return bool(self.serving) or not self.refused


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What a leader is loading; found by the next one if that ended it.

    Attributes:
        versions: Names and numbers.
        times: How often in a row.
    """

    versions: tuple[tuple[str, int], ...]
    times: int


class StateFolder:
    """The folder, as one worker sees it.

    Args:
        folder: Of all workers of one server, and of no other.
        process: Number of the worker; by default of the process that asks.

    Raises:
        OSError: From every method: the folder cannot be read or written.
    """

    def __init__(self, folder: Path, *, process: int | None = None) -> None:
        self._folder = folder
        self._process = os.getpid() if process is None else process
        # Process numbers come back; a name that does would be taken for the dead one's.
        self._name = f"{self._process}-{secrets.token_hex(4)}"
        self._leadership: int | None = None
        self._life: int | None = None

    def wishes(self) -> DesiredState:
        """Return what is wanted."""
        return self._read(_WISHES, DesiredState) or DesiredState()

    def change_wishes(self, change: Callable[[DesiredState], DesiredState]) -> DesiredState:
        """Change what is wanted, one change at a time, and return the result."""
        with _locked(self._folder / _WRITERS):
            wishes = change(self.wishes())
            wishes = msgspec.structs.replace(wishes, revision=self.wishes().revision + 1)
            self._write(_WISHES, wishes)
        return wishes

    def next(self) -> Rollout | None:
        """Return the plan that is being loaded, or that was loaded last."""
        return self._read(_NEXT, Rollout)

    def post_next(self, plan: Rollout) -> None:
        """Ask every worker to load what a plan names."""
        self._write(_NEXT, plan)

    def served(self) -> Rollout | None:
        """Return the plan that is served; None before the first one."""
        return self._read(_SERVED, Rollout)

    def post_served(self, plan: Rollout) -> None:
        """Ask every worker to serve a plan that all have loaded."""
        self._write(_SERVED, plan)

    def attempt(self) -> Attempt | None:
        """Return what a leader was loading when it ended; None where it came to an end."""
        return self._read(_ATTEMPT, Attempt)

    def post_attempt(self, attempt: Attempt | None) -> None:
        """Note what is about to be loaded, or that this has ended."""
        if attempt is None:
            (self._folder / _ATTEMPT).unlink(missing_ok=True)
        else:
            self._write(_ATTEMPT, attempt)

    def join(self) -> None:
        """Count this process among the workers for as long as it lives."""
        workers = self._folder / _WORKERS
        workers.mkdir(exist_ok=True)
        # Locked before it has its name: a file without a lock is taken for a dead worker's.
        unnamed = workers / f".{secrets.token_hex(8)}"
        self._life = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._life, fcntl.LOCK_EX)
        self.report(AgentStatus())
        unnamed.rename(workers / self._name)

    def report(self, progress: AgentStatus) -> None:
        """Say how far this worker has come."""
        self._write(f"{_WORKERS}/{self._name}.json", progress)

    def progress(self) -> list[AgentStatus]:
        """Return how far each living worker has come."""
        return [self._progress_of(path) for path in self._workers() if _is_locked(path)]

    def bury(self) -> list[AgentStatus]:
        """Forget the dead, and return how far each had come."""
        dead = [path for path in self._workers() if not _is_locked(path)]
        found = [self._progress_of(path) for path in dead]
        for path in dead:
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)
        return found

    def _workers(self) -> list[Path]:
        paths = (self._folder / _WORKERS).iterdir()
        return [path for path in paths if _WORKER_NAME.fullmatch(path.name)]

    def _progress_of(self, path: Path) -> AgentStatus:
        return self._read(f"{_WORKERS}/{path.name}.json", AgentStatus) or AgentStatus()

    def lead(self) -> bool:
        """Become the one worker that makes the plans, unless another one lives that does."""
        if self._leadership is None:
            descriptor = os.open(self._folder / _LEADER, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            self._leadership = descriptor
        return True

    def leave(self) -> None:
        """Count this process no longer among the workers."""
        for descriptor in (self._leadership, self._life):
            if descriptor is not None:
                os.close(descriptor)
        self._leadership = self._life = None

    def _read(self, name: str, kind: type[Content]) -> Content | None:
        try:
            return msgspec.json.decode((self._folder / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: msgspec.Struct) -> None:
        path = self._folder / name
        unfinished = path.parent / f".{secrets.token_hex(8)}"
        try:
            unfinished.write_bytes(msgspec.json.encode(content))
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def prepare(folder: Path) -> None:
    """Make the folder of a server that is about to start; what was wanted before is kept.

    Raises:
        OSError: It cannot be written.
        InvalidState: What was wanted before cannot be read.
    """
    (folder / _WORKERS).mkdir(parents=True, exist_ok=True)
    posts = [folder / name for name in (_NEXT, _SERVED, _ATTEMPT)]
    for path in [*posts, *(folder / _WORKERS).iterdir()]:
        path.unlink(missing_ok=True)
    (folder / _LEADER).touch()
    try:
        StateFolder(folder).wishes()
    except msgspec.MsgspecError as error:
        raise InvalidState(f"{folder / _WISHES} cannot be read: {error}.") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
