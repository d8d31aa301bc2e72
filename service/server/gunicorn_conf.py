"""How gunicorn runs the service.

`gunicorn -c python:service.server.gunicorn_conf service.wsgi:app`.

Libraries are imported before the workers fork, so that all share their memory pages; each worker
opens its own models and engines.
"""

import gc
import os
import signal
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

from service.server import allocator
from service.server.shared_folders import SharedFolder, remove_abandoned
from service.server.tls import Certificate, InvalidCertificate
from service.settings import InvalidSetting, Settings
from service.telemetry.logs import json_handler

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_STATE_FOLDER = "VITRINE_STATE"
_HEARTBEAT_SECONDS = 0.5
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only the parent of our own folder


class JsonLogger(Logger):  # type: ignore[misc]
    """Gunicorn's own messages as JSON; requests are logged by the service."""

    def setup(self, cfg: Config) -> None:
        """Replace the handlers that gunicorn sets up."""
        super().setup(cfg)
        self.error_log.handlers = [json_handler()]

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log an exception, unless a client has stopped reading, which is no fault of ours."""
        if not isinstance(sys.exception(), TimeoutError):
            super().exception(msg, *args, **kwargs)


try:
    _settings = Settings.from_environment(os.environ)
    _certificate = (
        Certificate(_settings.tls_certificate, _settings.tls_key)
        if _settings.tls_certificate
        else None
    )
except (InvalidSetting, InvalidCertificate) as error:
    sys.exit(str(error))
if _settings.tls_key and _certificate is None:
    sys.exit("VITRINE_TLS_KEY needs VITRINE_TLS_CERTIFICATE.")

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
certfile = _settings.tls_certificate or None
keyfile = _settings.tls_key or None
workers = _settings.workers
worker_class = "service.server.worker.Worker"
threads = _settings.threads
# Further connections wait to be accepted. Far more than threads: most connections are idle.
worker_connections = 4096
# Longer than the load balancers before it, so that none sends on a connection just closed here.
keepalive = 75
graceful_timeout = _settings.graceful_timeout_seconds
# Heartbeats in memory: on a busy disk they would come late and workers be taken for dead.
worker_tmp_dir = str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None
# It would run a thread in the process that forks, and wants a writable home.
control_socket_disable = True
# The service has a setting of its own for proxies; gunicorn would believe this machine's.
forwarded_allow_ips = ""
forwarder_headers = ""
logger_class = JsonLogger
loglevel = _settings.log_level.lower()


def on_starting(server: Any) -> None:
    """Prepare what the workers share, before the first worker is forked."""
    if not server.master_pid and "LISTEN_PID" not in os.environ:
        _check_addresses(server.cfg.address)
    # One thread a call is enough, and those of a library's own pool would not survive the fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    server.our_folders = _make_folders()
    try:
        _prepare_folders(server.log)
        _check_keys()
    except SystemExit:
        on_exit(server)
        raise
    import_shared_modules()
    _prepare_page()
    allocator.prepare()
    # All objects of now live as long as the server. The collector would write to their pages, and
    # each worker would get a copy of its own.
    gc.collect()
    gc.freeze()


def import_shared_modules() -> None:
    """Import what every worker needs, so that all share its memory pages.

    The library imports Pillow and PyArrow only for callers that need them. A worker that imported
    them itself would be slower to start, and larger.
    """
    from service.http import app  # noqa: F401, PLC0415
    from service.rollout import agent  # noqa: F401, PLC0415
    from vitrine import explain, images  # noqa: F401, PLC0415
    from vitrine.geometry import fashion, fit, mnist  # noqa: F401, PLC0415
    from vitrine.tables import reader  # noqa: F401, PLC0415


def _prepare_page() -> None:
    """Let no first visitor of a worker wait until the page's templates are compiled."""
    from service.http import page  # noqa: PLC0415

    page.prepare()


def _prepare_folders(log: Logger) -> None:
    try:
        from service.telemetry import multiprocess  # noqa: PLC0415

        multiprocess.clear(Path(os.environ[_METRICS_FOLDER]), workers=_settings.workers)
    except OSError as error:
        sys.exit(f"The folder of the metrics cannot be written: {error.strerror}.")
    from service.rollout import state_folder  # noqa: PLC0415

    try:
        damage = state_folder.prepare(Path(os.environ[_STATE_FOLDER]), policy=_settings.versions)
    except OSError as error:
        sys.exit(f"The folder of the state cannot be written: {error.strerror}.")
    if damage is not None:
        log.warning(damage)


def _check_keys() -> None:
    """End at once if the key file is damaged; the copy of an earlier server is no way out."""
    from service.keys import COPY_NAME, InvalidKeys, KeyFile  # noqa: PLC0415

    copy = Path(os.environ[_STATE_FOLDER]) / COPY_NAME
    copy.unlink(missing_ok=True)
    try:
        if _settings.keys:
            KeyFile(Path(_settings.keys), copy=copy)
    except InvalidKeys as error:
        sys.exit(str(error))


def _make_folders() -> list[SharedFolder]:
    """Make folders that last as long as the server, and set the variables that name them."""
    parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    remove_abandoned(parent)
    folders = []
    for variable in (_METRICS_FOLDER, _STATE_FOLDER):
        if not os.environ.get(variable):
            try:
                folder = SharedFolder(parent)
            except OSError as error:
                sys.exit(f"No folder for the workers can be made: {error.strerror}.")
            folders.append(folder)
            os.environ[variable] = str(folder.path)
    return folders


def _check_addresses(addresses: list[Any]) -> None:
    """End at once if an address is taken: gunicorn tries for seconds, and then only logs it."""
    for address in addresses:
        if not isinstance(address, tuple):
            continue
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                sys.exit(f"Cannot listen on {address[0]} port {address[1]}: {error.strerror}.")


def ssl_context(
    config: Config,  # noqa: ARG001 - gunicorn's signature
    default: Callable[[], ssl.SSLContext],
) -> ssl.SSLContext:
    """Return what a worker encrypts its connections with: what its parent has read last."""
    return default() if _certificate is None else _certificate.context


def on_reload(server: Any) -> None:
    """Read the certificate again, which may be a newer one, before workers are replaced."""
    if _certificate is not None:
        try:
            _certificate.reload()
        except InvalidCertificate as error:
            server.log.error("%s The certificate of before stays.", error)  # noqa: TRY400


def when_ready(server: Any) -> None:
    """Refuse new connections once the server is to stop, so that all accepted ones are answered."""

    def stop(number: int, frame: Any) -> None:
        # Not in a child that was just forked, nor where another server still uses the socket.
        is_last = not (server.systemd or server.reexec_pid or server.master_pid)
        if os.getpid() == server.pid and is_last:
            from service.server.sharing import refuse_connections  # noqa: PLC0415

            refuse_connections(server.LISTENERS)
        server.signal(number, frame)

    signal.signal(signal.SIGTERM, stop)


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Send heartbeats while a worker loads: large models and remote sources take their time."""
    worker.is_loaded = threading.Event()
    threading.Thread(target=_send_heartbeats, args=(worker,), daemon=True).start()


def _send_heartbeats(worker: Any) -> None:
    while not worker.is_loaded.wait(_HEARTBEAT_SECONDS):
        worker.notify()


def post_worker_init(worker: Any) -> None:
    """Let a worker that is to stop answer that it is not ready; only its parent may stop it."""
    worker.is_loaded.set()
    from service.http import health  # noqa: PLC0415

    worker.wsgi.extensions[health.DRAINING] = lambda: not worker.alive
    # A terminal sends Ctrl-C to the parent and to the workers. A worker that is stopped twice at
    # once would wait for a lock that it holds itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()


def worker_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Let a worker finish loading, and send its last spans, before it ends."""
    # A worker that could not start has no application.
    app = getattr(worker, "wsgi", None)
    if app is not None:
        from service.rollout.agent import AGENT  # noqa: PLC0415
        from service.telemetry.tracing import TRACING  # noqa: PLC0415

        app.extensions[AGENT].stop()
        app.extensions[TRACING].stop()


def child_exit(server: Any, worker: Any) -> None:
    """Merge the metrics of workers that ended into the file of all ended workers."""
    from service.server.sharing import Share  # noqa: PLC0415
    from service.telemetry import multiprocess  # noqa: PLC0415

    Share(worker.age).withdraw()
    try:
        multiprocess.retire(Path(os.environ[_METRICS_FOLDER]))
    except OSError as error:
        server.log.warning("The metrics of an ended worker cannot be merged: %s.", error.strerror)
    except Exception:
        server.log.exception("The metrics of an ended worker cannot be merged.")


def pre_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Make the folder of the metrics anew where it is gone; workers make that of the state anew."""
    from service.telemetry import multiprocess  # noqa: PLC0415

    metrics = Path(os.environ[_METRICS_FOLDER])
    try:
        if not metrics.is_dir():
            multiprocess.clear(metrics)
    except OSError as error:
        server.log.warning("The folder of the metrics cannot be made anew: %s.", error)


def on_exit(server: Any) -> None:
    """Remove the folders that were made for the workers."""
    for folder in server.our_folders:
        folder.remove()
