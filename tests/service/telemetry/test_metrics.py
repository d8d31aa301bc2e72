"""What is counted, timed and shown, in one process and over several."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from service.telemetry import marks, multiprocess
from service.telemetry.metrics import Metrics
from service.telemetry.numbers import Key, Values, encode
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import metrics_of, picture, price, price_between, table, weigh
from vitrine.model import Model
from vitrine.predictions import Confidence, Predictions

VERSION = ("rooms", "1")


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
    model = Model(picture_manifest(), weigh)
    metrics = metrics_of(registry, model)
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
    model = Model(picture_manifest(), weigh)
    metrics = metrics_of(registry, model)
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
    key = Key("sum", "vitrine_feature_instances", ("rooms", "1", str(len(model.bins))), VERSION)
    return {key: np.full(len(model.bins), count, dtype=np.float64)}


def test_bins_of_other_workers_are_counted_too(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)
    model = Model(table_manifest(calibrated=True), price_between)
    metrics = Metrics(CollectorRegistry(), folder=tmp_path)
    Repository({"rooms": {1: model}}).watch(metrics.show)

    for process in (7, 8):
        (tmp_path / f"{process}-0.numbers").write_bytes(encode(bins(model, process)))
    multiprocess.retire(tmp_path, is_running=lambda process: process != 7)

    assert list(features(metrics).values()) == [15, 15, 15, 15]
    assert metrics.feature_counts(model).tolist() == [15] * 8


def test_counts_of_other_bins_are_not_those_of_a_version(tmp_path: Path) -> None:
    multiprocess.clear(tmp_path)
    model = Model(table_manifest(calibrated=True), price_between)
    metrics = Metrics(CollectorRegistry(), folder=tmp_path)
    key = Key("sum", "vitrine_feature_instances", ("rooms", "1", "3"), VERSION)
    (tmp_path / "7-0.numbers").write_bytes(encode({key: np.ones(3)}))

    assert metrics.feature_counts(model).tolist() == [0] * 8


def test_version_that_is_not_served_has_no_bins(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    model = Model(table_manifest(calibrated=True), price_between)
    instances = {"size": np.ones(1, np.float32), "colour": np.full(1, None, dtype=object)}

    metrics.count_predictions(model, [model.predict(instances)])

    assert metrics.feature_counts(model).tolist() == [0] * 8


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Months:
    """Workers of one server that serve versions of a model for a long time."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        multiprocess.clear(folder)
        self.folder = folder
        self.clock = Clock()
        self.metrics = [
            Metrics(CollectorRegistry(), folder=folder, clock=self.clock) for _ in range(workers)
        ]
        self.repositories = [Repository() for _ in self.metrics]
        for repository, metrics in zip(self.repositories, self.metrics, strict=True):
            repository.watch(metrics.show)

    def serve(self, *versions: int, workers: slice = slice(None)) -> None:
        """Let workers serve these versions from now on, and no others."""
        serving = ServedModel(versions=versions, default=versions[-1])
        models = {
            ("rooms", version): Model(table_manifest(version=version), price)
            for version in versions
        }
        for repository in self.repositories[workers]:
            repository.swap({"rooms": serving}, models)

    def count(self, version: int, *, workers: slice = slice(None)) -> None:
        """Count a prediction in workers."""
        for metrics in self.metrics[workers]:
            metrics.predictions.labels("rooms", version, "").inc()

    def counted(self) -> dict[str, float]:
        """Return the predictions by version, and check that all workers say the same."""
        texts = [metrics.exposition() for metrics in self.metrics]
        assert len(set(texts)) == 1
        return {
            sample.labels["version"]: sample.value
            for family in text_string_to_metric_families(texts[0].decode())
            for sample in family.samples
            if sample.name == "vitrine_predictions_total"
        }


@pytest.fixture
def months(tmp_path: Path) -> Months:
    """Three workers of one server."""
    return Months(tmp_path, workers=3)


def test_many_versions_leave_few_lines_and_files(months: Months) -> None:
    lines, files = [], []
    for version in range(1, 51):
        months.clock.now += 0.1
        months.serve(version)
        months.count(version)
        lines.append(months.metrics[0].exposition().count(b"\n"))
        files.append(len([*months.folder.iterdir()]))

    # The version that is served, and two that are gone.
    assert [*months.counted()] == ["48", "49", "50"]
    assert set(lines[2:]) == {lines[2]}
    # The first workers still have one more, until the last one does not serve it any more.
    assert set(files[3:]) == {files[3]}


def test_version_that_is_gone_leaves_all_workers_at_one_moment(months: Months) -> None:
    months.serve(1)
    months.count(1)

    for gone in range(3):
        months.clock.now += 1000
        months.serve(2, workers=slice(gone, gone + 1))
        assert months.counted()["1"] == 3  # by some workers for the last time

    months.clock.now += marks.KEPT_SECONDS
    assert months.counted() == {"1": 3, "2": 0}
    months.clock.now += 1
    assert months.counted() == {"2": 0}


def test_version_that_comes_back_counts_on_or_anew_but_never_falls(months: Months) -> None:
    months.serve(1)
    months.count(1)
    months.serve(2)
    months.clock.now += marks.KEPT_SECONDS + 1
    assert months.counted() == {"2": 0}

    months.serve(1, 2, workers=slice(1))  # nothing was removed yet
    assert months.counted() == {"1": 3, "2": 0}
    months.serve(2, workers=slice(1, 3))
    assert months.counted() == {"1": 3, "2": 0}

    months.serve(2)
    months.clock.now += marks.KEPT_SECONDS + 1
    months.serve(2)
    assert months.counted() == {"2": 0}
    months.serve(1, 2)
    months.count(1)
    assert months.counted() == {"1": 3, "2": 0}


def test_request_that_ends_long_after_its_version_shows_nothing(months: Months) -> None:
    months.serve(1)
    months.serve(2)
    months.clock.now += marks.KEPT_SECONDS + 1
    months.serve(2)
    files = len([*months.folder.iterdir()])

    months.count(1)

    assert months.counted() == {"2": 0}
    months.serve(2)
    assert len([*months.folder.iterdir()]) == files


def test_models_that_are_gone_leave_no_series(months: Months) -> None:
    months.serve(1)
    for metrics in months.metrics:
        metrics.decode_duration.labels("rooms").observe(1)
    assert b'decode_duration_seconds_count{model="rooms"} 3.0' in months.metrics[0].exposition()

    for repository in months.repositories:
        repository.swap({}, {})
    months.clock.now += marks.KEPT_SECONDS + 1

    assert b"rooms" not in months.metrics[0].exposition()


def test_folder_that_is_gone_keeps_no_version_from_being_served(months: Months) -> None:
    for path in months.folder.iterdir():
        path.unlink()
    months.folder.rmdir()

    months.serve(1)

    assert [*months.repositories[0].models["rooms"]] == [1]


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


def test_look_sees_the_numbers_of_all_workers(tmp_path: Path) -> None:
    workers = [Metrics(CollectorRegistry(), folder=tmp_path) for _ in range(2)]
    for number, metrics in enumerate(workers, start=1):
        metrics.version_seconds.labels("rooms", 1, "queue").inc(number)
        metrics.batch_instances.labels("rooms", 1).observe(number)
        metrics.last_prediction.labels("rooms", 1).set(number)

    metrics, look = workers[0], workers[0].look()

    assert look.number(metrics.version_seconds, "rooms", 1, "queue") == 3
    assert look.count_and_sum(metrics.batch_instances, "rooms", 1) == (2, 3)
    assert look.number(metrics.last_prediction, "rooms", 1) == 2
    assert look.number(metrics.last_prediction, "rooms", 2) == 0
    assert look.count_and_sum(metrics.batch_instances, "rooms", 2) == (0, 0)
