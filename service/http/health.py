"""The routes of probes and metrics: is the service alive, is it ready, what has it done."""

from collections.abc import Callable, Iterator

import orjson
from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from service.http import operations
from service.http.openapi.answers import LIVE, READY
from service.http.openapi.parts import answer, answers
from service.http.operations import Operation
from service.rollout.repository import Repository
from service.telemetry.metrics import Metrics

DRAINING = "vitrine.is_draining"
_TAG = "health"


class Health:
    """The views, and what they need.

    Args:
        repository: What is served.
        metrics: What was counted, in all workers.
        open_metrics: Whether the metrics need no API key.
    """

    def __init__(
        self, repository: Repository, metrics: Metrics, *, open_metrics: bool = False
    ) -> None:
        self._repository = repository
        self._metrics = metrics
        self._open_metrics = open_metrics

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("health", __name__)
        operations.add(routes, self._operations())
        return routes

    def _operations(self) -> Iterator[Operation]:
        yield Operation(
            rule="/livez",
            view=self.live,
            tag=_TAG,
            summary="Say that the process is alive.",
            describe=answers(answer("It is.", LIVE)),
            needs_key=False,
        )
        yield Operation(
            rule="/readyz",
            view=self.ready,
            tag=_TAG,
            summary="Say whether the service takes predictions, and for which models.",
            describe=answers(
                {**answer("It does.", READY), **answer("It does not.", READY, status=503)}
            ),
            needs_key=False,
        )
        yield Operation(
            rule="/metrics",
            view=self.metrics,
            tag=_TAG,
            summary="Write the metrics of all workers in Prometheus' text format.",
            describe=answers(answer("The metrics.", {"type": "string"}, media_type="text/plain")),
            needs_key=not self._open_metrics,
        )

    def live(self) -> Response:
        """Answer, which shows that the process is alive."""
        return Response(orjson.dumps({"status": "live"}), mimetype="application/json")

    def ready(self) -> Response:
        """Say whether the service takes predictions, and for which models."""
        models = {name: sorted(versions) for name, versions in self._repository.models.items()}
        lost = _lost(self._repository)
        status = readiness(self._repository)
        members = {"status": status, "models": models} | ({"lost": lost} if lost else {})
        code = 200 if status == "ready" else 503
        return Response(orjson.dumps(members), code, mimetype="application/json")

    def metrics(self) -> Response:
        """Write the metrics of all workers in Prometheus' text format."""
        return Response(self._metrics.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def readiness(repository: Repository) -> str:
    """Say whether the service takes predictions: "ready", or why it does not.

    Args:
        repository: What is served.
    """
    is_draining: Callable[[], bool] = current_app.extensions[DRAINING]
    if is_draining():
        return "draining"
    if not repository.models:
        return "no models"
    return "models lost" if _lost(repository) else "ready"


def _lost(repository: Repository) -> dict[str, str]:
    """Say why models are served no more that were served before."""
    current = repository.current
    refused = {name: each.serving.refused for name, each in current.items() if each.serving.lost}
    return {name: reasons[max(reasons)] for name, reasons in refused.items()}
