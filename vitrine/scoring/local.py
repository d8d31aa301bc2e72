"""Scores parts on the cores of this machine, each in a process of its own."""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from vitrine.bundle import InvalidBundle
from vitrine.engines import available_cpus
from vitrine.scoring.job import CannotScore, Job, Part, PartRecord
from vitrine.scoring.part_scorer import PartScorer

_SPAWN = multiprocessing.get_context("spawn")  # threads of the libraries do not survive a fork


@dataclass(slots=True)
class _Worker:
    """A process that scores parts.

    Attributes:
        process: The process.
        connection: Takes parts, and gives their records. The process ends when it is closed, also
            where this process is killed.
        part: The part that is scored now.
    """

    process: SpawnProcess
    connection: Connection
    part: Part

    def result(self) -> PartRecord | CannotScore:
        """Return what came of the part."""
        try:
            result: PartRecord | CannotScore = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return CannotScore(
                f"A process ended while it scored part {self.part.name}: {self._status()}. "
                "The same command goes on."
            )
        return result

    def _status(self) -> str:
        status = self.process.exitcode or 0
        return f"status {status}" if status >= 0 else f"signal {-status}"


def score_here(job: Job, folder: Path, parts: Iterable[Part]) -> Iterator[PartRecord]:
    """Score parts on all cores of this process; see `vitrine.scoring.job.Executor`.

    A part is asked for when a process has nothing to do. No memory grows with their number.
    """
    yield from _Pool(job, folder, available_cpus()).score(iter(parts))


class _Pool:
    """Processes, started as parts come.

    Args:
        job: What is scored.
        folder: Folder of the version.
        most: Most processes.
    """

    def __init__(self, job: Job, folder: Path, most: int) -> None:
        self._job = job
        self._folder = folder
        self._most = most
        self._workers: list[_Worker] = []
        self._busy: dict[Connection, _Worker] = {}
        self._idle: list[_Worker] = []

    def score(self, parts: Iterator[Part]) -> Iterator[PartRecord]:
        """Yield the records of parts as they are finished.

        Raises:
            CannotScore: A part could not be scored; of several, the first one.
        """
        failures: dict[str, CannotScore] = {}
        try:
            self._hand_out(parts)
            while self._busy:
                for connection in wait(list(self._busy)):
                    worker = self._busy.pop(connection)  # type: ignore[call-overload]
                    result = worker.result()
                    if isinstance(result, CannotScore):
                        failures[worker.part.name] = result
                        continue
                    self._idle.append(worker)
                    yield result
                if not failures:  # else those before the part that failed are finished
                    self._hand_out(parts)
        finally:
            self._end()
        if failures:
            raise failures[min(failures)]

    def _hand_out(self, parts: Iterator[Part]) -> None:
        """Give a part to each process that has none, and to new ones."""
        while len(self._busy) < self._most:
            part = next(parts, None)
            if part is None:
                return
            worker = self._idle.pop() if self._idle else self._started(part)
            worker.part = part
            with suppress(BrokenPipeError):  # of a process that was killed; its result says so
                worker.connection.send(part)
            self._busy[worker.connection] = worker

    def _started(self, part: Part) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(theirs, self._job, self._folder), daemon=True)
        with _without_interrupts():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, part)
        self._workers.append(worker)
        return worker

    def _end(self) -> None:
        for worker in self._busy.values():
            worker.process.terminate()
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a Ctrl-C wait; a process that starts meanwhile never sees one."""
    # The first process would start it, which ends the waiting before that process begins.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, job: Job, folder: Path) -> None:
    """Score the parts that arrive, until no more can."""
    try:
        scorer: PartScorer | None = None
        while True:
            part = connection.recv()
            try:
                scorer = scorer or PartScorer(job, folder)
                connection.send(scorer.score(part))
            except InvalidBundle as error:
                connection.send(CannotScore(str(error)))
            except CannotScore as error:
                connection.send(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the command has ended
