"""What the server imports in each worker: the application with all of its parts."""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import NoReturn

import msgspec
from flask import Flask
from gunicorn.errors import AppImportError
from prometheus_client import CollectorRegistry

from service.http.access import Access
from service.http.app import create_app
from service.keys import COPY_NAME, InvalidKeys, KeyFile
from service.rollout import state_folder
from service.rollout.agent import AGENT, Agent
from service.rollout.control_plane import LocalControlPlane
from service.rollout.controller import Controller
from service.rollout.inventory import Inventory
from service.rollout.kept_versions import KeptVersions
from service.rollout.loader import Loader
from service.rollout.model_store import open_model_store
from service.rollout.reports import Reports
from service.rollout.repository import Repository
from service.rollout.shared_desired import open_shared_desired
from service.rollout.state_folder import TRIALS, TRIED, VERSIONS, StateFolder
from service.rollout.trial_records import TrialRecords
from service.rollout.trials import Limits, Trials
from service.server.sharing import has_served
from service.settings import InvalidSetting, Settings
from service.telemetry import logs, multiprocess
from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing
from vitrine.bundle import InvalidBundle
from vitrine.engines import available_cpus


def _compose(metrics_folder: Path | None) -> Flask:
    settings = Settings.from_environment(os.environ)
    lines = logs.configure(settings.log_level, sampling=settings.log_sampling)
    metrics = Metrics(CollectorRegistry(), folder=metrics_folder)
    lines.count_drop = metrics.dropped_log_lines.labels().inc
    state_path = Path(settings.state) if settings.state else _own_state()
    state = StateFolder(state_path, policy=settings.versions)
    store = open_model_store(
        settings.models, cache=settings.cache, watch_seconds=settings.watch_seconds
    )
    threads = max(1, available_cpus() // settings.workers)
    trials = _open_trials(settings, store.folder, state_path, threads=threads)
    kept = KeptVersions(store.folder, state_path / VERSIONS, trials)
    loader = Loader(store.folder, trials, kept, threads=threads)
    inventory = Inventory(store, watch_seconds=settings.watch_seconds)
    shared = (
        open_shared_desired(
            settings.models, state, copy=store.desired_copy, watch_seconds=settings.watch_seconds
        )
        if settings.desired_state == "store"
        else None
    )
    controller = Controller(state, inventory, kept, shared=shared)
    repository = Repository()
    agent = Agent(state, controller, loader, repository, give_up=_stop_worker)
    access = _open_access(settings, state_path) if settings.keys else None
    agent.start()
    control_plane = LocalControlPlane(state, store, trials, repository, desired=shared)
    tracing = _open_tracing(settings.otlp_endpoint)
    app = create_app(
        settings,
        repository,
        metrics,
        control_plane,
        access=access,
        tracing=tracing,
        reports=Reports((kept.folder, store.folder)),
    )
    app.extensions[AGENT] = agent
    return app


def _open_access(settings: Settings, state: Path) -> Access:
    """Read the keys, and read them again when they change."""
    keys = KeyFile(Path(settings.keys), copy=state / COPY_NAME)
    keys.watch()
    return Access(keys)


def _open_tracing(endpoint: str) -> Tracing:
    """Prepare the traces of requests; OpenTelemetry is imported only where they are wanted."""
    if not endpoint:
        return Tracing()
    try:
        from service.telemetry.spans import Spans  # noqa: PLC0415
    except ImportError as error:
        raise InvalidSetting(
            f"VITRINE_OTLP_ENDPOINT needs OpenTelemetry, which is not installed: {error}. "
            "`make .venv/opentelemetry/installed` makes an environment that has it."
        ) from None
    return Tracing(Spans(endpoint))


def _open_trials(settings: Settings, models: Path, state: Path, *, threads: int) -> Trials:
    limits = Limits(seconds=settings.trial_seconds, max_bytes=settings.max_version_bytes)
    shipped = Path(settings.tried) if settings.tried else None
    records = TrialRecords(state / TRIED, shipped=shipped, max_bytes=limits.max_bytes)
    return Trials(models, records, limits, threads=threads, locks=state / TRIALS)


def _stop_worker() -> None:
    """Let the server replace this worker, which answers what it has begun to answer."""
    os.kill(os.getpid(), signal.SIGTERM)


def _own_state() -> Path:
    """Make the state folder of a process that is the only worker of its server."""
    folder = Path(tempfile.mkdtemp(prefix="vitrine-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    state_folder.prepare(folder)
    return folder


def _end_server(sentence: str, metrics_folder: Path | None) -> NoReturn:
    """End the server, and say why; one that has served ends this worker alone, and tries again.

    Only the first worker that cannot start does so: gunicorn fails where a second one does.
    """
    try:
        if metrics_folder is not None and not has_served():
            (metrics_folder / multiprocess.REFUSED).touch(exist_ok=False)
    except FileExistsError:
        raise SystemExit(1) from None
    except OSError:
        pass  # the disk is full; better twice than not at all
    raise AppImportError(sentence) from None


_folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
_metrics_folder = Path(_folder) if _folder else None
try:
    app = _compose(_metrics_folder)
except (InvalidBundle, InvalidKeys, InvalidSetting) as error:
    _end_server(str(error), _metrics_folder)
except (OSError, msgspec.MsgspecError) as error:
    _reason = getattr(error, "strerror", None) or str(error)
    _sentence = f"The folders that the workers share cannot be used: {_reason}."
    _end_server(_sentence, _metrics_folder)
