"""Does the index tell what has changed from what has not? Seen by a real Prometheus.

Two servers of two workers each count; Prometheus adds them up with the rules that we ship.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from math import inf
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.pictures import saved
from tests.prometheus import Prometheus, watching
from tests.servers import Server, serving
from tests.soak.data import HOUSING, find_data
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.traffic import until
from training.datasets.cache import default_cache
from training.datasets.column_kinds import Overrides
from training.datasets.picture_data import Pixels
from training.datasets.picture_sets import PICTURE_SETS
from training.datasets.pictures import load_pictures
from training.datasets.tables import load_table
from vitrine.drift import BLANK, LEAST_INSTANCES, SHIFTED, Counts, population_stability_index
from vitrine.signature import Instances
from vitrine.tables.writer import write_csv

SERVERS = 2
WORKERS = 2
SHIFTED_INSTANCES = 2_000
STEADY_INSTANCES = 20_000
# Between two looks; also the fewest that say anything.
PIECE = LEAST_INSTANCES
# Files in one request: the most that a server takes.
FILES = 64
INDEX = "job_model_version_feature:vitrine_population_stability_index:share1h"
INSTANCES = "job_model_version_feature:vitrine_feature_instances:increase1h"

Bodies = Iterator[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Instances of one model.

    Attributes:
        model: Who is asked.
        feature: What tells best that they are not as they were, where they are not.
        draw: Returns requests with so many of them, each with its media type.
    """

    model: str
    feature: str
    draw: Callable[[int], Bodies]


@dataclass(frozen=True, slots=True)
class Watched:
    """Servers and who watches them.

    Attributes:
        servers: Who counts.
        prometheus: Who adds up what they count.
        sent: Instances that were answered, by model.
    """

    servers: Sequence[Server]
    prometheus: Prometheus
    sent: Counter[str] = field(default_factory=Counter)

    def send(self, stream: Stream, instances: int) -> None:
        """Send instances to all servers in turn."""
        with ThreadPoolExecutor(SERVERS * WORKERS) as pool:
            asked = [
                pool.submit(_ask, self.servers[place % SERVERS], stream.model, *request)
                for place, request in enumerate(stream.draw(instances))
            ]
        self.sent[stream.model] += sum(each.result() for each in asked)

    def settle(self) -> None:
        """Wait until all that was sent is recorded."""
        for model, sent in self.sent.items():
            until(partial(self._has_recorded, model, sent))

    def _has_recorded(self, model: str, sent: int) -> bool:
        return min(self.prometheus.instances(model).values(), default=0) == sent

    def indices(self, stream: Stream) -> dict[str, float]:
        """Return what Prometheus has recorded, by feature."""
        return self.prometheus.ask(_of(INDEX, stream), "feature")

    def counted_indices(self, stream: Stream) -> dict[str, float]:
        """Return the same of what the servers counted since they began, without Prometheus."""
        counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for server in self.servers:
            for name, labels, value in _samples(server):
                if labels.get("model") == stream.model and "feature" in labels:
                    counts[labels["feature"], name][labels["bin"]] += int(value)
        return {
            feature: population_stability_index(
                # Of several servers the same; bins begin with their place.
                _in_order(counts[feature, "vitrine_reference_instances"]) // SERVERS,
                _in_order(counts[feature, "vitrine_feature_instances_total"]),
            )
            for feature, _ in counts
        }


def both_streams() -> Iterator[Figure]:
    """Send what has changed, then, to fresh servers, what has not."""
    data = find_data("mnist", HOUSING)
    if data is None:
        return
    rows, pixels = _held_out(data)
    higher = {**rows, "median_income": 1.5 * rows["median_income"]}
    generator = np.random.default_rng(0)
    with _watched() as watched:
        yield from _changed(
            watched,
            Stream("housing", "median_income", partial(_tables, higher, generator)),
            Stream("digits", "stroke_width", partial(_pictures, _eroded(pixels), generator)),
        )
    with _watched() as watched:
        yield from _unchanged(
            watched,
            Stream("housing", "median_income", partial(_tables, rows, generator)),
            Stream("digits", "stroke_width", partial(_pictures, pixels, generator)),
        )


def _changed(watched: Watched, *streams: Stream) -> Iterator[Figure]:
    """Count the instances until the alarm is raised, though not yet given."""
    needed: dict[str, int] = {}
    for sent in range(PIECE, SHIFTED_INSTANCES + 1, PIECE):
        for stream in streams:
            watched.send(stream, PIECE)
        watched.settle()
        raised = {(alert, feature) for alert, _, feature in watched.prometheus.alerts()}
        for stream in streams:
            if ("VitrineInputDrifted", stream.feature) in raised:
                needed.setdefault(stream.model, sent)
    for stream in streams:
        indices = watched.indices(stream)
        yield Figure(
            name=f"changed {stream.model} until the alarm",
            value=needed.get(stream.model, inf),
            unit="",
            at_most=SHIFTED_INSTANCES,
        )
        yield Figure(
            name=f"index of {stream.feature} after {SHIFTED_INSTANCES}",
            value=indices.pop(stream.feature),
            unit="",
        )
        yield Figure(name="largest of the others", value=max(indices.values()), unit="")


def _unchanged(watched: Watched, *streams: Stream) -> Iterator[Figure]:
    """Look for the largest index there ever was, from where it says anything."""
    before = _ticks(watched.servers)
    for _ in range(PIECE, STEADY_INSTANCES + 1, PIECE):
        for stream in streams:
            watched.send(stream, PIECE)
    watched.settle()
    for stream in streams:
        said = f"{_of(INDEX, stream)} and {_of(INSTANCES, stream)} >= {LEAST_INSTANCES}"
        largest = watched.prometheus.ask(f"max_over_time(({said})[1h:1s])", "feature")
        feature = max(largest, key=largest.__getitem__)
        yield Figure(
            name=f"unchanged {stream.model}, largest: {feature}",
            value=largest[feature],
            unit="",
            at_most=SHIFTED,
        )
        counted = watched.counted_indices(stream)
        gaps = [abs(index - counted[name]) for name, index in watched.indices(stream).items()]
        yield Figure(name="recorded beside counted, at most", value=max(gaps), unit="")
    yield Figure(
        name="smallest part of a worker in the work", value=_least_share(watched, before), unit="%"
    )


def _of(metric: str, stream: Stream) -> str:
    return f'{metric}{{model="{stream.model}"}}'


def _samples(server: Server) -> Iterator[tuple[str, dict[str, str], float]]:
    with closing(server.connect()) as connection:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _in_order(bins: Mapping[str, int]) -> Counts:
    return np.array([bins[name] for name in sorted(bins) if name != BLANK])


def _least_share(watched: Watched, before: Mapping[int, int]) -> float:
    """Return the smallest part that a worker had in the computing since then, in percent."""
    spent = {worker: ticks - before[worker] for worker, ticks in _ticks(watched.servers).items()}
    return 100 * min(spent.values()) / sum(spent.values())


def _ticks(servers: Sequence[Server]) -> dict[int, int]:
    """Return the processor time that every worker took."""
    return {worker: _taken(worker) for server in servers for worker in server.workers()}


def _taken(process: int) -> int:
    # Behind the command's name, which may hold anything, the 12th and 13th are user's and system's.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@contextmanager
def _watched() -> Iterator[Watched]:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(SERVICE_PYTHON, workers=WORKERS)) for _ in range(SERVERS)
        ]
        prometheus = stack.enter_context(watching({"vitrine": servers}))
        # What a server counts before it is looked at for the first time is not known to have come.
        seen = "count by (instance) (vitrine_feature_instances_total)"
        until(lambda: len(prometheus.ask(seen, "instance")) == SERVERS)
        yield Watched(servers, prometheus)


def _ask(server: Server, model: str, media_type: str, body: bytes) -> int:
    """Send one request on a connection of its own; return how many instances were answered."""
    with closing(server.connect()) as connection:
        headers = {"Content-Type": media_type, "Accept": "application/json"}
        connection.request("POST", f"/models/{model}/predict?errors=report", body, headers)
        answer = connection.getresponse()
        members = json.loads(answer.read())
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{model} answered {answer.status}: {members}")
    return sum("error" not in prediction for prediction in members["predictions"])


def _held_out(data: Path) -> tuple[Instances, Pixels]:
    """Return rows and pictures that did not fit the networks."""
    table = load_table(data / HOUSING, ["median_house_value"], Overrides(), seed=0)
    pictures = load_pictures(PICTURE_SETS["mnist"], data=data, cache=default_cache(), seed=0)
    return table.test.instances, pictures.held_out.x[..., 0]


def _eroded(pixels: Pixels) -> Pixels:
    """Take a pixel from every stroke's edge: each gets the least level of its 3 x 3 around it.

    Shapes:
        (n, height, width).
    """
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    least: Pixels = around.min(axis=(-2, -1))
    return least


def _tables(rows: Instances, generator: np.random.Generator, count: int) -> Bodies:
    """Draw rows, in as many tables as there are workers."""
    length = len(next(iter(rows.values())))
    for places in np.array_split(generator.integers(length, size=count), SERVERS * WORKERS):
        drawn = {name: values[places] for name, values in rows.items()}
        yield "text/csv", write_csv(drawn, header=True)


def _pictures(pixels: Pixels, generator: np.random.Generator, count: int) -> Bodies:
    """Draw pictures, each a PNG file."""
    places = generator.integers(len(pixels), size=count)
    for first in range(0, count, FILES):
        parts = [
            b'--mark\r\nContent-Disposition: form-data; name="file"; filename="digit.png"\r\n\r\n'
            + saved(pixels[place])
            + b"\r\n"
            for place in places[first : first + FILES]
        ]
        yield "multipart/form-data; boundary=mark", b"".join([*parts, b"--mark--\r\n"])
