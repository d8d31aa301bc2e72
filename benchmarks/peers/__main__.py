"""Compare the service with other model servers: `python -m benchmarks.peers`."""

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page, processes
from benchmarks.machine import ROOT, describe
from benchmarks.peers import alone, networks, plots, report, wrk
from benchmarks.peers.cases import CASES, Case
from benchmarks.peers.checkouts import through_flask, vitrine
from benchmarks.peers.environments import CannotInstall, versions
from benchmarks.peers.measuring import measure
from benchmarks.peers.peers import PEERS
from benchmarks.peers.report import BEFORE, OURS, THROUGH_FLASK, Results, Start
from benchmarks.peers.serving import CannotServe, Running, Server, serving

_TOLERANCE = 2e-3  # of what servers answer with the same network


@dataclass(frozen=True, slots=True)
class _Contender:
    """A server, and the folder of models that it serves."""

    server: Server
    models: Path


class _Run:
    """Measures servers in turn, round after round."""

    def __init__(self, cases: Sequence[Case], *, seconds: float, workers: int) -> None:
        self._cases = cases
        self._seconds = seconds
        self._workers = workers
        self._expected: dict[Path, float] = {}  # what the first server answered, by version
        self.results = Results(seconds=seconds, workers=workers, machine=describe())

    def measure(self, contender: _Contender, round_number: int) -> None:
        """Start a server once for each network, and measure all its cases."""
        server = contender.server
        self.results.titles[server.name] = server.title
        for network in dict.fromkeys(case.network for case in self._cases):
            cases = [
                case for case in self._cases if case.network == network and case.kind in server.asks
            ]
            if not cases or server.name in self.results.skipped:
                continue
            _say(f"round {round_number}: {server.title}, {network}")
            try:
                self._measure_network(contender, network, cases, round_number)
            except (CannotServe, wrk.NoLoad) as error:
                self.skip(server.name, str(error))
            finally:
                processes.kill(processes.below())  # what a server left behind when it ended

    def skip(self, name: str, reason: str) -> None:
        """Leave a server out from now on."""
        self.results.skipped[name] = reason
        _say(f"{name} is left out: {reason}")

    def _measure_network(
        self, contender: _Contender, network: str, cases: Sequence[Case], round_number: int
    ) -> None:
        server = contender.server
        with serving(
            server,
            contender.models,
            networks.version(contender.models, network),
            kind=cases[0].kind,
            workers=self._workers,
        ) as running:
            self._compare(networks.version(contender.models, network), running.answer)
            for case in cases:
                self.results.samples.extend(
                    measure(running, case, round_number, seconds=self._seconds)
                )
                if case is cases[0]:  # which all servers of the network have in common
                    self._weigh(running, network, round_number)

    def _weigh(self, running: Running, network: str, round_number: int) -> None:
        numbers = processes.below()
        self.results.starts.append(
            Start(
                server=running.server.name,
                network=network,
                round=round_number,
                seconds=running.seconds_to_answer,
                cpu_seconds=running.cpu_seconds_to_answer,
                megabytes=processes.proportional_megabytes(numbers),
                processes=len(numbers),
            )
        )

    def _compare(self, version: Path, answer: float) -> None:
        """See that all who serve a version answer the same: only then do they do the same work."""
        expected = self._expected.setdefault(version, answer)
        if abs(answer - expected) > _TOLERANCE * abs(expected):
            raise CannotServe(f"It answers {answer}, where the others answer {expected}.")

    def measure_alone(self, models: Path, round_number: int) -> None:
        """Measure what a server cannot be faster than with many pictures in a request."""
        for case in self._cases:
            if case.kind == "many":
                self.results.titles.setdefault(alone.NAME, alone.TITLE)
                version = networks.version(models, case.network)
                self.results.samples.append(
                    alone.measure(
                        version,
                        case,
                        round_number,
                        seconds=self._seconds,
                        workers=self._workers,
                    )
                )


def main() -> None:
    """Measure what was asked for; print, plot and keep it."""
    options = _options()
    if options.show:
        _show(report.read(json.loads(options.show.read_text())), options.show, options)
        return
    processes.adopt_orphans()
    started = time.monotonic()
    run = _Run(options.cases, seconds=options.seconds, workers=options.workers)
    with _another_checkout(options.before) as before:
        contenders = list(_contenders(options, before, run))
        for number in range(1, options.rounds + 1):
            for contender in contenders:
                run.measure(contender, number)
            run.measure_alone(contenders[0].models, number)
    _say(f"took {time.monotonic() - started:.0f} s")
    kept = report.keep(run.results)
    _show(run.results, kept, options)


def _show(results: Results, kept: Path, options: Namespace) -> None:
    print(report.write(results))
    folder = kept.with_suffix("")
    _say(f"kept in {kept}, drawn in {folder}")
    plots.draw(results, folder)
    if options.publish:
        shown = plots.draw(results, page.PICTURES)
        pictures = {path.stem: f"{page.PICTURES.name}/{path.name}" for path in shown}
        page.publish("peers", report.write(results, pictures))


def _contenders(options: Namespace, before: Path | None, run: _Run) -> Iterator[_Contender]:
    models = networks.prepare(ROOT)
    yield _Contender(vitrine(OURS, "Vitrine", ROOT), models)
    yield _Contender(through_flask(THROUGH_FLASK, "Vitrine, through Flask", ROOT), models)
    if before:
        title = f"Vitrine at {_git('rev-parse', '--short', 'HEAD', folder=before)}"
        yield _Contender(vitrine(BEFORE, title, before), networks.prepare(before))
    for name in options.peers:
        try:
            yield _Contender(PEERS[name](), models)
            run.results.versions[name] = versions(name)
        except CannotInstall as error:
            run.skip(name, f"It cannot be installed here: {error}")


@contextmanager
def _another_checkout(name: str | None) -> Iterator[Path | None]:
    """Find the folder of another checkout; a commit is checked out until the block ends."""
    if name is None or (Path(name) / "service").is_dir():
        yield None if name is None else Path(name).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="bench-before-") as folder:
        _git("worktree", "add", "--detach", folder, name)
        try:
            yield Path(folder)
        finally:
            _git("worktree", "remove", "--force", folder)


def _git(*arguments: str, folder: Path = ROOT) -> str:
    finished = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return finished.stdout.strip()


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    peers, cases = list(PEERS), {case.name: case for case in CASES}
    add = parser.add_argument
    add("--peers", nargs="*", choices=peers, default=peers, help="only these; none with no name")
    add("--cases", nargs="+", choices=list(cases), default=list(cases), help="only these")
    add("--seconds", type=float, help="time of each load; by default 4")
    add("--rounds", type=int, help="by default 3")
    add("--quick", action="store_true", help="one round of one second each, and less sure")
    add("--workers", type=int, default=os.cpu_count() or 1, help="of each server; all cores")
    add("--before", metavar="COMMIT", help="commit or folder of this project to compare with")
    add("--publish", action="store_true", help="also write the report into docs/performance.md")
    add("--show", type=Path, metavar="FILE", help="only print and plot what was kept in a file")
    options = parser.parse_args()
    try:
        wrk.require()
    except wrk.NoLoad as error:
        parser.error(str(error))
    options.seconds = options.seconds or (1.0 if options.quick else 4.0)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.cases = [case for name, case in cases.items() if name in options.cases]
    return options


if __name__ == "__main__":
    main()
