"""What is at `/`: the web page for a browser, and for everybody else what is served, as JSON."""

from typing import Any

import orjson
from flask import Blueprint, Response, request

from service.http import operations
from service.http.content import HTML_TYPE, JSON_TYPE
from service.http.examples import example, file_example, predict_path
from service.http.openapi.answers import WELCOME
from service.http.openapi.parts import answers
from service.http.operations import Operation
from service.http.page import Page
from service.rollout.repository import Repository
from vitrine.model import Model
from vitrine.signature import AnomalyOutput, LabelsOutput, ProbabilitiesOutput

_LINKS = {
    "docs": "/docs",
    "openapi": "/openapi.json",
    "models": "/models",
    "metrics": "/metrics",
    "live": "/livez",
    "ready": "/readyz",
}
_LISTED_LABELS = 12
_ANSWER = {
    "200": {
        "description": "JSON, or a page for a browser.",
        "content": {JSON_TYPE: {"schema": WELCOME}, HTML_TYPE: {"schema": {"type": "string"}}},
    }
}


class Welcome:
    """The view, and what it needs.

    Args:
        repository: What is served.
        page: The web page.
        needs_key: Whether predictions need an API key.
    """

    def __init__(self, repository: Repository, page: Page, *, needs_key: bool = False) -> None:
        self._repository = repository
        self._page = page
        self._needs_key = needs_key

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("welcome", __name__)
        first = Operation(
            rule="/",
            view=self.show,
            tag="about",
            summary="Say what is served here, with a request for each model to begin with.",
            describe=answers(_ANSWER),
            needs_key=False,
        )
        operations.add(routes, [first])
        return routes

    def show(self) -> Response:
        """Say what is here."""
        wants_html = request.accept_mimetypes.best_match([JSON_TYPE, HTML_TYPE]) == HTML_TYPE
        response = self._page.show() if wants_html else self._list()
        response.vary.add("Accept")
        response.headers["Cache-Control"] = "no-cache"
        return response

    def _list(self) -> Response:
        entries = self._repository.current.values()
        # A host that no name can have may not come into a line that somebody pastes into a shell.
        root = request.url_root if request.host else "http://127.0.0.1:8080/"
        base = request.root_path
        models = [
            _summary(entry.default, root, base, needs_key=self._needs_key)
            for entry in entries
            if entry.default
        ]
        links = {name: f"{base}{path}" for name, path in _LINKS.items()}
        # KServe's client takes the service for alive by this status.
        members = {"status": "alive", "service": "vitrine", "models": models, "links": links}
        return Response(orjson.dumps(members) + b"\n", mimetype=JSON_TYPE)


def _summary(model: Model, root: str, base: str, *, needs_key: bool) -> dict[str, Any]:
    path = predict_path(model)
    return {
        "name": model.name,
        "version": model.version,
        "task": model.manifest.task,
        "takes": "rows of a table" if model.manifest.signature.picture is None else "pictures",
        "predicts": _outcome(model),
        "describe": f"{base}/{path.removesuffix('/predict')}",
        "predict": f"{base}/{path}",
        "example": example(model, root, needs_key=needs_key),
        "file_example": file_example(model, root, needs_key=needs_key),
    }


def _outcome(model: Model) -> str:
    """Say in a few words what the model predicts."""
    target, output = model.manifest.target, model.manifest.signature.prediction
    match output:
        case ProbabilitiesOutput():
            return f"{target}: one of {_listed(output.labels)}"
        case LabelsOutput():
            return f"{target}: any of {_listed(output.labels)}"
        case AnomalyOutput():
            return "how strange an instance is"
    return f"{target} in {output.unit}" if output.unit else target


def _listed(labels: tuple[str, ...]) -> str:
    more = len(labels) - _LISTED_LABELS
    listed = ", ".join(labels[:_LISTED_LABELS])
    return f"{listed} and {more} more" if more > 0 else listed
