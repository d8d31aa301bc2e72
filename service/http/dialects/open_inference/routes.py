"""The other routes of the protocol: health, metadata, configuration, the repository."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import orjson
from flask import Blueprint, Response

from service.errors import InvalidInferenceRequest, SourceFailed
from service.http import operations
from service.http.audit import Audit
from service.http.content import JSON_TYPE
from service.http.dialects.open_inference import descriptions
from service.http.dialects.open_inference.metadata import SERVER, configure, describe, trust_of
from service.http.dialects.open_inference.statistics import statistics_of
from service.http.dialects.parts import DialectParts
from service.http.health import readiness
from service.http.json_bodies import decode_as
from service.http.openapi.parts import answers
from service.http.operations import Operation
from service.http.transfer import current_body
from service.rollout.repository import Entry
from vitrine.model import Model

_TAG = "open inference protocol"
_MODEL = "/v2/models/<name>"
_VERSIONS = {
    "": descriptions.MODEL_ERRORS,
    "/versions/<version:version>": descriptions.VERSION_ERRORS,
}
_MAX_BYTES = 64 * 1024


class Routes:
    """The views, and what they need.

    Args:
        parts: What the language is made of.
    """

    def __init__(self, parts: DialectParts) -> None:
        self._parts = parts
        self._repository = parts.repository

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("open_inference", __name__)
        operations.add(routes, self._server_operations())
        operations.add(routes, self._model_operations())
        management = Blueprint("management", __name__)
        Audit(self._repository).install(management)
        management.before_request(self._parts.management.authorize)
        operations.add(management, self._management_operations())
        routes.register_blueprint(management)
        return routes

    def _server_operations(self) -> Iterator[Operation]:
        yield Operation(
            rule="/v2/health/live",
            view=self.live,
            tag=_TAG,
            summary="Say that the process is alive.",
            describe=answers(descriptions.LIVE),
            needs_key=False,
        )
        yield Operation(
            rule="/v2/health/ready",
            view=self.ready,
            tag=_TAG,
            summary="Say whether the service takes predictions.",
            describe=answers(descriptions.READY),
            needs_key=False,
        )
        yield Operation(
            rule="/v2",
            view=self.describe_server,
            tag=_TAG,
            summary="Name the server and the extensions of the protocol that it has.",
            describe=answers(descriptions.SERVER),
        )
        yield Operation(
            rule="/v2/models/stats",
            view=self.all_statistics,
            tag=_TAG,
            summary="Return what was counted of every model, in all workers.",
            describe=answers(descriptions.STATISTICS),
        )
        yield Operation(
            rule="/v2/repository/index",
            method="POST",
            view=self.index,
            tag=_TAG,
            summary="List the versions of all models, and whether each is ready.",
            describe=descriptions.describe_index,
            errors=descriptions.BODY_ERRORS,
        )

    def _model_operations(self) -> Iterator[Operation]:
        for version, errors in _VERSIONS.items():
            for path, view, summary, responses in (
                (
                    "",
                    self.describe_model,
                    "Name a model's inputs and outputs.",
                    descriptions.METADATA,
                ),
                (
                    "/ready",
                    self.model_ready,
                    "Say whether a model can answer.",
                    descriptions.MODEL_READY,
                ),
                (
                    "/config",
                    self.configure_model,
                    "Return a model's configuration.",
                    descriptions.CONFIGURATION,
                ),
                (
                    "/stats",
                    self.model_statistics,
                    "Return what was counted of a model.",
                    descriptions.STATISTICS,
                ),
            ):
                yield Operation(
                    rule=f"{_MODEL}{version}{path}",
                    view=view,
                    tag=_TAG,
                    summary=summary,
                    describe=answers(responses),
                    errors=errors,
                )

    def _management_operations(self) -> Iterator[Operation]:
        yield Operation(
            rule="/v2/repository/models/<name>/load",
            method="POST",
            view=self.load,
            tag=_TAG,
            summary="Look for new versions of a model now, and serve what is desired of it.",
            describe=descriptions.describe_load,
            errors=[*descriptions.MANAGEMENT_ERRORS, *descriptions.LOAD_ERRORS],
        )
        yield Operation(
            rule="/v2/repository/models/<name>/unload",
            method="POST",
            view=self.unload,
            tag=_TAG,
            summary="Serve a model no longer, until it is loaded again.",
            describe=descriptions.describe_unload,
            errors=descriptions.MANAGEMENT_ERRORS,
        )

    def live(self) -> Response:
        """Answer, which shows that the process is alive."""
        return _json({"live": True})

    def ready(self) -> Response:
        """Say whether the service takes predictions."""
        is_ready = readiness(self._repository) == "ready"
        return _json({"ready": is_ready}, is_ready=is_ready)

    def describe_server(self) -> Response:
        """Name the server, and the extensions of the protocol that it has."""
        return _json(SERVER)

    def describe_model(self, name: str, version: int | None = None) -> Response:
        """Name a model's inputs and outputs."""
        model, entry = self._find(name, version), self._repository.entry(name)
        return _json(describe(model, entry, trust_of(model, self._parts.settings.coverage)))

    def model_ready(self, name: str, version: int | None = None) -> Response:
        """Say whether a model, or one version of it, can answer."""
        entry = self._repository.entry(name)
        is_ready = entry.default is not None if version is None else bool(entry.versions)
        if is_ready and version is not None:
            self._repository.get(name, version)
        return _json({"name": name, "ready": is_ready}, is_ready=is_ready)

    def configure_model(self, name: str, version: int | None = None) -> Response:
        """Return a model's configuration."""
        model, entry = self._find(name, version), self._repository.entry(name)
        settings = self._parts.settings
        trust, most = trust_of(model, settings.coverage), settings.max_instances
        return _json(configure(model, entry, trust, max_instances=most))

    def _find(self, name: str, version: int | None) -> Model:
        """Find the version to describe: the default one where none is named, never a canary."""
        if version is None:
            return self._repository.default(name)
        return self._repository.get(name, version)

    def all_statistics(self) -> Response:
        """Return what was counted of every version that is served, in all workers."""
        entries = self._repository.current.values()
        return self._statistics([model for each in entries for model in each.versions.values()])

    def model_statistics(self, name: str, version: int | None = None) -> Response:
        """Return what was counted of a model's versions, or of one, in all workers."""
        if version is not None:
            return self._statistics([self._repository.get(name, version)])
        return self._statistics([*self._repository.entry(name).versions.values()])

    def _statistics(self, models: Sequence[Model]) -> Response:
        metrics = self._parts.metrics
        look = metrics.look()
        return _json({"model_stats": [statistics_of(model, metrics, look) for model in models]})

    def index(self) -> Response:
        """List the versions of all models, and whether each is ready."""
        only_ready = _members().get("ready")
        if not isinstance(only_ready, bool | None):
            raise InvalidInferenceRequest("Invalid value for 'ready': expected a boolean")
        rows = [row for entry in self._repository.current.items() for row in self._rows(*entry)]
        return _json([row for row in rows if row["state"] == "READY" or not only_ready])

    def _rows(self, name: str, entry: Entry) -> Iterator[dict[str, str]]:
        reasons = dict.fromkeys(self._unloaded(name, entry), "unloaded")
        reasons |= entry.serving.refused
        for version in sorted({*entry.versions, *reasons}):
            is_ready = version in entry.versions
            yield {
                "name": name,
                "version": str(version),
                "state": "READY" if is_ready else "UNAVAILABLE",
                "reason": "" if is_ready else reasons[version],
            }

    def _unloaded(self, name: str, entry: Entry) -> list[int]:
        """Return the versions of a model that is not to be served."""
        if entry.serving.loaded:
            return []
        try:
            return list(self._parts.control_plane.available(name))
        except SourceFailed:  # the models folder cannot be read now
            return []

    def load(self, name: str) -> Response:
        """Look for new versions of a model now, and serve what is desired of it."""
        if _members().get("parameters") not in (None, {}):
            raise InvalidInferenceRequest(
                "load takes no parameters: a model is loaded from the models folder as it is there"
            )
        self._parts.management.load(name)
        return Response(mimetype=JSON_TYPE)

    def unload(self, name: str) -> Response:
        """Serve a model no longer, until it is loaded again; no other model depends on it."""
        _members()
        self._parts.management.unload(name)
        return Response(mimetype=JSON_TYPE)


def _members() -> dict[str, Any]:
    """Return the members of the body, which may be empty.

    Raises:
        VitrineError: The body is no JSON object.
    """
    body = current_body()
    body.limit(_MAX_BYTES)
    text = body.read_all()
    if not text.strip():
        return {}
    try:
        return decode_as(text, dict[str, Any])
    except msgspec.ValidationError:
        raise InvalidInferenceRequest("The body must be a JSON object, or empty.") from None


def _json(members: Any, *, is_ready: bool = True) -> Response:
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(orjson.dumps(members), status, mimetype=JSON_TYPE)
