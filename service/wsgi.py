"""What the server imports in each worker: the application, over the models on disk."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import NoReturn

from flask import Flask
from gunicorn.errors import AppImportError
from prometheus_client import CollectorRegistry

from service import board, logs
from service.app import create_app
from service.board import Board
from service.bundle import InvalidBundle
from service.engines import available_cpus
from service.fleet import WORKER, Worker
from service.metrics import REFUSED, Metrics
from service.repository import Repository
from service.settings import InvalidSetting, Settings
from service.shelves import LocalShelf


def _compose(numbers: Path | None) -> Flask:
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    repository = Repository()
    worker = Worker(
        Board(Path(settings.state) if settings.state else _own_state()),
        LocalShelf(Path(settings.models)),
        repository,
        policy=settings.versions,
        threads=max(1, available_cpus() // settings.workers),
        watch_seconds=settings.watch_seconds,
    )
    worker.start()
    metrics = Metrics(CollectorRegistry(), folder=numbers)
    app = create_app(settings, repository, metrics, worker)
    app.extensions[WORKER] = worker
    return app


def _own_state() -> Path:
    """Make a folder for a process that has no others to agree with."""
    folder = Path(tempfile.mkdtemp(prefix="vitrine-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    board.prepare(folder)
    return folder


def _refuse(sentence: str, numbers: Path | None) -> NoReturn:
    """End the server.

    Only the first worker says why and asks for it: gunicorn stumbles over a second one that does.
    """
    try:
        if numbers is not None:
            (numbers / REFUSED).touch(exist_ok=False)
    except FileExistsError:
        raise SystemExit(1) from None
    raise AppImportError(sentence) from None


_folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
_numbers = Path(_folder) if _folder else None
try:
    app = _compose(_numbers)
except (InvalidBundle, InvalidSetting) as error:
    _refuse(str(error), _numbers)
