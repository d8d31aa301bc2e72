"""The service's configuration under gunicorn's ASGI worker."""

import gc
import signal
from importlib import import_module
from typing import Any

from service.server.gunicorn_conf import *  # noqa: F403

worker_class = "asgi"
threads = 1  # it has none of its own; those of `asgi_app` call the application


def post_worker_init(worker: Any) -> None:  # type: ignore[no-redef]
    """Do what the service's own does, for an application that is not the worker's own."""
    flask = import_module("service.wsgi").app
    draining = import_module("service.http.health").DRAINING
    flask.extensions[draining] = lambda: not worker.alive
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
