"""Load any deployment with a picture and with rows, in a closed loop or an open one.

    locust -f tests/load/locustfile.py --host http://127.0.0.1:8080 --headless -u 16 -t 1m
    locust -f tests/load/locustfile.py --host http://127.0.0.1:8080 --headless -u 2 -t 1m --rate 200

Closed (the first): each of 16 users sends its next request when the last was answered. It shows
what the deployment can do, and hides what callers feel when it stalls: a stalled server is asked
less. Open (the second): each of 2 users stands for a crowd that sends 200 requests a second in
all, whatever the answers take, and each is timed from the moment it was due. Name `Pictures` or
`Rows` at the end of the line to send only these.
"""

import random
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, events, task

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
# Beyond it arrivals wait for one to come back, and the wait is part of their time.
MAX_IN_FLIGHT = 1000


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
    parser.add_argument("--rows", type=int, default=100, help="rows in each request")


class Caller(FastHttpUser):
    """One who waits for each answer, or a crowd that does not."""

    abstract = True
    concurrency = MAX_IN_FLIGHT
    model: str
    body: bytes
    media_type: str

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
            in_flight.spawn(self._send, due=due)

    def _send(self, *, due: float) -> None:
        with self.client.post(
            f"/models/{self.model}/predict",
            data=self.body,  # type: ignore[arg-type]  # bytes go through as they are
            headers={"Content-Type": self.media_type},
            name=type(self).__name__,
            catch_response=True,
        ) as answer:
            answer.request_meta["response_time"] = (perf_counter() - due) * 1000


class Pictures(Caller):
    """Sends a picture."""

    media_type = "image/png"

    def on_start(self) -> None:
        """Read the picture."""
        options: Any = self.environment.parsed_options
        self.model = options.picture_model
        self.body = Path(options.picture).read_bytes()


class Rows(Caller):
    """Sends rows of a table."""

    media_type = "text/csv"

    def on_start(self) -> None:
        """Read the rows, and repeat them up to the number asked for."""
        options: Any = self.environment.parsed_options
        self.model = options.table_model
        header, *rows = Path(options.table).read_text().splitlines()
        repeated = [rows[place % len(rows)] for place in range(options.rows)]
        self.body = "\n".join([header, *repeated, ""]).encode()
