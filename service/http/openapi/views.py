"""The routes of the description: the document, and a page of our own that shows it."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request

from service.http import operations
from service.http.content import HTML_TYPE, JSON_TYPE
from service.http.languages import Languages
from service.http.openapi.document import DocumentBuilder
from service.http.openapi.parts import answer, answers
from service.http.operations import Operation, open_rules, operations_of
from service.rollout.repository import Entries, Repository

_TAG = "about"
_FILES = files(__package__)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class OpenApi:
    """The views, and what they need.

    Args:
        repository: What is served.
        languages: The languages that are spoken.
        needs_key: Whether requests need an API key.
    """

    def __init__(self, repository: Repository, languages: Languages, *, needs_key: bool) -> None:
        self._repository = repository
        self._languages = languages
        self._needs_key = needs_key
        self._made: tuple[tuple[tuple[str, int | None], ...], bytes] | None = None
        repository.watch(lambda _: self._forget())

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("openapi", __name__)
        operations.add(routes, self._operations())
        return routes

    def _operations(self) -> Iterator[Operation]:
        yield Operation(
            rule="/openapi.json",
            view=self.document,
            tag=_TAG,
            summary="Describe every route for the models that are served now: this document.",
            describe=answers(answer("An OpenAPI document.", {"type": "object"})),
        )
        for rule, view, media_type, what in (
            ("/docs", self.page, HTML_TYPE, "Show the description as a page."),
            ("/docs/page.css", self.style, "text/css", "Return the page's style."),
            ("/docs/page.js", self.script, "text/javascript", "Return the page's script."),
        ):
            yield Operation(
                rule=rule,
                view=view,
                tag=_TAG,
                summary=what,
                describe=answers(answer("A file.", {"type": "string"}, media_type=media_type)),
                needs_key=False,
            )

    def document(self) -> Response:
        """Describe the service as it is now."""
        servers = orjson.dumps({"servers": [{"url": request.root_path or "/"}]})
        return _cached(servers[:-1] + b"," + self._document()[1:] + b"\n", JSON_TYPE)

    def _forget(self) -> None:
        self._made = None

    def _document(self) -> bytes:
        """Return the document without its servers, which the request decides."""
        entries = self._repository.current
        served = tuple((name, entry.serving.default) for name, entry in entries.items())
        made = self._made
        if made is None or made[0] != served:
            made = self._made = (served, orjson.dumps(self._build(entries)))
        return made[1]

    def _build(self, entries: Entries) -> dict[str, Any]:
        return DocumentBuilder(
            operations_of(current_app),
            list(entries),
            [entry.default for entry in entries.values() if entry.default],
            lambda path, problem: self._languages.of(path).error_body(problem),
            open_rules=open_rules(current_app) if self._needs_key else None,
        ).build()

    def page(self) -> Response:
        """Show the description to a reader."""
        # Relative, because a proxy may show the page below a path that nobody told us.
        folder = b"" if request.path.endswith("/") else b"docs/"
        html = _FILES.joinpath("page.html").read_bytes().replace(b"{{folder}}", folder)
        response = _cached(html, HTML_TYPE)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    def style(self) -> Response:
        """Return the page's style."""
        return _cached(_FILES.joinpath("page.css").read_bytes(), "text/css")

    def script(self) -> Response:
        """Return the page's script."""
        return _cached(_FILES.joinpath("page.js").read_bytes(), "text/javascript")


def _cached(body: bytes, media_type: str) -> Response:
    """Return an answer that a client may keep, if it asks each time whether it still holds."""
    response = Response(body, mimetype=media_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response
