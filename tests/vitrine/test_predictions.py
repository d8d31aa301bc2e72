"""Several labels, and how strange an instance is: the answers, and all that is told of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.rollout.repository import Repository
from service.telemetry.shadow import disagreements
from tests.bundles import (
    anomaly_manifest,
    labels_manifest,
    table_manifest,
    write_anomaly_bundle,
    write_labels_bundle,
)
from tests.fakes import Answers, client_of, metrics_of, price
from vitrine.engines import Tensors
from vitrine.errors import InvalidParameter
from vitrine.explain import explain
from vitrine.loading import load_version
from vitrine.model import Model
from vitrine.pipeline import CsvEncoder
from vitrine.predictions import NO_TRUST, Predictions

TRAITS = "/models/traits/predict"
ODDITIES = "/models/oddities/predict"
LABELS = labels_manifest().signature.prediction
ANOMALY = anomaly_manifest().signature.prediction


def label(tensors: Tensors) -> Answers:
    """Answer the probabilities that a row is small, large or red, each by itself."""
    size, code = tensors["size"], tensors["colour"]
    logits = np.concatenate([3 - size, size - 5, 2 * code - 5], axis=1)
    return {"labels": (1 / (1 + np.exp(-logits))).astype(np.float32)}


def wonder(tensors: Tensors) -> Answers:
    """Answer how far a size is from 5, and add the colour's code."""
    return {"anomaly": np.abs(tensors["size"] - 5) + tensors["colour"]}


def rows(size: list[float], colour: list[str | None]) -> dict[str, NDArray[Any]]:
    """Make instances of the table models."""
    return {"size": np.array(size, dtype=np.float32), "colour": np.array(colour, dtype=object)}


@pytest.fixture
def client(tmp_path: Path, registry: CollectorRegistry) -> FlaskClient:
    """A client of "traits", which gives several labels, and "oddities", which finds anomalies."""
    folders = {
        "traits": write_labels_bundle(tmp_path),
        "oddities": write_anomaly_bundle(tmp_path),
    }
    models = {name: {1: load_version(folder, threads=1)} for name, folder in folders.items()}
    return client_of(Repository(models), registry)


def post(client: FlaskClient, path: str, body: str) -> list[str]:
    """Send a CSV body and return the lines of the answer."""
    response = client.post(path, data=body, content_type="text/csv")
    assert response.status_code == 200, response.text
    return response.text.splitlines()


def test_labels_are_those_at_least_as_probable_as_not() -> None:
    values = np.array([[0.5, 0.25, 0.75], [0.25, 0.125, 0.25], [1, 1, 1]], dtype=np.float32)

    records = Predictions(LABELS, values, {1: ["odd"]}).records(top=None)

    assert [record["labels"] for record in records] == [
        ["small", "red"],
        [],
        ["small", "large", "red"],
    ]
    assert [record.get("warnings") for record in records] == [None, ["odd"], None]


def test_probabilities_of_labels_are_listed_in_order_and_cut() -> None:
    values = np.array([[0.5, 0.25, 0.75]], dtype=np.float32)

    (record,) = Predictions(LABELS, values).records(top=2)

    assert list(record["probabilities"].items()) == [("red", 0.75), ("small", 0.5)]
    assert record["labels"] == ["small", "red"]


def test_columns_of_labels_are_known_before_the_answer() -> None:
    model = Model(labels_manifest(), label)

    columns = model.predict(rows([1, 9], ["red", None])).columns()

    assert list(columns) == model.columns(NO_TRUST)
    assert columns["labels"].tolist() == ["small|red", "large"]
    assert columns["probability_small"][0] == pytest.approx(1 / (1 + np.exp(-2)))


@pytest.mark.parametrize("instances", [0, 1, 2], ids=str)
def test_single_label_keeps_its_axis(instances: int) -> None:
    def engine(tensors: Tensors) -> Answers:
        return {"labels": np.full((len(tensors["size"]), 1), 0.75, dtype=np.float32)}

    model = Model(labels_manifest(labels=("red",)), engine)

    predictions = model.predict(rows([1.0] * instances, ["red"] * instances))

    assert predictions.values.shape == (instances, 1)
    assert predictions.records(top=3) == [{"labels": ["red"], "probabilities": {"red": 0.75}}] * (
        instances
    )


def test_anomaly_score_stands_beside_its_credibility() -> None:
    model = Model(anomaly_manifest(), wonder)

    predictions = model.predict(rows([5, 5, 15], [None, "red", "red"]))

    assert predictions.records(top=3) == [
        {"anomaly_score": 0.0, "credibility": 1.0},
        {"anomaly_score": 3.0, "credibility": 0.6},
        {"anomaly_score": 13.0, "credibility": 0.2},
    ]
    assert (
        list(predictions.columns()) == model.columns(NO_TRUST) == ["anomaly_score", "credibility"]
    )


def test_anomaly_score_without_calibration_stands_alone() -> None:
    model = Model(anomaly_manifest(calibrated=False), wonder)

    predictions = model.predict(rows([5], ["red"]))

    assert predictions.records(top=3) == [{"anomaly_score": 3.0}]
    assert list(predictions.columns()) == model.columns(NO_TRUST) == ["anomaly_score"]


@pytest.mark.parametrize(
    ("model", "coverage", "abstain_below", "reason"),
    [
        (Model(labels_manifest(), label), 0.5, None, "are neither sets nor intervals"),
        (Model(labels_manifest(), label), None, 0.5, "have no credibility"),
        (Model(anomaly_manifest(), wonder), 0.5, None, "are neither sets nor intervals"),
        (Model(anomaly_manifest(), wonder), None, 0.5, "are no class labels"),
    ],
    ids=["labels, coverage", "labels, abstain", "anomaly, coverage", "anomaly, abstain"],
)
def test_what_has_no_meaning_is_refused(
    model: Model, coverage: float | None, abstain_below: float | None, reason: str
) -> None:
    with pytest.raises(InvalidParameter, match=f"has no meaning for .*, whose answers {reason}"):
        model.trust_options(coverage=coverage, default=0.9, abstain_below=abstain_below)
    assert model.trust_options(coverage=None, default=0.9, abstain_below=None) == NO_TRUST


def test_contributions_to_several_labels_are_of_the_most_probable_one() -> None:
    model = Model(labels_manifest(), label)

    predictions = model.predict(rows([7, 1], ["blue", None]))

    # Usual are a size of 5 and, where no reference says more, blue: the code 2.
    found = [each["contributions"] for each in explain(model, predictions)]
    assert found == [
        pytest.approx({"size": 2, "colour": 0}, abs=1e-4),
        pytest.approx({"size": 4, "colour": 0}, abs=1e-4),
    ]


def test_contributions_to_an_anomaly_are_of_its_score() -> None:
    model = Model(anomaly_manifest(), wonder)

    (found,) = explain(model, model.predict(rows([8], ["red"])))

    assert found == {"contributions": {"size": 3.0, "colour": 1.0}}


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ([0.9, 0.1, 0.6], [0.6, 0.4, 0.9], False),
        ([0.9, 0.1, 0.6], [0.9, 0.1, 0.4], True),
        ([0.1, 0.1, 0.1], [0.4, 0.1, 0.1], False),
    ],
    ids=["the same", "one less", "none"],
)
def test_labels_disagree_where_not_the_same_are_given(
    one: list[float], other: list[float], *, apart: bool
) -> None:
    first, second = (
        Predictions(LABELS, np.array([values], dtype=np.float32)) for values in (one, other)
    )

    assert list(disagreements(first, second)) == [apart]


def test_anomalies_disagree_beyond_a_hundredth() -> None:
    one = Predictions(ANOMALY, np.array([100, 100], dtype=np.float32))
    other = Predictions(ANOMALY, np.array([100.5, 102], dtype=np.float32))

    assert list(disagreements(one, other)) == [False, True]


def test_answers_of_other_kinds_disagree() -> None:
    instances = rows([1, 2], ["red", "red"])
    value = Model(table_manifest(), price).predict(instances)

    for other in (Model(labels_manifest(), label), Model(anomaly_manifest(), wonder)):
        assert list(disagreements(value, other.predict(instances))) == [True, True]


def test_instances_are_counted_under_each_of_their_labels(registry: CollectorRegistry) -> None:
    model = Model(labels_manifest(), label)

    metrics_of(registry, model).count_predictions(
        model, [model.predict(rows([1, 4, 9], ["red", None, "red"]))]
    )

    counts = {
        name: registry.get_sample_value(
            "vitrine_predictions_total", {"model": "traits", "version": "1", "label": name}
        )
        for name in ("small", "large", "red", "")
    }
    assert counts == {"small": 1, "large": 1, "red": 2, "": 1}


def test_labels_are_answered_in_csv(client: FlaskClient) -> None:
    lines = post(client, TRAITS, "size,colour\n1,red\n4,\n")

    assert lines[0] == "labels,probability_small,probability_large,probability_red,warnings"
    assert [line.split(",")[0] for line in lines[1:]] == ["small|red", ""]
    assert [float(cell) for cell in lines[2].split(",")[1:4]] == pytest.approx(
        [1 / (1 + np.exp(1)), 1 / (1 + np.exp(1)), 1 / (1 + np.exp(5))], abs=1e-6
    )


def test_labels_are_answered_in_json(client: FlaskClient) -> None:
    body = {"instances": [{"size": 1, "colour": "red"}]}

    members = client.post(f"{TRAITS}?top=1", json=body).get_json()

    (prediction,) = members.pop("predictions")
    assert members == {"model": "traits", "version": 1}
    assert prediction["labels"] == ["small", "red"]
    assert list(prediction["probabilities"]) == ["small"]


def test_faulty_rows_have_no_labels(client: FlaskClient) -> None:
    lines = post(client, f"{TRAITS}?errors=report", "size,colour\nx,red\n1,red\n")

    assert lines[1].startswith(",,,,,") and "must be a number" in lines[1]
    assert lines[2].startswith("small|red,")


@pytest.mark.parametrize("path", [TRAITS, ODDITIES], ids=["labels", "anomaly"])
def test_body_without_rows_has_no_answers(client: FlaskClient, path: str) -> None:
    assert len(post(client, path, "size,colour\n")) == 1
    assert client.post(path, json={"instances": []}).get_json()["predictions"] == []


def test_columns_of_labels_are_called_like_no_other() -> None:
    model = Model(labels_manifest(labels=("red", "red_")), label)

    header = CsvEncoder(model, echo=("probability_red",)).begin()

    assert header == b"probability_red,labels,probability_red__,probability_red_,warnings\n"


def test_anomalies_are_answered_in_csv(client: FlaskClient) -> None:
    lines = post(client, ODDITIES, "size,colour\n5,red\n15,red\n")

    assert lines == ["anomaly_score,credibility,warnings", "3.0,0.6,", "13.0,0.2,"]


def test_anomalies_are_answered_in_json(client: FlaskClient) -> None:
    body = {"instances": [{"size": 5, "colour": "red"}]}

    members = client.post(f"{ODDITIES}?explain=true", json=body).get_json()

    assert members == {
        "model": "oddities",
        "version": 1,
        "predictions": [
            {
                "anomaly_score": 3.0,
                "credibility": 0.6,
                "explanation": {"contributions": {"size": 0.0, "colour": 1.0}},
            }
        ],
    }


@pytest.mark.parametrize("parameter", ["coverage", "abstain_below"])
@pytest.mark.parametrize("path", [TRAITS, ODDITIES], ids=["labels", "anomaly"])
def test_what_has_no_meaning_is_a_bad_parameter(
    client: FlaskClient, path: str, parameter: str
) -> None:
    response = client.post(f"{path}?{parameter}=0.5", data="size,colour\n", content_type="text/csv")

    members = response.get_json(force=True)
    assert (response.status_code, members["type"]) == (400, "/problems/invalid-parameter")
    assert f"{parameter!r} has no meaning for" in members["detail"]


@pytest.mark.parametrize(
    ("name", "task", "output", "trust"),
    [
        (
            "traits",
            "multi-label classification",
            {"kind": "labels", "labels": ["small", "large", "red"]},
            None,
        ),
        (
            "oddities",
            "anomaly detection",
            {"kind": "anomaly"},
            {"calibrated_on": 4, "largest_coverage": None, "temperature": None},
        ),
    ],
    ids=["labels", "anomaly"],
)
def test_description_says_what_is_answered(
    client: FlaskClient,
    name: str,
    task: str,
    output: dict[str, Any],
    trust: dict[str, Any] | None,
) -> None:
    members = client.get(f"/models/{name}").get_json()

    assert (members["task"], members["trust"]) == (task, trust)
    assert members["outputs"][0].items() >= output.items()


def test_part_of_predictions_is_that_of_its_instances_alone() -> None:
    def infinite(tensors: Tensors) -> Answers:
        return {"value": np.where(tensors["size"] == 7, np.inf, tensors["size"])}

    model = Model(table_manifest(), infinite)
    together = model.predict(rows([1, 1e9, 7, 2], ["red", "pink", "red", None]))

    for start, stop in ((0, 1), (1, 3), (2, 4), (0, 4)):
        part = together.part(start, stop)
        sizes, colours = [1, 1e9, 7, 2][start:stop], ["red", "pink", "red", None][start:stop]
        alone = model.predict(rows(sizes, colours))
        assert part.values.tolist() == alone.values.tolist()
        assert part.warnings == alone.warnings
        assert {at: str(error) for at, error in part.errors.items()} == {
            at: str(error) for at, error in alone.errors.items()
        }
        assert part.tensors["size"].tolist() == alone.tensors["size"].tolist()
