"""The application: composition only."""

from collections.abc import Callable, Mapping

from flask import Flask

from service.admission.scheduler import Scheduler
from service.http import problems, transfer
from service.http.access import Access
from service.http.admission import ADMISSION, Admission
from service.http.api import Api, VersionConverter
from service.http.cors import Sharing
from service.http.descriptions import Descriptions
from service.http.dialects.invocations.language import Invocations
from service.http.dialects.native import Native
from service.http.dialects.open_inference.language import OpenInference
from service.http.dialects.parts import DialectParts
from service.http.dialects.tensorflow_serving.language import TensorFlowServing
from service.http.fast_path import FAST_PATH, FastPath
from service.http.health import DRAINING, Health
from service.http.languages import LANGUAGES, Language, Languages
from service.http.management import Management
from service.http.openapi.views import OpenApi
from service.http.operations import open_rules
from service.http.page import Page
from service.http.predictor import Predictor
from service.http.refusals import REFUSALS, Refusals
from service.http.report import Report
from service.http.welcome import Welcome
from service.rollout.control_plane import ControlPlane
from service.rollout.reports import Reports
from service.rollout.repository import Repository
from service.settings import InvalidSetting, Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import Shadow
from service.telemetry.tracing import TRACING, Tracing
from vitrine.engines import available_cpus
from vitrine.errors import shown

_ALL = "all"
# A line for each language of other model servers: its name in the settings, and what makes it.
_DIALECTS: Mapping[str, Callable[[DialectParts], Language]] = {
    "v1": TensorFlowServing,
    "v2": OpenInference,
    "invocations": Invocations,
}


def create_app(  # noqa: PLR0913 - each is a part that is made elsewhere
    settings: Settings,
    repository: Repository,
    metrics: Metrics,
    control_plane: ControlPlane,
    scheduler: Scheduler | None = None,
    *,
    access: Access | None = None,
    tracing: Tracing | None = None,
    reports: Reports | None = None,
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
        reports: Cards, histories and plots of the versions; by default, there are none.
    """
    app = Flask("service", static_folder=None)
    app.url_map.converters["version"] = VersionConverter
    app.url_map.strict_slashes = False  # a slash at the end of a path changes nothing
    app.extensions[DRAINING] = lambda: False  # a server that knows better replaces it
    predictor = Predictor(settings, repository, Shadow(metrics))
    management = Management(settings, repository, control_plane, access)
    parts = DialectParts(settings, repository, predictor, metrics, control_plane, management)
    languages = Languages(Native(predictor), _spoken(settings.languages, parts))
    app.extensions[LANGUAGES] = languages
    sharing = Sharing(settings.cors_origins)
    tracing = tracing or Tracing()
    app.extensions[TRACING] = tracing
    app.extensions[REFUSALS] = Refusals(
        metrics,
        sharing,
        tracing,
        languages,
        access,
        root=settings.path_prefix,
        is_secure=bool(settings.tls_certificate),
    )
    if settings.fast_path:
        app.extensions[FAST_PATH] = FastPath(
            predictor, languages, metrics, sharing, tracing, access
        )
    app.register_blueprint(Api(predictor, languages).blueprint())
    app.register_blueprint(Descriptions(repository, metrics).blueprint())
    app.register_blueprint(Report(repository, reports or Reports()).blueprint())
    app.register_blueprint(management.blueprint())
    health = Health(repository, metrics, open_metrics=settings.open_metrics)
    app.register_blueprint(health.blueprint())
    needs_key = access is not None
    page = Page(needs_key=needs_key)
    app.register_blueprint(page.blueprint())
    app.register_blueprint(Welcome(repository, page, needs_key=needs_key).blueprint())
    app.register_blueprint(OpenApi(repository, languages, needs_key=needs_key).blueprint())
    for language in languages.all:
        routes = language.blueprint()
        if routes is not None:
            app.register_blueprint(routes)
    problems.install(app, lambda path, problem: languages.of(path).error_body(problem))
    languages.install(app)
    scheduler = scheduler or Scheduler(available_cpus())
    app.extensions[ADMISSION] = Admission(predictor, languages, repository, scheduler, metrics)
    timeout_seconds = settings.body_timeout_seconds
    transfer.install(app, metrics, scheduler, tracing, timeout_seconds=timeout_seconds)
    sharing.install(app)  # first: a browser that asks whether it may send a key sends none
    if access is not None:
        access.install(app, open_rules(app))
    repository.watch(metrics.show)
    return app


def _spoken(names: str, parts: DialectParts) -> list[Language]:
    """Return the languages that the settings name.

    Raises:
        InvalidSetting: One of them is unknown.
    """
    spoken = dict.fromkeys(name.strip() for name in names.split(",") if name.strip())
    if names == _ALL:
        spoken = dict.fromkeys(_DIALECTS)
    for name in spoken:
        if name not in _DIALECTS:
            known = ", ".join(_DIALECTS)
            raise InvalidSetting(
                f"VITRINE_LANGUAGES must be 'all', or name some of: {known}. "
                f"Received: {shown(name)}."
            )
    return [_DIALECTS[name](parts) for name in spoken]
