"""What the server imports in each worker: the application, over the models on disk."""

import atexit
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import msgspec
from flask import Flask
from gunicorn.errors import AppImportError
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.rollout import state_folder
from service.rollout.agent import AGENT, Agent
from service.rollout.control_plane import LocalControlPlane
from service.rollout.controller import Controller
from service.rollout.inventory import Inventory
from service.rollout.loader import Loader
from service.rollout.model_store import open_model_store
from service.rollout.repository import Repository
from service.rollout.state_folder import StateFolder
from service.server.worker import others_serve
from service.settings import InvalidSetting, Settings
from service.telemetry import logs, multiprocess
from service.telemetry.metrics import Metrics
from vitrine.bundle import InvalidBundle
from vitrine.engines import available_cpus

# Between two tries to start a worker while others serve.
_RETRY_SECONDS = 1.0


def _compose(numbers: Path | None) -> Flask:
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    if numbers is not None:
        multiprocess.reserve(numbers, os.getpid())
    state = StateFolder(Path(settings.state) if settings.state else _own_state())
    store = open_model_store(
        settings.models, cache=settings.cache, watch_seconds=settings.watch_seconds
    )
    loader = Loader(store.folder, threads=max(1, available_cpus() // settings.workers))
    inventory = Inventory(store, watch_seconds=settings.watch_seconds)
    controller = Controller(state, inventory, loader, policy=settings.versions)
    repository = Repository()
    agent = Agent(state, controller, loader, repository)
    agent.start()
    control_plane = LocalControlPlane(state, store, loader, repository)
    instruments = Metrics(CollectorRegistry(), folder=numbers)
    app = create_app(settings, repository, instruments, control_plane)
    app.extensions[AGENT] = agent
    return app


def _own_state() -> Path:
    """Make a folder for a process that has no others to agree with."""
    folder = Path(tempfile.mkdtemp(prefix="vitrine-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    state_folder.prepare(folder)
    return folder


def _refuse(sentence: str, numbers: Path | None) -> NoReturn:
    """End the server.

    Only the first worker says why and asks for it: gunicorn stumbles over a second one that does.
    """
    try:
        if numbers is not None:
            (numbers / multiprocess.REFUSED).touch(exist_ok=False)
    except FileExistsError:
        raise SystemExit(1) from None
    except OSError:
        pass  # there is no room even for that; better twice than not at all
    raise AppImportError(sentence) from None


def _give_up(sentence: str) -> NoReturn:
    """End this worker alone: the others serve, and another one will try again."""
    logging.getLogger(__name__).error(sentence)
    time.sleep(_RETRY_SECONDS)
    raise SystemExit(1)


_folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
_numbers = Path(_folder) if _folder else None
try:
    app = _compose(_numbers)
except (InvalidBundle, InvalidSetting) as error:
    _refuse(str(error), _numbers)
except (OSError, msgspec.MsgspecError) as error:
    _why = getattr(error, "strerror", None) or str(error)
    _sentence = f"The folders that the workers share cannot be used: {_why}."
    if others_serve():
        _give_up(_sentence)
    _refuse(_sentence, _numbers)
