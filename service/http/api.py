"""Our own routes: the models, what they take, and their predictions."""

from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import orjson
from flask import Blueprint, Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.routing import BaseConverter

from service.errors import NotAcceptable
from service.http import context as exchange
from service.http.answers import CSV_TYPE, JSON_TYPE
from service.http.bodies import Content, decode, is_csv
from service.http.options import read_options
from service.http.prediction import Compare, Prediction
from service.rollout.desired import describe_serving
from service.rollout.repository import Entry, Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import Shadow
from vitrine.drift import Counts, Feature
from vitrine.errors import MAX_FAULTS
from vitrine.model import Model


class VersionConverter(BaseConverter):
    """A version in a path: a positive integer, no longer than Python converts."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


class Api:
    """The views, and what they need."""

    def __init__(
        self, settings: Settings, repository: Repository, metrics: Metrics, shadow: Shadow
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._metrics = metrics
        self._shadow = shadow

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("api", __name__)
        routes.add_url_rule("/models", view_func=self.list_models)
        for place in ("", "/versions/<version:version>", "/labels/<label>"):
            path = f"/models/<name>{place}"
            routes.add_url_rule(path, view_func=self.describe_model)
            routes.add_url_rule(f"{path}/drift", view_func=self.describe_drift)
            routes.add_url_rule(f"{path}/predict", view_func=self.predict, methods=["POST"])
        return routes

    def list_models(self) -> Response:
        """Name every model that is served, with the version that answers by default."""
        entries = self._repository.catalogue.entries.values()
        return _json(
            {"models": [_summary(model, entry) for entry in entries if (model := entry.default)]}
        )

    def describe_model(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        """Say what a model takes, what it gives, how it was made and how it is served."""
        model = self._described(name, version, label)
        return _json(_description(model, self._repository.entry(name)))

    def describe_drift(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        """Say how far what came in, to all workers, is from what training saw."""
        model = self._described(name, version, label)
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

    def _described(self, name: str, version: int | None, label: str | None) -> Model:
        """Find a version to speak of; where none is asked for, the default one and no canary."""
        if version is None and label is None:
            return self._repository.default(name)
        return self._repository.get(name, version, label=label)

    def predict(self, name: str, version: int | None = None, label: str | None = None) -> Response:
        """Predict every instance in the body with one version of a model."""
        entry = self._repository.entry(name)
        model = self._repository.get(name, version, label=label)
        exchanged = exchange.current()
        exchanged.model = model
        content = _content()
        csv_body = is_csv(model, content)
        media_type = _negotiate(request.accept_mimetypes, csv_body=csv_body)
        csv_answer = media_type == CSV_TYPE
        query = request.args.to_dict(flat=False)
        options = read_options(query, csv_body=csv_body, csv_answer=csv_answer)
        is_named = version is not None or label is not None
        compare = None if is_named else self._comparison(entry, model)
        prediction = Prediction(
            model, options, exchanged, self._metrics, settings=self._settings, compare=compare
        )
        with exchanged.decode:
            decoded = decode(model, content, exchanged.body, options, self._settings)
        response = Response(prediction.answer(decoded, as_csv=csv_answer), mimetype=media_type)
        response.headers["X-Model-Name"] = model.name
        response.headers["X-Model-Version"] = str(model.version)
        if csv_answer and prediction.coverage is not None:
            response.headers["X-Coverage"] = str(prediction.coverage)
        if decoded.ignored_columns and csv_answer:
            named = decoded.ignored_columns[:MAX_FAULTS]
            response.headers["X-Ignored-Columns"] = ", ".join(quote(name[:64]) for name in named)
        return response

    def _comparison(self, entry: Entry, model: Model) -> Compare | None:
        shadow = entry.shadow
        return (
            None
            if shadow is None or shadow is model
            else partial(self._shadow.offer, shadow, model)
        )


def _content() -> Content:
    return Content(
        media_type=request.mimetype,
        parameters=request.mimetype_params,
        coding=request.headers.get("Content-Encoding", ""),
        url=lambda: request.base_url,
    )


def _negotiate(accept: MIMEAccept, *, csv_body: bool) -> str:
    offered = [CSV_TYPE, JSON_TYPE] if csv_body else [JSON_TYPE, CSV_TYPE]
    chosen: str | None = accept.best_match(offered) if accept else offered[0]
    if chosen is None:
        raise NotAcceptable(accept.to_header(), offered)
    return chosen


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
    found = feature.compare(counts)
    expected = np.array(feature.reference.counts)
    return {
        "feature": feature.name,
        "verdict": found.verdict,
        "population_stability_index": found.index,
        "more_blanks": found.more_blanks,
        "instances": found.instances,
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
