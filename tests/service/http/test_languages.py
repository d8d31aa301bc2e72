"""What languages share: their paths, and in which of them errors are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from flask import Blueprint, Flask
from prometheus_client import CollectorRegistry

from service.http.context import RequestContext
from service.http.dialects.native import Native
from service.http.languages import Languages, Question, View
from service.http.operations import Operation
from service.http.predictor import Body, Predictor, Prepared, Target
from service.http.problems import ErrorBody, Problem
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import Shadow


@dataclass(frozen=True)
class Other:
    """A language of which only the paths and the errors matter."""

    prefixes: Sequence[str] = ("/other",)
    rules: Sequence[str] = ("/other/<name>:ask", "/other")
    probes: Sequence[str] = ("/other/health",)
    reads_csv: bool = False

    def target(self, names: Mapping[str, str], query: str) -> Target:
        """Ask for the model that is named, or for one of its own."""
        return Target(names.get("name", "mine"), None, None, query)

    def prepare(self, question: Question, body: Body, context: RequestContext) -> Prepared:
        """Never asked."""
        raise NotImplementedError

    def error_body(self, problem: Problem) -> ErrorBody:
        """Say it in a few words."""
        return ErrorBody(problem.status, "text/plain", f"oops: {problem.title}".encode())

    def operation(self, rule: str, view: View) -> Operation:
        """Never asked."""
        raise NotImplementedError

    def blueprint(self) -> Blueprint | None:
        """Return no other routes."""
        return None


@pytest.fixture
def languages() -> Languages:
    """Our own language and another one."""
    shadow = Shadow(Metrics(CollectorRegistry()))
    return Languages(Native(Predictor(Settings(), Repository(), shadow)), [Other()])


@pytest.mark.parametrize(
    ("path", "rule", "target"),
    [
        ("/models/a/predict?top=1", "/models/<name>/predict", Target("a", None, None, "top=1")),
        (
            "/models/a/versions/7/predict/",
            "/models/<name>/versions/<version:version>/predict",
            Target("a", 7, None, ""),
        ),
        (
            "/models/a/labels/new/predict",
            "/models/<name>/labels/<label>/predict",
            Target("a", None, "new", ""),
        ),
        ("/other/a.b-c:ask", "/other/<name>:ask", Target("a.b-c", None, None, "")),
        ("/other", "/other", Target("mine", None, None, "")),
    ],
)
def test_path_of_predictions_is_matched(
    languages: Languages, path: str, rule: str, target: Target
) -> None:
    route = languages.match(path.encode())

    assert route is not None
    assert (route.rule, route.target) == (rule, target)


@pytest.mark.parametrize(
    "path", ["/models/a", "/models/a%20b/predict", "/models/a/versions/0/predict", "/others", "/"]
)
def test_other_path_is_not_matched(languages: Languages, path: str) -> None:
    assert languages.match(path.encode()) is None


def test_path_that_is_escaped_may_ask_for_predictions(languages: Languages) -> None:
    assert languages.asks_for_predictions(b"/models/a%20b/predict")
    assert not languages.asks_for_predictions(b"/models/a")


@pytest.mark.parametrize(
    ("path", "is_other"),
    [("/other", True), ("/other/x", True), ("/others", False), ("/models/other", False)],
)
def test_errors_are_told_in_the_language_of_the_path(
    languages: Languages, path: str, *, is_other: bool
) -> None:
    assert isinstance(languages.of(path), Other) is is_other


def test_health_checks_are_those_of_all_languages(languages: Languages) -> None:
    assert languages.probes == {"/livez", "/readyz", "/other/health"}


class Shouting(Other):
    """A language in which upper and lower case are alike."""

    def respell(self, path: str) -> str:
        """Return a path in lower case, where it is one of this language."""
        return path.lower() if path.lower().startswith("/other") else path


def test_path_may_be_spelt_in_another_way() -> None:
    shadow = Shadow(Metrics(CollectorRegistry()))
    native = Native(Predictor(Settings(), Repository(), shadow))
    languages = Languages(native, [Shouting()])

    route = languages.match(b"/OTHER/a:Ask?x")

    assert route is not None
    assert (route.rule, route.path) == ("/other/<name>:ask", "/OTHER/a:Ask")
    assert languages.asks_for_predictions(b"/OTHER/a%20b:ASK")
    assert isinstance(languages.of("/OTHER/x"), Other)
    assert languages.match(b"/MODELS/a/predict") is None


def test_application_finds_routes_in_every_spelling() -> None:
    shadow = Shadow(Metrics(CollectorRegistry()))
    native = Native(Predictor(Settings(), Repository(), shadow))
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/other/x", view_func=lambda: "here")

    Languages(native, [Shouting()]).install(app)

    assert app.test_client().get("/Other/X").text == "here"
    assert app.test_client().get("/another").status_code == 404
