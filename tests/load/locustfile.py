"""Load any deployment with pictures and rows, in a closed loop or an open one, and say what came.

    locust -f tests/load/locustfile.py --host http://127.0.0.1:8080 --headless -u 16 -t 1m
    locust -f tests/load/locustfile.py --host http://127.0.0.1:8080 --headless -u 2 -t 1m --rate 200

Closed (the first): each of 16 users sends its next request when the last was answered. It shows
what the deployment can do, and hides what callers feel when it stalls: a stalled server is asked
less. Open (the second): each of 2 users stands for a crowd that sends 200 requests a second in
all, whatever the answers take, and each is timed from the moment it was due. Name `Pictures`,
`Rows` or `Tables` at the end of the line to send only these: a picture, a hundred rows of CSV, or
many rows of CSV whose answer is read while it comes. Without a name, few of the users send tables.
"""

import random
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.runners import WorkerRunner
from locust.stats import StatsEntry

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
# Beyond it arrivals wait for one to come back, and the wait is part of their time.
MAX_IN_FLIGHT = 1000
# A deployment keeps up while fewer requests are under way than arrive in this time.
KEEPING_UP_SECONDS = 1.0
PIECE_BYTES = 2**16


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: ArgumentParser) -> None:
    """Add what can be chosen to locust's own options."""
    parser.add_argument(
        "--rate", type=float, default=0, help="requests a second of each user; 0 = closed loop"
    )
    parser.add_argument("--picture-model", default="digits", help="the model that gets pictures")
    parser.add_argument("--picture", default=str(EXAMPLES / "seven.png"), help="its picture")
    parser.add_argument("--table-model", default="housing", help="the model that gets rows")
    parser.add_argument("--table", default=str(EXAMPLES / "houses.csv"), help="CSV file of rows")
    parser.add_argument("--rows", type=int, default=100, help="rows in each request of Rows")
    parser.add_argument("--many", type=int, default=50_000, help="rows in each request of Tables")


class Caller(FastHttpUser):
    """One who waits for each answer, or a crowd that does not."""

    abstract = True
    concurrency = MAX_IN_FLIGHT
    model: str
    body: bytes
    media_type: str
    arrived = 0  # in the open loop, of all users of a class

    @task
    def call(self) -> None:
        """Send the next request, or, in an open loop, all from now on."""
        rate = self.environment.parsed_options.rate
        if rate:
            self._keep_arriving(rate)
        else:
            self._send(due=perf_counter())

    def _keep_arriving(self, rate: float) -> None:
        in_flight = Pool(MAX_IN_FLIGHT)
        due = perf_counter()
        while True:
            due += random.expovariate(rate)  # callers who know nothing of each other
            gevent.sleep(max(0.0, due - perf_counter()))
            type(self).arrived += 1
            in_flight.spawn(self._send, due=due)

    def _send(self, *, due: float) -> None:
        with self.client.post(
            f"/models/{self.model}/predict",
            data=self.body,  # type: ignore[arg-type]  # bytes go through as they are
            headers={"Content-Type": self.media_type},
            name=type(self).__name__,
            catch_response=True,
            stream=True,
        ) as answer:
            fault = self._fault(answer)
            answer.request_meta["response_time"] = (perf_counter() - due) * 1000
            if fault:
                answer.failure(fault)

    def _fault(self, answer: Any) -> str:
        """Read an answer to its end; name what is wrong with it, or return nothing."""
        if not answer.status_code:
            return f"lost: {type(answer.error).__name__}"
        length, lines = 0, 0
        for piece in answer.iter_content(PIECE_BYTES, decode_content=False):
            length += len(piece)
            lines += piece.count(b"\n")
        answer.request_meta["response_length"] = length
        if answer.status_code >= 400:
            return f"refused with {answer.status_code}"
        return self._missing(lines)

    def _missing(self, lines: int) -> str:
        """Name what an answer of so many lines lacks."""
        return "" if lines else "lost: the answer is cut off"


class Pictures(Caller):
    """Sends a picture."""

    weight = 8
    media_type = "image/png"

    def on_start(self) -> None:
        """Read the picture."""
        options: Any = self.environment.parsed_options
        self.model = options.picture_model
        self.body = Path(options.picture).read_bytes()


class Rows(Caller):
    """Sends rows of a table."""

    weight = 8
    media_type = "text/csv"
    number = "rows"  # the option with the number of rows

    def on_start(self) -> None:
        """Read the rows, and repeat them up to the number asked for."""
        options: Any = self.environment.parsed_options
        self.model = options.table_model
        self.rows = getattr(options, self.number)
        header, *rows = Path(options.table).read_text().splitlines()
        repeated = [rows[index % len(rows)] for index in range(self.rows)]
        self.body = "\n".join([header, *repeated, ""]).encode()

    def _missing(self, lines: int) -> str:
        """Name what is missing where not every row has a line beside the header."""
        answered = lines - 1
        return "" if answered == self.rows else f"answered {answered} of {self.rows} rows"


class Tables(Rows):
    """Sends many rows, and reads the answer while it comes."""

    weight = 1
    number = "many"


CALLERS: dict[str, type[Caller]] = {each.__name__: each for each in (Pictures, Rows, Tables)}


@events.init.add_listener  # type: ignore[untyped-decorator]
def say_at_the_end(environment: Environment, **_: Any) -> None:
    """Print a summary after locust's own tables, where these are for people to read."""

    def say(**_: Any) -> None:
        options: Any = environment.parsed_options
        if isinstance(environment.runner, WorkerRunner) or options.json:
            return
        print("\n".join(["", *summary(environment)]))  # noqa: T201 - it is what the run is for

    events.quit.add_listener(say)  # type: ignore[no-untyped-call]


def summary(environment: Environment) -> Iterator[str]:
    """Tell for each kind of request what was sent, and what came of it."""
    entries = {entry.name: entry for entry in environment.stats.entries.values()}
    if not any(name in entries or caller.arrived for name, caller in CALLERS.items()):
        yield "Nothing was answered, and nothing refused."
    for name, caller in CALLERS.items():
        faults = Counter[str]()
        for error in environment.stats.errors.values():
            if error.name == name:
                faults[error.to_name().partition(": ")[2]] += error.occurrences
        if name in entries:
            yield from describe(entries[name], faults, arrived=caller.arrived)
        elif caller.arrived:
            yield f"{name}: none of {caller.arrived} that were due was answered."
            yield "  The deployment did not keep up."


def describe(entry: StatsEntry, faults: Counter[str], *, arrived: int) -> Iterator[str]:
    """Describe one kind of request.

    Args:
        entry: What locust counted.
        faults: How often each fault occurred.
        arrived: Number of requests that were due in an open loop; 0 in a closed one.
    """
    answered = entry.num_requests - entry.num_failures
    seconds = max(entry.num_requests / entry.total_rps, 1e-9) if entry.total_rps else 0.0
    rate = answered / seconds if seconds else 0.0
    yield f"{entry.name}: {entry.num_requests} sent, {answered} answered, {rate:.1f} a second"
    p50, p99 = (entry.get_response_time_percentile(share) for share in (0.5, 0.99))
    yield f"  half of them within {p50:.0f} ms, 99 of 100 within {p99:.0f} ms"
    for fault, number in faults.most_common():
        yield f"  {number} {fault}"
    if arrived:
        waiting = arrived - entry.num_requests
        keeps_up = waiting <= min(MAX_IN_FLIGHT - 1, KEEPING_UP_SECONDS * arrived / (seconds or 1))
        verdict = "The deployment kept up" if keeps_up else "The deployment did not keep up"
        yield f"  {verdict}: {waiting} of {arrived} that were due were still waiting at the end."
