"""The application: composition only."""

from flask import Flask

from service.admission import Scheduler
from service.http import cors, problems, transfer
from service.http.api import Api, VersionConverter
from service.http.descriptions import Descriptions
from service.http.health import DRAINING, Health
from service.http.management import Management
from service.http.welcome import Welcome
from service.rollout.control_plane import ControlPlane
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import Shadow
from vitrine.engines import available_cpus


def create_app(
    settings: Settings,
    repository: Repository,
    metrics: Metrics,
    control_plane: ControlPlane,
    scheduler: Scheduler | None = None,
) -> Flask:
    """Compose an application that serves what a repository holds.

    Args:
        settings: Limits and who may change what is served.
        repository: What is served.
        metrics: Where all of it is counted.
        control_plane: Changes what is served, in every worker.
        scheduler: Says who may compute; by default one that knows this machine's cores.
    """
    app = Flask("service", static_folder=None)
    app.url_map.converters["version"] = VersionConverter
    app.url_map.strict_slashes = False  # a slash at the end of a path changes nothing
    app.extensions[DRAINING] = lambda: False  # a server that knows better replaces it
    app.register_blueprint(Api(settings, repository, Shadow(metrics)).blueprint())
    app.register_blueprint(Descriptions(repository, metrics).blueprint())
    app.register_blueprint(Management(settings, repository, control_plane).blueprint())
    app.register_blueprint(Health(repository, metrics).blueprint())
    app.register_blueprint(Welcome(repository).blueprint())
    problems.install(app)
    scheduler = scheduler or Scheduler(available_cpus())
    transfer.install(app, metrics, scheduler, timeout_seconds=settings.body_timeout_seconds)
    cors.install(app, settings.cors_origins)
    repository.watch(metrics.show)
    return app
