"""The folder that the workers of one server share, and the files in it.

- `desired.json`: the desired state; `desired.lock` is locked while it changes. `shared.lock` is
  locked while a worker changes the one in the model store.
- `next.json`, `served.json`: the rollout that agents are to load, and the one they serve.
- `agents/`: a locked file for each living agent, and its status beside it.
- `controller.lock`: locked by the one worker whose controller acts.
- `tried.json`, `trials/`, `versions/`: versions that passed their trial, see `trials.py` and
  `kept_versions.py`.

A file is written under a hidden name and renamed, so that nobody sees half of it. The kernel drops
a lock when its process ends, however it ends.

Whoever can write to the folder may damage it, and a disk may lose it. Each worker remembers what it
read last. A file that is missing, cannot be read or is older than that is set aside and written
anew; so is the desired state, by the worker that leads, if need be from the rollout that is served.
"""

import contextlib
import fcntl
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from service.rollout.desired import DesiredModel, DesiredState, Shared
from service.rollout.observed import Agents, AgentStatus
from service.rollout.served import Rollout, Rollouts
from service.version_policy import Policy

_DESIRED = "desired.json"
_FORMER_DESIRED = "wishes.json"  # its name before version 0.2, which operators still have
_NEXT = "next.json"
_SERVED = "served.json"
_CONTROLLER_LOCK = "controller.lock"
_DESIRED_LOCK = "desired.lock"
_SHARED_LOCK = "shared.lock"
_AGENTS = "agents"
_AGENT_NAME = re.compile(r"[0-9]+-[0-9a-f]{8}")

TRIED = "tried.json"
TRIALS = "trials"
VERSIONS = "versions"

# Damaged files that are kept of each name, for whoever wants to see what happened.
_MOST_SET_ASIDE = 3
# A worker that cannot read the desired state gives the one that leads so long to write it anew.
_RESTORING_SECONDS = 2.0
_POLL_SECONDS = 0.01

Content = TypeVar("Content", bound=msgspec.Struct)
Numbered = TypeVar("Numbered", Rollout, DesiredState)

_log = logging.getLogger(__name__)


class StateFolder:
    """The folder as one worker uses it.

    Args:
        folder: Folder of all workers of one server, and of no other server.
        policy: Policy of a model that has none of its own.
        process: Number of the worker's process; by default of the process that calls.
        read: Reads one file.

    Attributes:
        policy: Policy of a model that has none of its own.

    Raises:
        OSError: The folder cannot be read or written; raised by every method.
    """

    def __init__(
        self,
        folder: Path,
        *,
        policy: Policy = "latest:2",
        process: int | None = None,
        read: Callable[[Path], bytes] = Path.read_bytes,
    ) -> None:
        self._folder = folder
        self.policy = policy
        self._read_bytes = read
        process = os.getpid() if process is None else process
        # Process numbers come back; an agent with a dead one's name would be taken for it.
        self._name = f"{process}-{secrets.token_hex(4)}"
        self._controller_lock: int | None = None
        self._agent_lock: int | None = None
        self._status = AgentStatus()
        self._status_file: tuple[int, int, int] | None = None
        self._known: dict[str, Rollout | DesiredState] = {}
        self._last_failure = ""

    def desired(self) -> DesiredState:
        """Return the desired state; where it is damaged, wait until it is written anew.

        A state that is older than what is served is damaged, too: a change of it would be taken for
        one that is served already.
        """
        deadline = time.monotonic() + _RESTORING_SECONDS
        while True:
            served = self.served() or Rollout()
            desired = self._read(_DESIRED, DesiredState)
            if desired is not None and desired.revision >= served.revision:
                return desired
            if time.monotonic() > deadline:
                raise OSError(0, "it is damaged")
            time.sleep(_POLL_SECONDS)

    def restored_desired(self, served: Rollout | None) -> DesiredState:
        """Return the desired state, and write it anew where it is lost: for the one that leads.

        Args:
            served: Rollout that is served; None before the first one.
        """
        served, known = served or Rollout(), self._known.get(_DESIRED)
        # What this worker remembers may be older than what all workers serve.
        if not isinstance(known, DesiredState) or known.revision < served.revision:
            self._known[_DESIRED] = desired_by(served, policy=self.policy)
        return self._restored(_DESIRED, DesiredState) or DesiredState()

    def change_desired(self, change: Callable[[DesiredState], DesiredState]) -> DesiredState:
        """Change the desired state, one change at a time, and return the result."""
        with self._locked(_DESIRED_LOCK):
            before = self.desired()
            after = msgspec.structs.replace(change(before), revision=before.revision + 1)
            self._write(_DESIRED, after)
        return after

    def adopt(self, shared: Shared) -> DesiredState:
        """Follow what all servers share, unless the desired state does so already; return it."""
        with self._locked(_DESIRED_LOCK):
            before = self.desired()
            after = before.adopting(shared)
            if after is not before:
                self._write(_DESIRED, after)
        return after

    def changing_shared(self) -> contextlib.AbstractContextManager[None]:
        """Let no other worker of this server change what all servers share."""
        return self._locked(_SHARED_LOCK)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._folder / name):
            yield

    def prepare_desired(self) -> str | None:
        """Write the desired state anew where it is lost, as the server before has served it.

        Returns:
            What is to be logged of it; None where nothing was lost.
        """
        path, served = self._folder / _DESIRED, self.served()
        desired = self._read(_DESIRED, DesiredState)
        if desired is not None and (served is None or desired.revision >= served.revision):
            return None
        is_first = served is None and not os.path.lexists(path)
        _set_aside(path)
        self._write(_DESIRED, desired_by(served or Rollout(), policy=self.policy))
        source = "nothing is desired now" if served is None else "it is what was served before"
        return None if is_first else f"{path} was damaged and is written anew: {source}."

    def rollouts(self) -> Rollouts:
        """Return the rollout that is served and the next one."""
        # In this order: what is served was the next one before.
        served = self.served()
        return Rollouts(served=served, next=self._restored(_NEXT, Rollout))

    def served(self) -> Rollout | None:
        """Return the rollout that is served; None before the first one."""
        return self._restored(_SERVED, Rollout)

    def announce(self, rollout: Rollout) -> None:
        """Ask every agent to load a rollout."""
        self._write(_NEXT, rollout)
        self._known[_NEXT] = rollout

    def promote(self, rollout: Rollout) -> None:
        """Ask every agent to serve a rollout that all have loaded."""
        self._write(_SERVED, rollout)
        self._known[_SERVED] = rollout

    def join(self) -> None:
        """Count this process among the agents for as long as it lives."""
        agents = self._folder / _AGENTS
        agents.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Locked before it has its name: a named file without a lock is taken for a dead agent's.
        unnamed = agents / f".{secrets.token_hex(8)}"
        lock = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.report(self._status)
        unnamed.rename(agents / self._name)
        if self._agent_lock is not None:
            os.close(self._agent_lock)
        self._agent_lock = lock

    def stay(self) -> None:
        """Join anew, or report anew, where somebody has removed or changed this agent's files."""
        agents = self._folder / _AGENTS
        if not _is_at(self._agent_lock, agents / self._name):
            self.join()
            self._log_restored(f"{_AGENTS}/{self._name}")
        elif _identity(agents / f"{self._name}.json") != self._status_file:
            self.report(self._status)
            self._log_restored(f"{_AGENTS}/{self._name}.json")

    def report(self, status: AgentStatus) -> None:
        """Write how far this agent has come."""
        self._status = status
        self._write(f"{_AGENTS}/{self._name}.json", status)
        self._status_file = _identity(self._folder / _AGENTS / f"{self._name}.json")

    def agents(self) -> Agents:
        """Return what all agents have reported, and which of them are dead."""
        living: list[AgentStatus] = []
        dead: dict[str, AgentStatus] = {}
        for path in self._agent_files():
            if _AGENT_NAME.fullmatch(path.name):
                # Asked for the lock first: an agent that ends in between is dead next time.
                is_living = _is_locked(path)
                # A damaged status is as good as none; the agent writes it anew.
                status = self._read(f"{_AGENTS}/{path.name}.json", AgentStatus) or AgentStatus()
                if is_living:
                    living.append(status)
                else:
                    dead[path.name] = status
        return Agents(living=tuple(living), dead=dead)

    def _agent_files(self) -> list[Path]:
        try:
            return list((self._folder / _AGENTS).iterdir())
        except FileNotFoundError:  # the agents make it anew
            return []

    def forget(self, agents: Iterable[str]) -> None:
        """Delete what dead agents have left."""
        for name in agents:
            (self._folder / _AGENTS / name).unlink(missing_ok=True)
            (self._folder / _AGENTS / f"{name}.json").unlink(missing_ok=True)

    def lead(self) -> bool:
        """Make this worker's controller the one that acts, unless another one lives that does."""
        path = self._folder / _CONTROLLER_LOCK
        if _is_at(self._controller_lock, path):
            return True
        if self._controller_lock is not None:  # another worker may have locked a new file
            os.close(self._controller_lock)
            self._controller_lock = None
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._controller_lock = descriptor
        return True

    def leave(self) -> None:
        """Count this process no longer among the agents."""
        for descriptor in (self._controller_lock, self._agent_lock):
            if descriptor is not None:
                os.close(descriptor)
        self._controller_lock = self._agent_lock = None

    def _restored(self, name: str, kind: type[Numbered]) -> Numbered | None:
        """Read a file; where what this worker knows of it is lost, write that anew."""
        found, known = self._read(name, kind), self._known.get(name)
        if found is not None and (known is None or _number(found) >= _number(known)):
            self._known[name] = found
            return found
        if not isinstance(known, kind):
            return None
        try:
            _set_aside(self._folder / name)
            self._write(name, known)
            self._log_restored(name)
        except OSError as error:  # what is known holds all the same
            self._log_failure(name, error)
        return known

    def _log_restored(self, name: str) -> None:
        self._last_failure = ""
        _log.warning(
            "state file was damaged, and is written anew", extra={"fields": {"file": name}}
        )

    def _log_failure(self, name: str, error: OSError) -> None:
        """Log once that a file cannot be written anew."""
        if self._last_failure != name:
            self._last_failure = name
            fields = {"file": name, "reason": error.strerror}
            _log.error("state file is damaged, and cannot be written", extra={"fields": fields})

    def _read(self, name: str, kind: type[Content]) -> Content | None:
        """Read a file; None where it is missing or damaged."""
        try:
            return msgspec.json.decode(self._read_bytes(self._folder / name), type=kind)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def _write(self, name: str, content: msgspec.Struct) -> None:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.parent / f".{secrets.token_hex(8)}"
        try:
            unfinished.write_bytes(msgspec.json.encode(content))
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def desired_by(served: Rollout, *, policy: Policy) -> DesiredState:
    """Return the desired state that a rollout fulfils, as far as the rollout tells.

    Args:
        served: Rollout that is served.
        policy: Policy of a model that has none of its own.
    """
    models = {
        name: DesiredModel(
            loaded=model.loaded,
            policy=None if model.policy == policy else model.policy,
            labels=model.labels,
            canary_share=model.canary_share,
            shadow=model.shadow,
        )
        for name, model in served.models.items()
    }
    changed = {name: model for name, model in models.items() if model != DesiredModel()}
    return DesiredState(revision=served.revision, models=changed)


def prepare(folder: Path, *, policy: Policy = "latest:2") -> str | None:
    """Make the folder of a server that is about to start; the desired state is kept.

    Args:
        folder: The folder.
        policy: Policy of a model that has none of its own.

    Returns:
        What is to be logged of a desired state that was damaged; None where it was not.

    Raises:
        OSError: The folder cannot be written.
    """
    (folder / _AGENTS).mkdir(parents=True, exist_ok=True)
    if not (folder / _DESIRED).exists() and (folder / _FORMER_DESIRED).exists():
        (folder / _FORMER_DESIRED).rename(folder / _DESIRED)
    damage = StateFolder(folder, policy=policy).prepare_desired()
    for path in (folder / _NEXT, folder / _SERVED, *(folder / _AGENTS).iterdir()):
        path.unlink(missing_ok=True)
    for name in (TRIALS, VERSIONS):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / _CONTROLLER_LOCK).touch()
    return damage


def _set_aside(path: Path) -> None:
    """Rename a damaged file, and keep a few of them."""
    for number in range(1, _MOST_SET_ASIDE + 1):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if number == _MOST_SET_ASIDE or not os.path.lexists(aside):
            with contextlib.suppress(FileNotFoundError):
                path.rename(aside)
            return


def _number(content: Rollout | DesiredState) -> int:
    return content.number if isinstance(content, Rollout) else content.revision


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced or written to; None where it is missing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _is_at(descriptor: int | None, path: Path) -> bool:
    """Tell whether an open file still has its name: a lock on another one excludes nobody."""
    if descriptor is None:
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    while True:
        with path.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if _is_at(stream.fileno(), path):
                yield
                return


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
