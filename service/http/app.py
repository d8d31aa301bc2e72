"""The application: composition only."""

from flask import Flask

from service.admission.scheduler import Scheduler
from service.http import problems, transfer
from service.http.access import Access
from service.http.admission import ADMISSION, Admission
from service.http.api import Api, VersionConverter
from service.http.cors import Sharing
from service.http.descriptions import Descriptions
from service.http.fast_path import FAST_PATH, FastPath
from service.http.health import DRAINING, Health
from service.http.management import Management
from service.http.predictor import Predictor
from service.http.refusals import REFUSALS, Refusals
from service.http.welcome import Welcome
from service.rollout.control_plane import ControlPlane
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import Shadow
from service.telemetry.tracing import TRACING, Tracing
from vitrine.engines import available_cpus


def create_app(  # noqa: PLR0913 - each is a part that is made elsewhere
    settings: Settings,
    repository: Repository,
    metrics: Metrics,
    control_plane: ControlPlane,
    scheduler: Scheduler | None = None,
    *,
    access: Access | None = None,
    tracing: Tracing | None = None,
) -> Flask:
    """Compose an application that serves what a repository holds.

    Args:
        settings: Limits and who may change what is served.
        repository: What is served.
        metrics: Where all of it is counted.
        control_plane: Changes what is served, in every worker.
        scheduler: Says who may compute; by default one that knows this machine's cores.
        access: Checks the API keys; None where nobody needs one.
        tracing: Begins the traces of requests; by default, nobody keeps them.
    """
    app = Flask("service", static_folder=None)
    app.url_map.converters["version"] = VersionConverter
    app.url_map.strict_slashes = False  # a slash at the end of a path changes nothing
    app.extensions[DRAINING] = lambda: False  # a server that knows better replaces it
    predictor = Predictor(settings, repository, Shadow(metrics))
    sharing = Sharing(settings.cors_origins)
    tracing = tracing or Tracing()
    app.extensions[TRACING] = tracing
    app.extensions[REFUSALS] = Refusals(
        metrics,
        sharing,
        tracing,
        access,
        root=settings.path_prefix,
        is_secure=bool(settings.tls_certificate),
    )
    if settings.fast_path:
        app.extensions[FAST_PATH] = FastPath(
            predictor,
            metrics,
            sharing,
            tracing,
            access,
            max_timeout_seconds=settings.request_timeout_seconds,
        )
    api = Api(predictor, max_timeout_seconds=settings.request_timeout_seconds)
    app.register_blueprint(api.blueprint())
    app.register_blueprint(Descriptions(repository, metrics).blueprint())
    management = Management(settings, repository, control_plane, access)
    app.register_blueprint(management.blueprint())
    app.register_blueprint(Health(repository, metrics).blueprint())
    app.register_blueprint(Welcome(repository, needs_key=access is not None).blueprint())
    problems.install(app)
    scheduler = scheduler or Scheduler(available_cpus())
    app.extensions[ADMISSION] = Admission(
        predictor,
        repository,
        scheduler,
        metrics,
        max_timeout_seconds=settings.request_timeout_seconds,
    )
    timeout_seconds = settings.body_timeout_seconds
    transfer.install(app, metrics, scheduler, tracing, timeout_seconds=timeout_seconds)
    sharing.install(app)  # first: a browser that asks whether it may send a key sends none
    if access is not None:
        access.install(app)
    repository.watch(metrics.show)
    return app
