"""Several servers over one model store, each on a host of its own, and what a rollout needs."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.namespaces import Host, network
from tests.publishers import S3Publisher, s3_variables
from tests.servers import ROOT, Server, is_ready
from tests.traffic import AllowedVersions, Outcomes, publish, publish_both, traffic, until

_PORT = 8080
_S3_PORT = 9000
_STOP_SECONDS = 60
# Of each client, between two requests: three servers and their clients share this machine.
_PAUSE_SECONDS = 0.05


class Store(Protocol):
    """A model store that all servers read."""

    @property
    def models(self) -> str:
        """What the servers have as VITRINE_MODELS."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Further variables that they need."""

    def publish(self, version: int) -> None:
        """Publish a version of the table model."""

    @property
    def has_caches(self) -> bool:
        """Whether a server can start while the store fails."""

    def fail(self) -> None:
        """Let no server reach it."""

    def recover(self) -> None:
        """Let all servers reach it again."""

    def stop(self) -> None:
        """End what runs for it."""


class SharedFolder:
    """A folder, as a volume that all hosts mount.

    Args:
        folder: Where it is made.
    """

    environment: Mapping[str, str] = {}
    has_caches = False

    def __init__(self, folder: Path) -> None:
        self._staging = folder / "staging"
        self._folder = folder / "models"
        self.models = str(self._folder)
        publish_both(self._folder)

    def publish(self, version: int) -> None:
        """Publish a version by renaming it into place."""
        publish(self._staging, version).rename(self._folder / "rooms" / str(version))

    def fail(self) -> None:
        """Take the folder away."""
        self._folder.rename(self._folder.with_name("away"))

    def stop(self) -> None:
        """Do nothing: nothing runs for it."""

    def recover(self) -> None:
        """Bring the folder back."""
        self._folder.with_name("away").rename(self._folder)


class S3Host:
    """An S3 server on a host of its own.

    Args:
        host: The host.
        folder: Where its models are made before they are published.
    """

    has_caches = True

    def __init__(self, host: Host, folder: Path) -> None:
        self._host = host
        command = [sys.executable, "-m", "moto.server", "-H", host.address, "-p", str(_S3_PORT)]
        quiet = subprocess.DEVNULL
        self._process = host.start(command, stdout=quiet, stderr=quiet)
        endpoint = f"http://{host.address}:{_S3_PORT}"
        until(lambda: _listens(host))
        publish_both(folder)
        self._publisher = S3Publisher(folder, endpoint, "fleet")
        self._publisher.publish()
        self.models = self._publisher.url
        self.environment = s3_variables(endpoint)

    def publish(self, version: int) -> None:
        """Upload a version, file by file."""
        self._publisher.add(publish(self._publisher.folder, version))

    def stop(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait()

    def fail(self) -> None:
        """Unplug the host."""
        self._host.unplug()

    def recover(self) -> None:
        """Plug the host in again."""
        self._host.plug()


def _listens(host: Host) -> bool:
    return (
        subprocess.run(
            ["bash", "-c", f"exec 3<>/dev/tcp/{host.address}/{_S3_PORT}"],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


class Member:
    """One server of the fleet.

    Args:
        host: Host that it runs on.
        store: Model store that all servers read.
        folder: Folder of its log and its cache.
        python: The interpreter, with what the service needs.
    """

    def __init__(self, host: Host, store: Store, folder: Path, python: Path) -> None:
        self._host = host
        self._store = store
        self._folder = folder
        self._python = python
        folder.mkdir()
        self.start()

    def start(self) -> None:
        """Begin to start it."""
        settings = {
            "HOST": "0.0.0.0",  # noqa: S104 - of a network namespace
            "PORT": str(_PORT),
            "MODELS": self._store.models,
            "CACHE": str(self._folder / "cache"),
            "DESIRED_STATE": "store",
            "WORKERS": "1",
            "LOG_LEVEL": "WARNING",
        }
        variables = {f"VITRINE_{name}": text for name, text in settings.items()}
        with (self._folder / "log").open("ab") as log:
            self._process = self._host.start(
                [self._python, "-m", "service", "serve"],
                environment={**variables, **self._store.environment},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """Let it finish what it has begun to answer, and end."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_STOP_SECONDS)

    def is_ready(self) -> bool:
        """Tell whether it takes predictions."""
        if self._process.poll() is not None:
            raise RuntimeError((self._folder / "log").read_text())
        return is_ready(_PORT, address=self._host.address)

    def server(self) -> Server:
        """Return the server for clients on other hosts."""
        return Server(_PORT, self._process.pid, 0.0, address=self._host.address)

    def default(self) -> int:
        """Return the version of the table model that answers by default."""
        with closing(self.server().connect()) as connection:
            connection.request("GET", "/models/rooms")
            members = json.loads(connection.getresponse().read())
        version: int = members["serving"]["default"]
        return version

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of an operator on the server's host."""
        url = f"http://127.0.0.1:{_PORT}"
        return self._host.run(
            [self._python, "-m", "service", *words, "--url", url],
            check=False,
            capture_output=True,
            cwd=ROOT,
        )


@contextmanager
def fleet(
    folder: Path, *, kind: str, servers: int = 3, python: Path = Path(sys.executable)
) -> Iterator[tuple[Store, list[Member]]]:
    """Run servers over one store until the block ends.

    Args:
        folder: Folder for all that they write.
        kind: "s3" or "folder".
        servers: Number of servers, at least two.
        python: The interpreter, with what the service needs.
    """
    with network(servers + 1) as hosts:
        store: Store = (
            SharedFolder(folder) if kind == "folder" else S3Host(hosts[-1], folder / "s3")
        )
        members = [Member(host, store, folder / host.name, python) for host in hosts[:servers]]
        for member in members:
            until(member.is_ready)
        yield store, members
        for member in members:
            member.stop()
        store.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a fleet in whose store something happened.

    Attributes:
        new_version_seconds: From the end of its upload until the last server answered with it.
        rollback_seconds: From the start of the command until the last server answered as before.
        change_seconds: The same of a change after the failure of the store.
        refusal: What the operator read who asked for a change during the failure.
        outcomes: What became of the requests to each server.
    """

    new_version_seconds: float
    rollback_seconds: float
    change_seconds: float
    refusal: str
    outcomes: Sequence[Outcomes]


def lead_through(store: Store, members: Sequence[Member], *, failure_seconds: float) -> Report:
    """Publish a version, go back, let the store fail, restart a server, and change once more."""
    allowed = AllowedVersions(1)
    with ExitStack() as stack:
        outcomes = [
            stack.enter_context(
                traffic(member.server(), allowed, clients=1, pause_seconds=_PAUSE_SECONDS)
            )
            for member in members
        ]
        allowed.set(1, 2)
        store.publish(2)
        new_version_seconds = _seconds_until(members, 2)
        allowed.set(2)

        allowed.set(1, 2)
        rollback_seconds = _change(members, members[0], "rollback", "rooms", version=1)
        allowed.set(1)

        failed = time.monotonic()
        store.fail()
        refusal = members[1].command("change", "rooms", "--label", "stable=2")
        assert refusal.returncode, "a change was answered while the store failed"
        if store.has_caches:
            members[-1].stop()
            members[-1].start()
            until(members[-1].is_ready)
        threading.Event().wait(failed + failure_seconds - time.monotonic())
        store.recover()

        allowed.set(1, 2)
        change_seconds = _change(
            members, members[-1], "change", "rooms", "--label", "stable=2", version=2
        )
        allowed.set(2)
    return Report(
        new_version_seconds=new_version_seconds,
        rollback_seconds=rollback_seconds,
        change_seconds=change_seconds,
        refusal=refusal.stderr,
        outcomes=outcomes,
    )


def _change(members: Sequence[Member], asked: Member, *words: str, version: int) -> float:
    """Ask one server until it does as it is told, and return when all have followed."""
    started = time.monotonic()
    until(lambda: not asked.command(*words).returncode)
    _seconds_until(members, version)
    return time.monotonic() - started


def _seconds_until(members: Sequence[Member], version: int) -> float:
    started = time.monotonic()
    until(lambda: all(member.default() == version for member in members))
    return time.monotonic() - started
