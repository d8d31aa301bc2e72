"""Tests the service with each client, as `make clients` does, or with those that are named."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients.servers import Addresses, failures, serving_all
from tests.servers import ROOT

_FOLDER = Path(__file__).parent
# As many run at a time as the smallest machines have cores.
_AT_A_TIME = 2
_TEST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Run:
    """The tests of a client, which were run.

    Attributes:
        client: Name of its folder.
        status: Status that pytest ended with; None where it was stopped after too long.
        output: What it printed.
        seconds: Time that it took.
    """

    client: str
    status: int | None
    output: str
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Run the tests of the named clients, by default of all; return the status to end with.

    It is 1 if a test fails, or if the service failed at a request, whatever its client made of it.
    """
    known = sorted(path.parent.name for path in _FOLDER.glob("*/requirements.in"))
    parser = argparse.ArgumentParser(prog="tests.clients", description=__doc__)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"some of: {', '.join(known)}")
    clients = parser.parse_args(arguments).clients or known
    if unknown := sorted({*clients} - {*known}):
        parser.error(f"There is no client {', '.join(unknown)}; there are {', '.join(known)}.")
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        with serving_all(Path(folder)) as addresses, ThreadPoolExecutor(_AT_A_TIME) as pool:
            runs = list(pool.map(lambda client: _test(client, addresses), clients))
        failed = failures(Path(folder))
    print(*(run.output for run in runs), *failed, sep="\n")
    for run in runs:
        print(f"{run.client:<16}{run.output.strip().splitlines()[-1].strip('= ')}")
    print(f"{'all':<16}{time.monotonic() - started:.0f} s")
    return int(bool(failed) or any(run.status != 0 for run in runs))


def _test(client: str, addresses: Addresses) -> Run:
    started = time.monotonic()
    command: list[str | Path] = [
        *(ROOT / f".venv/client-{client}/bin/python", "-m", "pytest", "-q"),
        *("-c", _FOLDER / "pytest.toml", "--confcutdir", _FOLDER),
        # From here, the tests are no packages that bear the name of the client's own.
        *("--rootdir", ROOT, _FOLDER / client),
    ]
    try:
        finished = subprocess.run(
            command,
            cwd=ROOT,
            # A client that loads our bundles finds vitrine so.
            env={**os.environ, **addresses, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TEST_SECONDS,
        )
        status, output = finished.returncode, finished.stdout
    except subprocess.TimeoutExpired as error:
        status, output = None, f"{_text(error.stdout)}\nstopped after {_TEST_SECONDS} s"
    return Run(client, status, output, time.monotonic() - started)


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
