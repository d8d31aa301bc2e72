"""The rules for Prometheus: its own checks of them, our formula, and a real one at work."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]

from tests import houses
from tests.prometheus import FOLDER, Prometheus, watching
from tests.servers import Server, serving, stopped
from tests.traffic import until
from vitrine.drift import population_stability_index

BLANKS = "job_model_version_feature:vitrine_blank_share:difference1h"
INDEX = "job_model_version_feature:vitrine_population_stability_index:share1h"
# Of one request; there are two to each worker.
ROWS = 500
# By the labels of a feature, then by bin: one list of values for each machine.
Series = dict[str, dict[str, list[list[float]]]]


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("check", "config", "prometheus.yml"), id="configuration"),
        pytest.param(("check", "rules", "rules.yml"), id="rules"),
        pytest.param(("test", "rules", "rules_test.yml"), id="tests of the rules"),
    ],
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    finished = subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr


def _tests_of_rules() -> Iterator[Any]:
    for test in yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]:
        if "promql_expr_test" in test:
            yield pytest.param(test, id=test["name"])


@pytest.mark.parametrize("test", list(_tests_of_rules()))
def test_indices_expected_of_the_rules_are_the_services(test: Mapping[str, Any]) -> None:
    counts = _series(test, "vitrine_feature_instances_total")
    reference = _series(test, "vitrine_reference_instances")
    for expected in test["promql_expr_test"]:
        end = _minutes(expected["eval_time"])
        for sample in expected["exp_samples"]:
            feature = re.sub(r"\s", "", sample["labels"])
            found = np.array(
                [sum(_rise(each, end) for each in those) for those in counts[feature].values()]
            )
            trained = np.array([those[0][0] for those in reference[feature].values()])
            is_blank = np.array(["blank" in place for place in counts[feature]])
            if INDEX in expected["expr"]:
                index = population_stability_index(trained[~is_blank], found[~is_blank])
                assert sample["value"] == pytest.approx(index, abs=0.00005)
            elif BLANKS in expected["expr"]:
                more = found[is_blank].sum() / found.sum() - trained[is_blank].sum() / trained.sum()
                assert sample["value"] == pytest.approx(more, abs=0.00005)
            else:
                assert sample["value"] == found.sum()


def _series(test: Mapping[str, Any], metric: str) -> Series:
    """Return the values at each minute."""
    found: Series = {}
    for each in test["input_series"]:
        name, labels = each["series"].rstrip("}").split("{")
        if name == metric:
            feature, place = re.sub(r'instance="\w",', "", labels).split(",bin=")
            bins = found.setdefault(f"{{{feature}}}", {})
            bins.setdefault(place, []).append(_expanded(each["values"]))
    return found


def _expanded(notation: str) -> list[float]:
    """Write out promtool's short form, `first+stepxtimes`, up to where the series ends."""
    values: list[float] = []
    for part in notation.removesuffix(" stale").split():
        first, times = part.split("x")
        start, _, step = first.partition("+")
        values += [float(start) + float(step or 0) * place for place in range(int(times) + 1)]
    return values


def _rise(values: list[float], end: int) -> float:
    """Return how far a counter rose in the hour before a minute, restarts from 0 included."""
    window = values[max(0, end - 60) : end + 1]
    return sum(after - before if after >= before else after for before, after in pairwise(window))


def _minutes(time: str) -> int:
    number, unit = int(time[:-1]), time[-1]
    return number * {"m": 1, "h": 60}[unit]


@dataclass(frozen=True, slots=True)
class Watched:
    """A server that was sent rows with incomes half as large again, and who watched it."""

    server: Server
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(programs: None) -> Iterator[Watched]:
    """Let both workers of a server count rows while Prometheus looks."""
    with serving(workers=2) as server, watching({"vitrine": [server]}) as prometheus:
        # What a server counts before it is looked at for the first time is not known to have come.
        until(lambda: bool(prometheus.instances("housing")))
        generator = np.random.default_rng(0)
        for worker in server.workers():
            with stopped(worker):  # the other one answers
                for _ in range(2):
                    drawn = houses.drawn(generator, ROWS)
                    houses.send(server, {**drawn, "median_income": 1.5 * drawn["median_income"]})
        until(lambda: min(prometheus.instances("housing").values(), default=0) == 4 * ROWS)
        yield Watched(server, prometheus)


@pytest.fixture(scope="module")
def told(watched: Watched) -> dict[str, Any]:
    """What the server itself says of each feature."""
    with closing(watched.server.connect()) as connection:
        connection.request("GET", "/models/housing/drift")
        members = json.loads(connection.getresponse().read())
    return {each["feature"]: each for each in members["features"]}


def test_server_has_counted_the_rows_of_both_workers(told: dict[str, Any]) -> None:
    assert {each["instances"] for each in told.values()} == {4 * ROWS}


def test_recorded_index_is_the_servers(watched: Watched, told: dict[str, Any]) -> None:
    recorded = watched.prometheus.ask(f'{INDEX}{{model="housing"}}', "feature")

    # What is stretched to a whole window weighs a little more against the half instance a bin.
    assert recorded == pytest.approx(
        {name: each["population_stability_index"] for name, each in told.items()}, abs=0.002
    )


def test_what_was_changed_alone_raises_alarms(watched: Watched, told: dict[str, Any]) -> None:
    until(lambda: len(watched.prometheus.alerts()) > 1)

    assert watched.prometheus.alerts() == {
        ("VitrineInputDrifted", "pending", "median_income"),
        ("VitrineInputShifted", "pending", "median_income"),
    }
    assert {name for name, each in told.items() if each["verdict"] != "stable"} == {"median_income"}
