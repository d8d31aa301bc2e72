"""A client of one model of each kind."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from service.settings import Settings
from tests.bundles import (
    anomaly_manifest,
    half_plus_two_manifest,
    labels_manifest,
    picture_manifest,
    table_manifest,
)
from tests.fakes import client_of, fail, price, price_between, weigh_all
from vitrine.engines import Tensors
from vitrine.model import Model


def halve(tensors: Tensors) -> Any:
    """Answer half of x, plus two."""
    return {"y": tensors["x"] * tensors["x"].dtype.type(0.5) + 2}


def give_labels(tensors: Tensors) -> Any:
    """Answer with the same probabilities of three labels for each row."""
    return {"labels": (tensors["size"] * 0 + [0.9, 0.2, 0.6]).astype("float32")}


def give_size(tensors: Tensors) -> Any:
    """Answer with the size of each row."""
    return {"anomaly": tensors["size"]}


@pytest.fixture
def repository() -> Repository:
    """One model of each kind, one that is unloaded, one that fails, one with a bad version."""
    models = [
        Model(half_plus_two_manifest(123), halve),
        Model(table_manifest("rooms", calibrated=True), price_between),
        Model(table_manifest("uncalibrated", 1), price),
        Model(table_manifest("uncalibrated", 2), price),
        Model(picture_manifest("strokes", calibrated=True), weigh_all),
        Model(labels_manifest(), give_labels),
        Model(anomaly_manifest(), give_size),
        Model(table_manifest("broken"), fail),
    ]
    loaded = {(model.name, model.version): model for model in models}
    served = {name: ServedModel(versions=(version,), default=version) for name, version in loaded}
    served["uncalibrated"] = ServedModel(
        versions=(1, 2), default=2, labels={"old": 1}, refused={3: "model.onnx is missing."}
    )
    served["gone"] = ServedModel(loaded=False)
    repository = Repository()
    repository.swap(served, loaded)
    return repository


@pytest.fixture
def client(repository: Repository, settings: Settings, registry: CollectorRegistry) -> FlaskClient:
    """A client of one model of each kind."""
    return client_of(repository, registry, settings)
