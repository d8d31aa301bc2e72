"""Folders of a server: what a killed one leaves is removed, what a living one uses is not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from service.server.shared_folders import SharedFolder, remove_abandoned
from tests.bundles import write_table_bundle
from tests.servers import Server, serving

PATIENCE_SECONDS = 60
MAKE = """
import sys, time
from collections.abc import Callable
from pathlib import Path
from service.server.shared_folders import SharedFolder
print(SharedFolder(Path(sys.argv[1])).path, flush=True)
time.sleep(600)
"""


def test_folder_of_a_killed_server_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MAKE, tmp_path], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        left = Path(server.stdout.readline().strip())
        server.kill()
    (left / "file").touch()

    remove_abandoned(tmp_path)

    assert not left.exists()


def test_folder_of_a_living_server_is_kept(tmp_path: Path) -> None:
    folder = SharedFolder(tmp_path)
    other = tmp_path / "vitrine-of-an-older-version"
    other.mkdir()

    remove_abandoned(tmp_path)

    assert folder.path.is_dir()
    assert other.is_dir()
    folder.remove()
    assert not folder.path.exists()


def test_server_outlives_a_folder_that_no_worker_can_use(tmp_path: Path) -> None:
    write_table_bundle(tmp_path / "models")
    folder = tmp_path / "state"
    with serving(models=tmp_path / "models", workers=1, state=folder) as server:
        before = server.workers()
        _await(lambda: _is_replaced_by_file(folder))  # nobody can make a folder here
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        seen = set(before)
        _await(lambda: _has_begun_workers(server, seen, 3))
        folder.unlink()

        _await(lambda: _is_ready(server))


def _is_replaced_by_file(folder: Path) -> bool:
    """Put a file in the place of a folder, into which workers may write meanwhile."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_bytes(b"")
    except OSError:
        return False
    return True


def _has_begun_workers(server: Server, seen: set[int], most: int) -> bool:
    """Tell whether so many workers were seen so far, most of which have ended."""
    seen.update(server.workers())
    return len(seen) >= most


def _is_ready(server: Server) -> bool:
    connection = server.connect()
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
