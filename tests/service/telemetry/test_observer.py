"""What is measured of one request's predictions."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service.telemetry.observer import PredictionObserver, Stopwatch
from tests.bundles import table_manifest
from tests.fakes import metrics_of, price
from vitrine.block_stream import BlockStream
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import Pipeline
from vitrine.predictions import Predictions
from vitrine.signature import Instances
from vitrine.tables.rows import decode_rows

ROOMS = Model(table_manifest(), price)
ROWS: list[dict[str, object]] = [{"size": 1, "colour": "red"}, {"size": "large", "colour": "red"}]


@pytest.fixture
def observer(registry: CollectorRegistry) -> PredictionObserver:
    """An observer of predictions of "rooms"."""
    observer = PredictionObserver(metrics_of(registry, ROOMS))
    observer.model = ROOMS
    return observer


def predict(observer: PredictionObserver, rows: list[dict[str, object]]) -> None:
    """Predict on rows, whose faults are reported."""
    block = decode_rows(rows, ROOMS.manifest.signature.columns)
    pipeline = Pipeline(ROOMS, Options(report=True), observer=observer)
    list(pipeline.predict(BlockStream(blocks=[block])))


def test_instances_labels_and_faults_are_counted(
    observer: PredictionObserver, registry: CollectorRegistry
) -> None:
    predict(observer, ROWS)

    labels = {"model": "rooms", "version": "1", "label": ""}
    assert observer.instances == 2
    assert registry.get_sample_value("vitrine_predictions_total", labels) == 1
    rejected = registry.get_sample_value("vitrine_rejected_total", {"reason": "invalid-instances"})
    assert rejected == 1


def test_shadow_compares_the_instances_without_the_network_input(
    observer: PredictionObserver,
) -> None:
    compared: list[tuple[Instances, Predictions]] = []
    observer.compare = lambda instances, predictions: compared.append((instances, predictions))

    predict(observer, ROWS[:1])

    ((instances, predictions),) = compared
    assert instances["size"].tolist() == [1]
    assert (predictions.values.tolist(), predictions.tensors) == ([13], {})


def test_block_without_a_prediction_for_each_instance_is_not_compared(
    observer: PredictionObserver,
) -> None:
    compared: list[Instances] = []
    observer.compare = lambda instances, _: compared.append(instances)

    predict(observer, [{"size": np.float64(3e38), "colour": "red"}, ROWS[0]])

    assert compared == []


def test_time_is_measured_by_part(observer: PredictionObserver) -> None:
    predict(observer, ROWS)

    assert observer.inference.seconds > 0
    assert observer.decode.seconds > 0
    assert observer.encode.seconds == 0


def test_stopwatch_adds_up() -> None:
    watch = Stopwatch()
    with watch:
        pass
    first = watch.seconds
    with watch:
        pass

    assert watch.seconds > first > 0
