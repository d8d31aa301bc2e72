"""The application: composition only."""

from flask import Flask

from service import exchange, problems
from service.api import Api, VersionConverter
from service.health import DRAINING, Health
from service.metrics import Metrics
from service.repository import Repository
from service.settings import Settings


def create_app(settings: Settings, repository: Repository, metrics: Metrics) -> Flask:
    """Compose an application that serves what a repository holds."""
    app = Flask("service", static_folder=None)
    app.url_map.converters["version"] = VersionConverter
    app.extensions[DRAINING] = lambda: False  # a server that knows better replaces it
    app.register_blueprint(Api(settings, repository, metrics).blueprint())
    app.register_blueprint(Health(repository, metrics).blueprint())
    problems.install(app)
    exchange.install(app, metrics, timeout_seconds=settings.body_timeout_seconds)
    for versions in repository.models.values():
        for model in versions.values():
            metrics.declare(model)
    return app
