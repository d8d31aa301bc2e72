"""What the server imports in each worker: the application, over the models on disk."""

import os
from pathlib import Path
from typing import NoReturn

from flask import Flask
from gunicorn.errors import AppImportError
from prometheus_client import CollectorRegistry

from service import logs, repository
from service.app import create_app
from service.bundle import InvalidBundle
from service.engines import available_cpus
from service.metrics import REFUSED, Metrics
from service.settings import InvalidSetting, Settings


def _compose(numbers: Path | None) -> Flask:
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    threads = max(1, available_cpus() // settings.workers)
    loaded = repository.load(settings.models, threads=threads)
    return create_app(settings, loaded, Metrics(CollectorRegistry(), folder=numbers))


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
