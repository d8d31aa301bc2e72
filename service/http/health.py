"""The routes of probes and metrics: is the service alive, is it ready, what has it done."""

from collections.abc import Callable

import orjson
from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from service.rollout.repository import Repository
from service.telemetry.metrics import Metrics

DRAINING = "vitrine.is_draining"


class Health:
    """The views, and what they need."""

    def __init__(self, repository: Repository, metrics: Metrics) -> None:
        self._repository = repository
        self._metrics = metrics

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("health", __name__)
        routes.add_url_rule("/livez", view_func=self.live)
        routes.add_url_rule("/readyz", view_func=self.ready)
        routes.add_url_rule("/metrics", view_func=self.metrics)
        return routes

    def live(self) -> Response:
        """Answer, which shows that the process is alive."""
        return Response(orjson.dumps({"status": "live"}), mimetype="application/json")

    def ready(self) -> Response:
        """Say whether the service takes predictions, and for which models."""
        models = {name: sorted(versions) for name, versions in self._repository.models.items()}
        is_draining: Callable[[], bool] = current_app.extensions[DRAINING]
        status = "draining" if is_draining() else "ready" if models else "no models"
        body = orjson.dumps({"status": status, "models": models})
        return Response(body, 200 if status == "ready" else 503, mimetype="application/json")

    def metrics(self) -> Response:
        """Write the metrics of all workers in Prometheus' text format."""
        return Response(self._metrics.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
