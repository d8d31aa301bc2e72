"""Trials of versions, each in a process of its own, so that none can harm those who serve."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from service.rollout import trial
from service.rollout.model_store import fingerprint
from service.rollout.served import ModelVersion
from service.rollout.trial import WALL_FACTOR, Outcome, Request
from service.rollout.trial_records import Record, TrialRecords
from vitrine import bundle
from vitrine.bundle import InvalidBundle
from vitrine.json_types import read_from_json

# The kernel ends what takes too long, before whoever waits for it does.
_START_SECONDS = 5.0
_MAX_OUTCOME_BYTES = 64 * 1024
# What the program needs of the environment; secrets of the service are none of it.
_VARIABLES = ("LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
# How libraries compute: for another kind of processor, their last digits differ.
_COMPUTING = ("OPENBLAS_", "OMP_")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a version may take while it is tried.

    Attributes:
        seconds: Processor time to load it and to let it predict.
        max_bytes: Memory beside that of Python and the libraries.
    """

    seconds: float
    max_bytes: int


@read_from_json
class _Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The trial that has just ended, for those who have waited for it.

    Attributes:
        files: Description of the files that were tried.
        at: Moment of its end, by the monotonic clock of this machine.
        outcome: What it has shown.
    """

    files: str
    at: float
    outcome: Outcome


class Trials:
    """Tries versions of a folder, unless they have passed already.

    Args:
        models: Folder with `<name>/<version>/manifest.json`.
        records: Versions that have passed.
        limits: What a version may take.
        threads: Cores that one call of a network may use.
        locks: Folder of files that let two workers try one version once; made where it is missing.
        run: Runs a trial; by default in a process of its own.
    """

    def __init__(
        self,
        models: Path,
        records: TrialRecords,
        limits: Limits,
        *,
        threads: int,
        locks: Path,
        run: Callable[[Request], Outcome] | None = None,
    ) -> None:
        self._models = models
        self._records = records
        self._limits = limits
        self._threads = threads
        self._locks = locks
        self._run = run or _run_program

    def reason_against(self, version: ModelVersion) -> str | None:
        """Return why a version cannot be served, in one sentence; None where it can be."""
        name, number = version
        folder = self._models / name / str(number)
        try:
            if self._records.knows(bundle.manifest_digest(folder)):
                return None
        except InvalidBundle as error:
            return str(error).removeprefix(f"{folder}: ")
        return self._try_once(folder).reason

    def has_passed(self, digest: str) -> bool:
        """Tell whether the version with such a manifest has passed a trial."""
        return self._records.knows(digest)

    def _try_once(self, folder: Path) -> Outcome:
        """Try a version, or take the outcome of who has tried the same files meanwhile."""
        asked, files = time.monotonic(), repr(fingerprint(folder))
        with self._locked(folder) as lock:
            finished = _read_finished(lock)
            if finished is not None and finished.at > asked and finished.files == files:
                return finished.outcome
            outcome = self._try(folder)
            _write_finished(lock, _Finished(files=files, at=time.monotonic(), outcome=outcome))
        return outcome

    def _try(self, folder: Path) -> Outcome:
        request = Request(
            folder=str(folder.absolute()),
            threads=self._threads,
            seconds=self._limits.seconds,
            max_bytes=self._limits.max_bytes,
        )
        outcome = self._run(request)
        if outcome.reason is None:
            record = Record(
                version=f"{folder.parent.name}/{folder.name}",
                seconds=round(outcome.seconds, 3),
                peak_bytes=outcome.peak_bytes,
                max_bytes=self._limits.max_bytes,
            )
            self._records.add(outcome.digest, record)
        return outcome

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[int | None]:
        """Lock the file of one version; without a folder for it, two workers may try it at once."""
        try:
            self._locks.mkdir(parents=True, exist_ok=True)
            path = self._locks / f"{folder.parent.name}-{folder.name}"
            lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            yield None
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)


def _read_finished(lock: int | None) -> _Finished | None:
    if lock is None:
        return None
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(os.pread(lock, _MAX_OUTCOME_BYTES, 0), type=_Finished)
    return None


def _write_finished(lock: int | None, finished: _Finished) -> None:
    if lock is not None:
        with suppress(OSError):
            os.ftruncate(lock, 0)
            os.pwrite(lock, msgspec.json.encode(finished), 0)


def _run_program(request: Request) -> Outcome:
    """Run the program, and put into words how it ended."""
    command = [sys.executable, "-P", "-m", trial.__name__, msgspec.json.encode(request).decode()]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        answer, _ = process.communicate(timeout=WALL_FACTOR * request.seconds + _START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Outcome(reason=_time_reason(request.seconds))
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(answer, type=Outcome)
    if process.returncode in {-signal.SIGPROF, -signal.SIGALRM}:
        return Outcome(reason=_time_reason(request.seconds))
    return Outcome(reason=f"The process that tried the version ended with {process.returncode}.")


def _time_reason(seconds: float) -> str:
    return (
        f"The version takes more than {seconds:g} seconds of computing to load and to predict, "
        "which VITRINE_TRIAL_SECONDS allows."
    )


def _environment() -> dict[str, str]:
    """Return what the program needs to find itself and to compute alike, and nothing secret."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _VARIABLES or name.startswith(_COMPUTING)
    }
    return {**kept, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"}
