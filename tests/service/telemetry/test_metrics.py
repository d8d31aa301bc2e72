"""What is counted, timed and shown, in one process and over several."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from service.telemetry import multiprocess
from service.telemetry.metrics import Metrics
from service.telemetry.numbers import Key, Values, encode
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import picture, price, price_between, table, weigh
from vitrine.model import Model
from vitrine.predictions import Confidence, Predictions


def test_loaded_versions_and_their_labels_exist_from_the_start(
    client: FlaskClient, registry: CollectorRegistry
) -> None:
    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("vitrine_models", model="rooms", version="1") == 1
    assert value("vitrine_models", model="rooms", version="2") == 1
    total = "vitrine_predictions_total"
    assert value(total, model="strokes", version="1", label="right") == 0
    assert value(total, model="rooms", version="2", label="") == 0


def test_predictions_are_counted_by_label(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    model = Model(picture_manifest(), weigh)
    values = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], dtype=np.float32)

    metrics.count_predictions(model, [Predictions(model.manifest.signature.prediction, values)])

    counts = [
        registry.get_sample_value(
            "vitrine_predictions_total", {"model": "strokes", "version": "1", "label": label}
        )
        for label in ("left", "right")
    ]
    assert counts == [1, 2]


def test_answers_that_are_not_given_are_counted_without_a_label(
    registry: CollectorRegistry,
) -> None:
    metrics = Metrics(registry)
    model = Model(picture_manifest(), weigh)
    values = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]], dtype=np.float32)
    confidence = Confidence(
        coverage=0.9, credibility=np.array([0.1, 0.2, 0.5, 0.9]), abstain_below=0.5
    )

    output = model.manifest.signature.prediction
    metrics.count_predictions(model, [Predictions(output, values, confidence=confidence)])

    counts = [
        registry.get_sample_value(
            "vitrine_predictions_total", {"model": "strokes", "version": "1", "label": label}
        )
        for label in ("left", "right", "")
    ]
    assert counts == [1, 1, 2]


def test_no_predictions_count_nothing(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    model = Model(picture_manifest(), weigh)
    empty = np.empty((0, 2), dtype=np.float32)

    metrics.count_predictions(model, [Predictions(model.manifest.signature.prediction, empty)])

    assert not [sample for sample in registry.collect() if sample.samples and "pred" in sample.name]


def test_time_is_told_by_part_and_model(client: FlaskClient, registry: CollectorRegistry) -> None:
    client.post("/models/strokes/predict", data=picture(), content_type="image/png")
    client.post("/models/rooms/predict", data=table(3000), content_type="text/csv")

    for part in ("decode", "inference", "encode"):
        for model, version in (("strokes", "1"), ("rooms", "2")):
            labels = {"model": model}
            if part == "inference":  # what a new version is most likely to change
                labels["version"] = version
            name = f"vitrine_{part}_duration_seconds"
            assert registry.get_sample_value(f"{name}_count", labels) == 1
            smallest = {**labels, "le": "0.0001"}
            assert registry.get_sample_value(f"{name}_bucket", smallest) is not None
    labels = {"model": "rooms", "version": "2", "label": ""}
    assert registry.get_sample_value("vitrine_predictions_total", labels) == 3000


def test_refused_request_times_no_model(client: FlaskClient, registry: CollectorRegistry) -> None:
    client.post("/models/strokes/predict", data=b"x", content_type="image/png")

    labels = {"model": "strokes", "version": "1"}
    count = "vitrine_inference_duration_seconds_count"
    assert registry.get_sample_value(count, labels) is None


def test_what_is_served_and_refused_is_shown(registry: CollectorRegistry) -> None:
    repository = Repository()
    repository.watch(Metrics(registry).show)
    models = {
        ("rooms", version): Model(table_manifest(version=version), price) for version in (1, 2)
    }

    def shown(name: str) -> list[float | None]:
        labels = ({"model": "rooms", "version": version} for version in "123")
        return [registry.get_sample_value(name, each) for each in labels]

    first = ServedModel(versions=(1,), default=1, refused={3: "broken."})
    repository.swap({"rooms": first}, models)
    assert shown("vitrine_models") == [1, None, None]
    assert shown("vitrine_refused_versions") == [None, None, 1]

    repository.swap({"rooms": ServedModel(versions=(2,), default=2)}, models)
    assert shown("vitrine_models") == [0, 1, None]
    assert shown("vitrine_refused_versions") == [None, None, 0]


def features(metrics: Metrics) -> dict[str, float]:
    """Return the counts of a feature's bins as a scrape says them, by version and bin."""
    found = text_string_to_metric_families(metrics.exposition().decode())
    return {
        f"{sample.labels['version']} {sample.labels['bin']}": sample.value
        for family in found
        for sample in family.samples
        if sample.name == "vitrine_feature_instances_total" and sample.labels["feature"] == "size"
    }


def test_bins_are_shown_while_their_version_is_served(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)
    metrics = Metrics(CollectorRegistry(), folder=tmp_path)
    repository = Repository()
    repository.watch(metrics.show)
    models = {
        ("rooms", version): Model(table_manifest(version=version, calibrated=True), price_between)
        for version in (1, 2)
    }

    def serve(*versions: int) -> dict[str, float]:
        serving = ServedModel(versions=versions, default=versions[-1])
        repository.swap({"rooms": serving}, models)
        return features(metrics)

    def count(version: int) -> None:
        instances = {"size": np.full(3, 5, np.float32), "colour": np.full(3, None, dtype=object)}
        model = models["rooms", version]
        metrics.count_predictions(model, [model.predict(instances)])

    assert serve(1) == dict.fromkeys(("1 0 below 2", "1 1 2 to 8", "1 2 from 8", "1 blank"), 0)
    count(1)
    assert features(metrics)["1 1 2 to 8"] == 3
    assert set(serve(2).values()) == {0}
    count(1)  # by a request that began before
    count(2)
    again = serve(1, 2)
    assert (again["1 1 2 to 8"], again["2 1 2 to 8"]) == (3, 3)
    count(1)
    assert features(metrics)["1 1 2 to 8"] == 6


def bins(model: Model, count: float) -> dict[Key, Values]:
    """Return what a worker keeps that has counted so many instances in every bin."""
    key = ("sum", "vitrine_feature_instances", model.name, "1", str(len(model.bins)))
    return {key: np.full(len(model.bins), count, dtype=np.float64)}


def test_bins_of_other_workers_are_counted_too(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)
    model = Model(table_manifest(calibrated=True), price_between)
    metrics = Metrics(CollectorRegistry(), folder=tmp_path)
    Repository({"rooms": {1: model}}).watch(metrics.show)

    for process in (7, 8):
        (tmp_path / f"{process}-0.numbers").write_bytes(encode(bins(model, process)))
    multiprocess.retire(tmp_path, 7)

    assert list(features(metrics).values()) == [15, 15, 15, 15]
    assert metrics.feature_counts(model).tolist() == [15] * 8


def test_counts_of_other_bins_are_not_those_of_a_version(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)
    model = Model(table_manifest(calibrated=True), price_between)
    metrics = Metrics(CollectorRegistry(), folder=tmp_path)
    key = ("sum", "vitrine_feature_instances", "rooms", "1", "3")
    (tmp_path / "7-0.numbers").write_bytes(encode({key: np.ones(3)}))

    assert metrics.feature_counts(model).tolist() == [0] * 8


def test_version_that_is_not_served_has_no_bins(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    model = Model(table_manifest(calibrated=True), price_between)
    instances = {"size": np.ones(1, np.float32), "colour": np.full(1, None, dtype=object)}

    metrics.count_predictions(model, [model.predict(instances)])

    assert metrics.feature_counts(model).tolist() == [0] * 8


def text_of_library(folder: Path) -> list[str]:
    """Return what the client library of Prometheus writes for the numbers of the test below."""
    code = """
import sys
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from service.telemetry.instruments import BUCKETS

registry, shown = CollectorRegistry(), CollectorRegistry()
requests = Counter(
    "vitrine_requests", "Number of answered requests.", ("route", "method", "status"),
    registry=registry,
)
requests.labels("/a<b>", "GET", 200).inc()
requests.labels('/\\\\"\\n', "other", 404)
durations = Histogram(
    "vitrine_request_duration_seconds",
    "Time from the first look at a request to the last byte of its answer.",
    ("route",), registry=registry, buckets=BUCKETS,
)
for seconds in (0.0001, 0.00011, 0.3, 11.0):
    durations.labels("/a<b>").observe(seconds)
MultiProcessCollector(shown)
sys.stdout.buffer.write(generate_latest(shown))
"""
    variables = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    made = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, check=True
    )
    return sorted(made.stdout.decode().splitlines())


def test_text_is_that_of_the_client_library(registry: CollectorRegistry, tmp_path: Path) -> None:
    metrics = Metrics(registry)
    metrics.requests.labels("/a<b>", "GET", 200).inc()
    metrics.requests.labels('/\\"\n', "other", 404)
    for seconds in (0.0001, 0.00011, 0.3, 11.0):
        metrics.request_duration.labels("/a<b>").observe(seconds)

    names = ("vitrine_requests_total", "vitrine_request_duration_seconds")
    lines = metrics.exposition().decode().splitlines()
    ours = [
        line
        for line in lines
        if line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(names)
    ]

    assert sorted(ours) == text_of_library(tmp_path)
