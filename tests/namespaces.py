"""Several hosts on this machine: network namespaces, joined by a bridge.

Each host has an address and a loopback of its own, so that what runs there meets the others only
over the network. Making them needs root, and the command `ip` of Debian's iproute2.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# The third number of the addresses: one of 200 networks for each process that makes some.
_NETWORKS = 200
_FIRST_HOST = 2


@dataclass(frozen=True, slots=True)
class Host:
    """A network namespace.

    Attributes:
        name: Name of the namespace.
        address: Its IPv4 address.
    """

    name: str
    address: str

    def command(self, words: Sequence[str | Path]) -> list[str]:
        """Return the words that run a command on this host."""
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def run(
        self, words: Sequence[str | Path], *, check: bool = True, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on this host, and wait for its end."""
        return subprocess.run(self.command(words), check=check, text=True, **options)

    def start(
        self,
        words: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "subprocess.Popen[str]":
        """Start a command on this host, in a process group of its own.

        Args:
            words: The command.
            environment: Variables beside those of this process.
            options: Of `subprocess.Popen`.
        """
        variables = {**os.environ, **(environment or {})}
        return subprocess.Popen(
            self.command(words), env=variables, start_new_session=True, text=True, **options
        )

    def processes(self) -> list[int]:
        """Return the numbers of all processes on this host."""
        found = _ip("netns", "pids", self.name, check=False)
        return [int(number) for number in found.split()]

    def kill(self) -> None:
        """End every process of this host at once, as a machine that loses its power does."""
        while processes := self.processes():
            for number in processes:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)

    def unplug(self) -> None:
        """Take this host off the network; its processes go on."""
        _ip("-n", self.name, "link", "set", "eth0", "down")

    def plug(self) -> None:
        """Put this host back on the network."""
        _ip("-n", self.name, "link", "set", "eth0", "up")


@contextmanager
def network(hosts: int) -> Iterator[list[Host]]:
    """Make so many hosts that reach each other and this process; end what runs there at last.

    Args:
        hosts: Number of hosts.
    """
    if os.geteuid() or sys.platform != "linux" or shutil.which("ip") is None:
        _refuse("network namespaces need root, Linux and the command `ip`")
    number = os.getpid() % _NETWORKS
    prefix, subnet = f"vit{os.getpid()}", f"10.87.{number}"
    bridge = f"{prefix}b"
    with ExitStack() as made:
        _ip("link", "add", bridge, "type", "bridge")
        made.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{subnet}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        yield [
            _make_host(f"{prefix}h{index}", f"{subnet}.{_FIRST_HOST + index}", bridge, made)
            for index in range(hosts)
        ]


def _make_host(name: str, address: str, bridge: str, made: ExitStack) -> Host:
    host = Host(name, address)
    _ip("netns", "add", name)
    made.callback(_ip, "netns", "del", name)
    made.callback(host.kill)
    # The name of an interface has at most 15 letters.
    _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
    # The kernel removes a namespace, and what is in it, some time after its last process.
    made.callback(_ip, "link", "del", name)
    _ip("link", "set", name, "master", bridge, "up")
    _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
    for interface in ("eth0", "lo"):
        _ip("-n", name, "link", "set", interface, "up")
    _ip("-n", name, "route", "add", "default", "via", address.rpartition(".")[0] + ".1")
    return host


def _ip(*words: str, check: bool = True) -> str:
    finished = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and finished.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {finished.stderr.strip()}")
    return finished.stdout


def _refuse(reason: str) -> None:
    """Skip the test on the machine of a developer, and fail elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"This test cannot run: {reason}.")
    pytest.skip(f"This test cannot run: {reason}.")
