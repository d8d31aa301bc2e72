"""Runs a container as its manifest says, on a host of its own, with what this machine has of it.

The image is not built: its folders `/venv` and `/app` are this environment and this checkout. All
else is as stated: command, environment, port, user, volumes, and a root file system that nobody
writes to.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.namespaces import Host
from tests.servers import ROOT
from tests.traffic import until

_STOP_SECONDS = 60
_IMAGE_USER = 10001
# Debian links these to folders of the same name in /usr.
_LINKS = ("bin", "lib", "lib64", "sbin")
_CODE = ("service", "vitrine", "models")
# Where to find programs, as the image's own PATH says.
_PATH = "/venv/bin:/usr/local/bin:/usr/bin"

# Builds the file system from a list of steps, and becomes the container's command.
_ENTER = """
set -e
root=$1 group=$2; shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$root"
while [ "$1" != -- ]; do
  kind=$1 source=$2 target=$root$3; shift 3
  case $kind in
    link) ln -s "$source" "$target" ;;
    folder) mkdir -p "$target" && mount -t tmpfs -o "mode=2777,gid=$group" tmpfs "$target" ;;
    *) mkdir -p "$target" && mount --rbind "$source" "$target"
       [ "$kind" = rw ] || mount -o remount,bind,ro "$target" ;;
  esac
done
shift
mkdir "$root/proc" && mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -o remount,ro "$root"
exec chroot "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs.

    Attributes:
        host: The host on which it is alone, as a pod is.
        spec: What its manifest says of it.
        launcher: The process whose only child is the container's first process.
    """

    host: Host
    spec: Mapping[str, Any]
    launcher: "subprocess.Popen[bytes]"

    @property
    def process(self) -> int:
        """Number of its first process, as this machine counts."""
        (number,) = children(self.launcher.pid)
        return number

    def port(self, named: str | int) -> int:
        """Return the number of a port."""
        ports = {each.get("name"): each["containerPort"] for each in self.spec["ports"]}
        found: int = ports.get(named, named)
        return found

    def ask(self, path: str, *, port: str | int, timeout: float = 30) -> tuple[int, bytes]:
        """Return the status and the body that are answered to a GET."""
        connection = HTTPConnection(self.host.address, self.port(port), timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def passes(self, probe: Mapping[str, Any]) -> bool:
        """Ask once, as the kubelet does: a status from 200 to 399, in time, is a success."""
        asked = probe["httpGet"]
        try:
            status, _ = self.ask(
                asked["path"], port=asked["port"], timeout=probe.get("timeoutSeconds", 1)
            )
        except (OSError, HTTPException):
            return False
        return 200 <= status < 400

    def stop(self) -> int:
        """Send TERM to the first process; return the status that it ends with."""
        os.kill(self.process, signal.SIGTERM)
        return self.launcher.wait(_STOP_SECONDS)


@contextmanager
def running(
    host: Host,
    pod: Mapping[str, Any],
    spec: Mapping[str, Any],
    environment: Mapping[str, str],
    volumes: Mapping[str, Path],
    folder: Path,
) -> Iterator[Container]:
    """Run a container until the block ends.

    Args:
        host: Where it runs.
        pod: The pod that it belongs to.
        spec: What the pod says of it.
        environment: Its environment, but for PATH.
        volumes: Folders of volumes by their names; those that are left out must be empty folders.
        folder: An empty folder, to which its file system is mounted.
    """
    security = {**pod.get("securityContext", {}), **spec["securityContext"]}
    user, group = security.get("runAsUser", _IMAGE_USER), security.get("fsGroup", _IMAGE_USER)
    steps = [*_image(), *_mounts(pod, spec, volumes)]
    variables = [f"{name}={text}" for name, text in environment.items()]
    words: list[str | Path] = [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("sh", "-c", _ENTER, "enter", str(folder), str(group), *steps, "--"),
        *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
        *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
        *("env", "-i", "--chdir=/app", f"PATH={_PATH}", *variables, *spec["command"]),
    ]
    launcher = subprocess.Popen(host.command(words))
    try:
        found = Container(host, spec, launcher)
        until(lambda: bool(children(launcher.pid)) or launcher.poll() is not None)
        yield found
    finally:
        launcher.kill()
        launcher.wait(_STOP_SECONDS)
        host.kill()


def _image() -> Iterator[str]:
    """Return the steps that lay out what the image has."""
    base = Path(sys.base_prefix).resolve()
    for path in ("/usr", "/etc"):
        yield from ("ro", path, path)
    for path in _LINKS:
        yield from ("link", f"usr/{path}", f"/{path}")
    if not base.is_relative_to("/usr"):
        yield from ("ro", str(base), str(base))
    yield from ("rw", "/dev", "/dev")
    yield from ("ro", sys.prefix, "/venv")
    for name in _CODE:
        yield from ("ro", str(ROOT / name), f"/app/{name}")


def _mounts(
    pod: Mapping[str, Any], spec: Mapping[str, Any], volumes: Mapping[str, Path]
) -> Iterator[str]:
    """Return the steps that mount the volumes."""
    kinds = {each["name"]: each for each in pod["volumes"]}
    for mount in spec["volumeMounts"]:
        name, target = mount["name"], mount["mountPath"]
        if name in volumes:
            source = volumes[name] / mount.get("subPath", "")
            yield from ("ro" if mount.get("readOnly") else "rw", str(source), target)
        else:
            assert "emptyDir" in kinds[name], name
            yield from ("folder", name, target)


def until_started(container: Container, probe: Mapping[str, Any]) -> None:
    """Ask a startup probe as often as the kubelet does before it gives up."""
    for _ in range(probe["failureThreshold"]):
        if container.passes(probe):
            return
        assert container.launcher.poll() is None, "the container ended"
        time.sleep(probe["periodSeconds"])
    raise AssertionError("the startup probe never passed")


def children(process: int) -> list[int]:
    """Return the numbers of the processes that a process has started."""
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in path.read_text().split()]


def status(process: int) -> Mapping[str, str]:
    """Return what the kernel says of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}
