"""The application: composition only."""

from flask import Flask

from service import exchange, problems
from service.api import Api, VersionConverter
from service.engines import available_cpus
from service.fleet import Fleet
from service.health import DRAINING, Health
from service.management import Management
from service.metrics import Metrics
from service.repository import Repository
from service.scheduler import Scheduler
from service.settings import Settings
from service.shadow import Shadow


def create_app(
    settings: Settings,
    repository: Repository,
    metrics: Metrics,
    fleet: Fleet,
    scheduler: Scheduler | None = None,
) -> Flask:
    """Compose an application that serves what a repository holds.

    Args:
        settings: Limits and who may change what is served.
        repository: What is served.
        metrics: Where all of it is counted.
        fleet: Who is told when something else is to be served.
        scheduler: Says who may compute; by default one that knows this machine's cores.
    """
    app = Flask("service", static_folder=None)
    app.url_map.converters["version"] = VersionConverter
    app.extensions[DRAINING] = lambda: False  # a server that knows better replaces it
    app.register_blueprint(Api(settings, repository, metrics, Shadow(metrics)).blueprint())
    app.register_blueprint(Management(settings, repository, fleet).blueprint())
    app.register_blueprint(Health(repository, metrics).blueprint())
    problems.install(app)
    scheduler = scheduler or Scheduler(available_cpus())
    exchange.install(app, metrics, scheduler, timeout_seconds=settings.body_timeout_seconds)
    repository.watch(metrics.show)
    return app
