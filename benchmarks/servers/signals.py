"""Servers that are told to reload, told to stop, or lose a worker, under load."""

import http.client
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import processes
from benchmarks.servers.candidates import GRACEFUL_SECONDS, WORKERS, Server
from benchmarks.servers.client import REFUSED, STATUS, UNANSWERED, Lane
from benchmarks.servers.load import Answers, Load, picture_for
from benchmarks.servers.report import Figure

_KEPT = "kept"
_NEW = "new"
_LEAD_SECONDS = 1.0
_AFTER_SECONDS = 1.2
_PATIENCE_SECONDS = GRACEFUL_SECONDS + 7
_TURN_SECONDS = 0.05


def _lanes() -> list[Lane]:
    picture = picture_for("digits").decode("latin-1")
    return [
        Lane(name=_KEPT, request=picture, callers=8, pause_seconds=0.03),
        Lane(name=_NEW, request=picture, callers=4, reuse=False, pause_seconds=0.03),
    ]


def reload(server: Server, number: int) -> Iterator[Figure]:
    """HUP, once or more often: new workers take over from the old."""
    times: list[float | None] = []
    with Load(server.port, _lanes()) as load:
        time.sleep(_LEAD_SECONDS)
        for _ in range(number):
            times.append(_reload_once(server))
            time.sleep(_AFTER_SECONDS)
        answers = load.stop()
    done = [seconds for seconds in times if seconds is not None]
    until = f"{max(done):.1f} s" if len(done) == number else "not done"
    hups = f"{number} HUP{'s' if number > 1 else ''}"
    yield Figure(
        name=f"{hups} under load: lost on kept / new connections, until the old are gone",
        shown=f"{_failures(answers)}, {until}",
        values={"seconds": times, **_values(answers)},
    )


def _reload_once(server: Server) -> float | None:
    old = set(server.workers())
    os.kill(server.process, signal.SIGHUP)
    return _until(lambda: old.isdisjoint(workers := server.workers()) and len(workers) >= WORKERS)


def stop(server: Server) -> Iterator[Figure]:
    """TERM: what was sent is answered, then nothing more."""
    with Load(server.port, _lanes()) as load:
        time.sleep(_LEAD_SECONDS)
        os.kill(server.process, signal.SIGTERM)
        seconds = _until(lambda: _has_ended(server.process))
        answers = load.stop().without(REFUSED)  # as a server that stops has to
    until = "not done" if seconds is None else f"{seconds:.1f} s"
    yield Figure(
        name="TERM under load: lost on kept / new connections, until the end",
        shown=f"{_failures(answers)}, {until}",
        values={"seconds": seconds, **_values(answers)},
    )


def kill(server: Server) -> Iterator[Figure]:
    """One worker is killed: what was being answered is lost, and another takes its place."""
    victim = server.workers()[0]
    with Load(server.port, _lanes()) as load:
        time.sleep(_LEAD_SECONDS)
        os.kill(victim, signal.SIGKILL)
        seconds = _until_all_serve(server, victim)
        time.sleep(_AFTER_SECONDS)
        answers = load.stop()
    until = "not again" if seconds is None else f"{seconds:.1f} s"
    yield Figure(
        name="kill -9 of a worker: lost on kept / new connections, until two serve",
        shown=f"{_failures(answers)}, {until}",
        values={"seconds": seconds, **_values(answers)},
    )


def _failures(answers: Answers) -> str:
    kept, new = answers.on(reused=True), answers.on(reused=False)
    parts = [f"{kept.lost} / {new.lost}"]
    for outcome, word in ((STATUS, "not 200"), (UNANSWERED, "stuck"), (REFUSED, "refused")):
        if number := answers.count(outcome):
            parts.append(f"{number} {word}")
    return ", ".join(parts) + f" of {len(answers)}"


def _values(answers: Answers) -> dict[str, object]:
    return {
        "worst_ms": answers.worst,
        "kept": answers.on(reused=True).outcomes,
        "new": answers.on(reused=False).outcomes,
    }


def _until(is_done: Callable[[], bool]) -> float | None:
    """Return the seconds until something is so, or None where that takes too long."""
    started = time.monotonic()
    while not is_done():
        if time.monotonic() - started > _PATIENCE_SECONDS:
            return None
        time.sleep(_TURN_SECONDS)
    return time.monotonic() - started


def _has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _until_all_serve(server: Server, victim: int) -> float | None:
    """Return the seconds until as many workers as before hold a connection each."""
    held: list[http.client.HTTPConnection] = []

    def all_serve() -> bool:
        held.extend(_ask(server.port))
        workers = [worker for worker in server.workers() if worker != victim]
        serving = [w for w in workers if processes.has_connection(w, server.port)]
        return len(serving) >= WORKERS

    try:
        return _until(all_serve)
    finally:
        for connection in held:
            connection.close()


def _ask(port: int) -> Iterator[http.client.HTTPConnection]:
    """Yield a connection that was answered, and is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.3)
    try:
        connection.request("GET", "/livez")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return
    yield connection
