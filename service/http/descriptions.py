"""The routes that describe models: what they take and give, how they are served, how they drift."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import orjson
from flask import Blueprint, Response

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.http import operations
from service.http.content import JSON_TYPE
from service.http.openapi.answers import DRIFT, MODEL, MODELS
from service.http.openapi.parts import answer, answers
from service.http.operations import Operation
from service.rollout.repository import Entry, Repository
from service.rollout.served import describe_serving
from service.telemetry.metrics import Metrics
from vitrine.drift import Counts, Feature
from vitrine.errors import VitrineError
from vitrine.model import Model

_TAG = "models"
# How a path names a version, and what it may raise.
VERSIONS: Mapping[str, type[VitrineError]] = {
    "": ModelUnavailable,
    "/versions/<version:version>": VersionNotFound,
    "/labels/<label>": LabelNotFound,
}


class Descriptions:
    """The views, and what they need."""

    def __init__(self, repository: Repository, metrics: Metrics) -> None:
        self._repository = repository
        self._metrics = metrics

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("descriptions", __name__)
        operations.add(routes, self._operations())
        return routes

    def _operations(self) -> Iterator[Operation]:
        yield Operation(
            rule="/models",
            view=self.list_models,
            tag=_TAG,
            summary="List the served models.",
            describe=answers(answer("Every model, with its default version.", MODELS)),
        )
        for version, error in VERSIONS.items():
            errors = (ModelNotFound, error)
            yield Operation(
                rule=f"/models/<name>{version}",
                view=self.describe_model,
                tag=_TAG,
                summary="Describe a model's inputs and outputs, its origin and how it is served.",
                describe=answers(answer("The model.", MODEL)),
                errors=errors,
            )
            yield Operation(
                rule=f"/models/<name>{version}/drift",
                view=self.describe_drift,
                tag=_TAG,
                summary="Compare what was received with the training data, feature by feature.",
                describe=answers(answer("The drift of each feature.", DRIFT)),
                errors=errors,
            )

    def list_models(self) -> Response:
        """List the served models, each with the version that answers by default."""
        entries = self._repository.current.values()
        return _json(
            {"models": [_summary(model, entry) for entry in entries if (model := entry.default)]}
        )

    def describe_model(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        """Describe a model's inputs and outputs, its origin and how it is served."""
        model = find_version(self._repository, name, version, label)
        return _json(_description(model, self._repository.entry(name)))

    def describe_drift(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        """Compare the instances of all workers with the training data, feature by feature."""
        model = find_version(self._repository, name, version, label)
        counts = model.bins.split(self._metrics.feature_counts(model))
        return _json(
            {
                "model": model.name,
                "version": model.version,
                "features": [
                    _drift(feature, counts[feature.name]) for feature in model.bins.features
                ],
            }
        )


def find_version(
    repository: Repository, name: str, version: int | None, label: str | None
) -> Model:
    """Find the version to describe: the default one where none is named, never a canary."""
    if version is None and label is None:
        return repository.default(name)
    return repository.get(name, version, label=label)


def _json(members: dict[str, Any]) -> Response:
    return Response(orjson.dumps(members) + b"\n", mimetype=JSON_TYPE)


def _summary(model: Model, entry: Entry) -> dict[str, Any]:
    return {
        "name": model.name,
        "version": model.version,
        "versions": list(entry.versions),
        "task": model.manifest.task,
    }


def _description(model: Model, entry: Entry) -> dict[str, Any]:
    manifest = model.manifest
    return {
        **_summary(model, entry),
        "serving": describe_serving(entry.serving),
        "target": manifest.target,
        **msgspec.to_builtins(manifest.signature),
        "dialect": msgspec.to_builtins(manifest.dialect),
        "ignored_columns": manifest.ignored_columns,
        "trust": _trust(model),
        "scores": manifest.scores,
        "parameters": manifest.parameters,
        "multiply_adds": manifest.multiply_adds,
        "data": manifest.origin.data,
        "created": manifest.origin.created,
    }


def _trust(model: Model) -> dict[str, Any] | None:
    calibration, trust = model.manifest.calibration, model.trust
    if calibration is None or trust is None:
        return None
    return {
        "calibrated_on": len(trust.scores),
        "largest_coverage": model.largest_coverage,
        "temperature": calibration.temperature,
    }


def _drift(feature: Feature, counts: Counts) -> dict[str, Any]:
    drift = feature.compare(counts)
    expected = np.array(feature.reference.counts)
    return {
        "feature": feature.name,
        "verdict": drift.verdict,
        "population_stability_index": drift.index,
        "more_blanks": drift.more_blanks,
        "instances": drift.instances,
        "bins": [
            {"bin": name, "expected": share, "found": found_share}
            for name, share, found_share in zip(
                feature.bins,
                (expected / max(1, expected.sum())).tolist(),
                (counts / max(1, counts.sum())).tolist(),
                strict=True,
            )
        ],
    }
