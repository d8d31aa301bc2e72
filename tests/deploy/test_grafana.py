"""The dashboard: its queries are about metrics and labels that there are, and its panels fit."""

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.bundles import picture_manifest, table_manifest
from tests.fakes import metrics_of, price, weigh
from tests.prometheus import RULES
from tests.servers import ROOT
from vitrine.model import Model

FOLDER = ROOT / "deploy/grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "vitrine.json").read_text())
COLUMNS = 24
OF_PROMETHEUS = {"job", "instance", "le"}


def panels() -> list[dict[str, Any]]:
    """Return the panels that show something."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str]]:
    """Yield the queries of panels, of marks and of choices, with what they belong to."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for mark in DASHBOARD["annotations"]["list"]:
        if "expr" in mark:
            yield mark["name"], mark["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert found is not None
            yield variable["name"], f"count by ({found[2]}) ({found[1]})"


def plain(query: str) -> str:
    """Return a query with values in place of what Grafana fills in."""
    return query.replace("$__rate_interval", "5m").replace('"$', '".*')


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """The series that the service shows, and their labels."""
    metrics = metrics_of(
        CollectorRegistry(),
        Model(picture_manifest(), weigh),
        Model(table_manifest(calibrated=True), price),
    )
    text = metrics.exposition().decode()
    found = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    for family in metrics.families:
        description = family.description
        parts = ("_bucket", "_count", "_sum") if description.kind == "histogram" else ("",)
        for part in parts:
            found.setdefault(description.full_name + part, set(description.labels))
    return found


def recorded() -> set[str]:
    """Return the names of what the rules record."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


@pytest.mark.parametrize(("title", "query"), list(queries()))
def test_query_asks_for_what_the_service_shows(
    exposed: dict[str, set[str]], title: str, query: str
) -> None:
    rules = set(re.findall(r"\w+:\w+:\w+", query))
    names = set(re.findall(r"\bvitrine_\w+", re.sub(r"\w+:\w+:\w+", "", query)))

    assert names or rules, title
    assert names <= set(exposed)
    assert rules <= recorded()
    if not rules:
        labels = set.union(*(exposed[name] for name in names)) | OF_PROMETHEUS
        assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", query)) <= labels
        grouped = re.findall(r"by \(([\w, ]+)\)", query)
        assert {name for group in grouped for name in group.split(", ")} <= labels


@pytest.mark.usefixtures("programs")
def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"test:query{number}", "expr": plain(query)}
        for number, (_, query) in enumerate(queries())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    finished = subprocess.run(
        ["promtool", "check", "rules", path], capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_every_metric_is_on_the_dashboard(exposed: dict[str, set[str]]) -> None:
    text = " ".join(query for _, query in queries())
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed}

    # The bins are read by the rules.
    missing = {name for name in families if name not in text} - {
        "vitrine_feature_instances_total",
        "vitrine_reference_instances",
    }

    assert missing == set()


def test_panels_have_places_of_their_own() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        for place in places
    ]

    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    assert not any(one & other for one, other in combinations(cells, 2))
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identities) == len(set(identities))


def test_panels_ask_the_data_source_that_is_chosen() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}

    assert all(panel["datasource"] == chosen for panel in panels())
    assert all(target["datasource"] == chosen for panel in panels() for target in panel["targets"])
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize(
    "path", sorted((FOLDER / "provisioning").rglob("*.yml")), ids=lambda p: p.name
)
def test_example_of_provisioning_is_read(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["apiVersion"] == 1
