"""How Prometheus reads the metrics of each replica: from a port of its own, for nothing else.

A request through Ray Serve's proxy reaches any replica, so that counters would rise and fall.
"""

import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask

from service.http.admission import ADMISSION, Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PATH = "/metrics"


class Scraping:
    """Answers Prometheus, in threads of its own, until it is closed.

    Args:
        app: The application, which knows its metrics.
        address: Address of the node on which it listens.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, app: Flask, address: str) -> None:
        self._app = app
        self._server = make_server(address, 0, self._answer, _Server, _Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="scraping", daemon=True).start()

    def _answer(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != _PATH:
            start("404 Not Found", [("Content-Length", "0")])
            return []
        _count_waiting(self._app.extensions[ADMISSION])
        return self._app(environ, start)

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def _count_waiting(admission: Admission) -> None:
    """Show what waits and computes now, as our own server does all the time."""
    metrics, scheduler = admission.metrics, admission.scheduler
    metrics.waiting_requests.labels().set(scheduler.waiting)
    metrics.waiting_seconds.labels().set(scheduler.waiting_seconds)
    metrics.computing_requests.labels().set(scheduler.computing)
    # The proxies have them. An alert asks which servers have ever told their number.
    metrics.connections.labels().set(0)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    # Whoever connects and says nothing holds a thread, but not for long.
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing: the application logs its requests."""
