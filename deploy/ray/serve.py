"""The service in replicas of Ray Serve: `serve deploy deploy/ray/serve.yaml`.

serve.py     one replica: how it starts, is checked and ends
bridge.py    a request of a replica, and its answer
scraping.py  the metrics of a replica
targets.py   the list of all replicas, for Prometheus

Each replica is a server of its own, with one worker: it has its own models, state and metrics.
"""

import logging
import math
import os
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import ray
from flask import Flask, Response, abort
from ray import serve

from deploy.ray.bridge import Bridge
from deploy.ray.scraping import Scraping
from deploy.ray.targets import Listing, Target, Targets
from service.rollout import state_folder
from service.rollout.agent import AGENT
from service.server.shared_folders import SharedFolder, remove_abandoned
from service.settings import InvalidSetting, Settings
from service.telemetry.tracing import TRACING

_MAX_ONGOING = 64
_STATE = "VITRINE_STATE"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only the parent of our own folder
_TARGETS_PATH = "/metrics/targets"


@serve.deployment(
    max_ongoing_requests=_MAX_ONGOING,
    max_queued_requests=256,
    health_check_period_s=2,
    health_check_timeout_s=30,
    graceful_shutdown_wait_loop_s=1,
    graceful_shutdown_timeout_s=60,
)
@serve.ingress()
class Vitrine:
    """One replica of the service.

    Args:
        targets: Lists the replicas for Prometheus.

    Raises:
        InvalidSetting: A setting is not allowed here.
        AppImportError: The application cannot start; the message says why.
    """

    def __init__(self, targets: Any) -> None:
        self._folder = _prepare()
        self._app = _application()
        self._app.add_url_rule(_TARGETS_PATH, "targets", self._list_targets)
        settings = Settings.from_environment(os.environ)
        self._bridge = Bridge(self._app, settings, threads=_MAX_ONGOING)
        address = ray.util.get_node_ip_address()
        self._scraping = Scraping(self._app, address)
        name = serve.get_replica_context().replica_tag
        target: Target = {
            "targets": [f"{address}:{self._scraping.port}"],
            "labels": {"replica": name, "node": ray.get_runtime_context().get_node_id()},
        }
        self._listing = Listing(targets, name, target)

    def __serve_build_asgi_app__(self) -> Bridge:
        """Return what answers requests."""
        return self._bridge

    def _list_targets(self) -> Response:
        """Answer the service discovery of Prometheus, which keeps what it knows at an error."""
        targets = self._listing.all()
        if targets is None:
            abort(HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(orjson.dumps(targets), mimetype="application/json")

    def check_health(self) -> None:
        """Fail where this replica is not ready, so that it is replaced.

        Raises:
            RuntimeError: It takes no predictions.
        """
        answer = self._app.test_client().get("/readyz")
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"The replica is not ready: {answer.text}.")

    def __del__(self) -> None:
        """End what runs beside the requests, once these are answered."""
        self._listing.close()
        self._scraping.close()
        self._app.extensions[AGENT].stop()
        self._app.extensions[TRACING].stop()
        self._folder.remove()
        # Ray ends the process without the functions that wait for its end.
        for handler in logging.getLogger("service").handlers:
            handler.flush()


def _prepare() -> SharedFolder:
    """Make a server of this process, with one worker; return the folder of its state."""
    if os.environ.get(_STATE):
        raise InvalidSetting(f"{_STATE} must be empty: each replica has a state of its own.")
    cpus = ray.get_runtime_context().get_assigned_resources().get("CPU", 0)
    os.environ |= {"VITRINE_WORKERS": "1", "PYTHON_CPU_COUNT": str(max(1, math.ceil(cpus)))}
    settings = Settings.from_environment(os.environ)
    is_writable = os.access(_SHARED_MEMORY, os.W_OK)
    parent = _SHARED_MEMORY if is_writable else Path(tempfile.gettempdir())
    remove_abandoned(parent)
    folder = SharedFolder(parent)
    state_folder.prepare(folder.path, policy=settings.versions)
    os.environ[_STATE] = str(folder.path)
    return folder


def _application() -> Flask:
    """Import the application, which reads the environment."""
    from service.wsgi import app  # noqa: PLC0415

    return app


app = Vitrine.bind(Targets.bind())  # type: ignore[attr-defined]
