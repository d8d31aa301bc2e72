"""The folder that the workers of one server share, and the files in it.

- `desired.json`: the desired state; `desired.lock` is locked while it changes.
- `next.json`, `served.json`: the rollout that agents are to load, and the one they serve.
- `trial.json`: versions that a controller is trying.
- `agents/`: a locked file for each living agent, and its status beside it.
- `controller.lock`: locked by the one worker whose controller acts.

A file is written under a hidden name and renamed, so that nobody sees half of it. The kernel drops
a lock when its process ends, however it ends.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from service.rollout.desired import DesiredState
from service.rollout.observed import Agents, AgentStatus, Trial
from service.rollout.served import Rollout, Rollouts

_DESIRED = "desired.json"
_FORMER_DESIRED = "wishes.json"  # its name before version 0.2, which operators still have
_NEXT = "next.json"
_SERVED = "served.json"
_TRIAL = "trial.json"
_CONTROLLER_LOCK = "controller.lock"
_DESIRED_LOCK = "desired.lock"
_AGENTS = "agents"
_AGENT_NAME = re.compile(r"[0-9]+-[0-9a-f]{8}")

Content = TypeVar("Content", bound=msgspec.Struct)


class InvalidState(Exception):
    """The folder of an earlier server cannot be used; the message says where and why."""


class StateFolder:
    """The folder as one worker uses it.

    Args:
        folder: Folder of all workers of one server, and of no other server.
        process: Number of the worker's process; by default of the process that calls.
        read: Reads one file.

    Raises:
        OSError: The folder cannot be read or written; raised by every method.
    """

    def __init__(
        self,
        folder: Path,
        *,
        process: int | None = None,
        read: Callable[[Path], bytes] = Path.read_bytes,
    ) -> None:
        self._folder = folder
        self._read_bytes = read
        process = os.getpid() if process is None else process
        # Process numbers come back; an agent with a dead one's name would be taken for it.
        self._name = f"{process}-{secrets.token_hex(4)}"
        self._controller_lock: int | None = None
        self._agent_lock: int | None = None

    def desired(self) -> DesiredState:
        """Return the desired state."""
        return self._read(_DESIRED, DesiredState) or DesiredState()

    def change_desired(self, change: Callable[[DesiredState], DesiredState]) -> DesiredState:
        """Change the desired state, one change at a time, and return the result."""
        with _locked(self._folder / _DESIRED_LOCK):
            before = self.desired()
            after = msgspec.structs.replace(change(before), revision=before.revision + 1)
            self._write(_DESIRED, after)
        return after

    def rollouts(self) -> Rollouts:
        """Return the rollout that is served and the next one."""
        # In this order: what is served was the next one before.
        served = self.served()
        return Rollouts(served=served, next=self._read(_NEXT, Rollout))

    def served(self) -> Rollout | None:
        """Return the rollout that is served; None before the first one."""
        return self._read(_SERVED, Rollout)

    def announce(self, rollout: Rollout) -> None:
        """Ask every agent to load a rollout."""
        self._write(_NEXT, rollout)

    def promote(self, rollout: Rollout) -> None:
        """Ask every agent to serve a rollout that all have loaded."""
        self._write(_SERVED, rollout)

    def trial(self) -> Trial | None:
        """Return the trial during which a controller ended; None where none did."""
        return self._read(_TRIAL, Trial)

    def write_trial(self, trial: Trial | None) -> None:
        """Note that a trial begins, or that it has ended."""
        if trial is None:
            (self._folder / _TRIAL).unlink(missing_ok=True)
        else:
            self._write(_TRIAL, trial)

    def join(self) -> None:
        """Count this process among the agents for as long as it lives."""
        agents = self._folder / _AGENTS
        agents.mkdir(exist_ok=True)
        # Locked before it has its name: a named file without a lock is taken for a dead agent's.
        unnamed = agents / f".{secrets.token_hex(8)}"
        self._agent_lock = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._agent_lock, fcntl.LOCK_EX)
        self.report(AgentStatus())
        unnamed.rename(agents / self._name)

    def report(self, status: AgentStatus) -> None:
        """Write how far this agent has come."""
        self._write(f"{_AGENTS}/{self._name}.json", status)

    def agents(self) -> Agents:
        """Return what all agents have reported, and which of them are dead."""
        living: list[AgentStatus] = []
        dead: dict[str, AgentStatus] = {}
        for path in (self._folder / _AGENTS).iterdir():
            if _AGENT_NAME.fullmatch(path.name):
                # Asked for the lock first: an agent that ends in between is dead next time.
                is_living = _is_locked(path)
                status = self._read(f"{_AGENTS}/{path.name}.json", AgentStatus) or AgentStatus()
                if is_living:
                    living.append(status)
                else:
                    dead[path.name] = status
        return Agents(living=tuple(living), dead=dead)

    def forget(self, agents: Iterable[str]) -> None:
        """Delete what dead agents have left."""
        for name in agents:
            (self._folder / _AGENTS / name).unlink(missing_ok=True)
            (self._folder / _AGENTS / f"{name}.json").unlink(missing_ok=True)

    def lead(self) -> bool:
        """Make this worker's controller the one that acts, unless another one lives that does."""
        if self._controller_lock is None:
            descriptor = os.open(self._folder / _CONTROLLER_LOCK, os.O_CREAT | os.O_RDWR, 0o600)
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

    def _read(self, name: str, kind: type[Content]) -> Content | None:
        try:
            return msgspec.json.decode(self._read_bytes(self._folder / name), type=kind)
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
    """Make the folder of a server that is about to start; the desired state is kept.

    Raises:
        OSError: The folder cannot be written.
        InvalidState: The desired state cannot be read.
    """
    (folder / _AGENTS).mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in (_NEXT, _SERVED, _TRIAL)]
    for path in [*files, *(folder / _AGENTS).iterdir()]:
        path.unlink(missing_ok=True)
    (folder / _CONTROLLER_LOCK).touch()
    if not (folder / _DESIRED).exists() and (folder / _FORMER_DESIRED).exists():
        (folder / _FORMER_DESIRED).rename(folder / _DESIRED)
    try:
        StateFolder(folder).desired()
    except msgspec.MsgspecError as error:
        raise InvalidState(f"{folder / _DESIRED} cannot be read: {error}.") from error


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
