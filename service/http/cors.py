"""Cross-origin resource sharing: which answers the web pages of other origins may read.

A browser asks before it lets a page of another origin send JSON or read an answer. It is told yes
for the origins of a setting, and never for the routes that change what is served.

References:
    WHATWG, Fetch Standard, section 3.3 (CORS protocol).
"""

import re

from flask import Flask, Response, current_app, request

from service.cors_origins import ANY_ORIGIN
from service.http.management import BLUEPRINT as MANAGEMENT

# Headers of an answer that a page may read, beside those that every page may.
_EXPOSED = "X-Request-Id, X-Model-Name, X-Model-Version, X-Coverage, X-Ignored-Columns, Retry-After"
_USUAL_HEADERS = "Content-Type, X-Request-Id"
_HEADER_NAMES = re.compile(r"[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*")
_MAX_HEADER_CHARACTERS = 500
# A browser asks again after this time; none keeps an answer for longer than two hours.
_MAX_AGE_SECONDS = 600


class Sharing:
    """What is said to pages of some origins.

    Args:
        origins: Origins of the pages, between commas; "*" for every origin; empty for none.
    """

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(filter(None, origins.split(",")))
        self._allows_any = ANY_ORIGIN in self._origins

    def install(self, app: Flask) -> None:
        """Let pages read the answers of an application."""
        if self._origins:
            app.before_request(self.answer_preflight)
            app.after_request(self.mark)

    def answer_preflight(self) -> Response | None:
        """Answer a browser that asks whether it may send a request; None for any other request."""
        wanted = request.headers.get("Access-Control-Request-Method")
        if request.method != "OPTIONS" or wanted is None or not self._allows(request.origin):
            return None
        methods = _shared_methods()
        if wanted not in methods:
            return None
        response = Response(status=204)
        del response.headers["Content-Type"]  # there is no content
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = _allowed_headers()
        response.headers["Access-Control-Max-Age"] = str(_MAX_AGE_SECONDS)
        response.vary.update(("Access-Control-Request-Method", "Access-Control-Request-Headers"))
        return response

    def mark(self, response: Response) -> Response:
        """Say in an answer, be it an error, which pages may read it."""
        if request.blueprint == MANAGEMENT:
            return response
        for name, value in self.headers(request.origin):
            if name == "Vary":
                response.vary.add(value)
            else:
                response.headers[name] = value
        return response

    def headers(self, origin: str | None) -> list[tuple[str, str]]:
        """Return the headers that say which pages may read an answer.

        Args:
            origin: Origin of the page that asks; None where no page does.
        """
        if not self._origins:
            return []
        headers = [] if self._allows_any else [("Vary", "Origin")]
        if self._allows(origin):
            allowed = ANY_ORIGIN if self._allows_any else str(origin)
            headers += [
                ("Access-Control-Allow-Origin", allowed),
                ("Access-Control-Expose-Headers", _EXPOSED),
            ]
        return headers

    def _allows(self, origin: str | None) -> bool:
        return self._allows_any or origin in self._origins


def _shared_methods() -> list[str]:
    """List the methods of the path, without those that change what is served."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return []
    return sorted(
        method
        for method in adapter.allowed_methods()
        if not str(adapter.match(method=method)[0]).startswith(f"{MANAGEMENT}.")
    )


def _allowed_headers() -> str:
    """Return the headers that a page wants to send: no header of a request is dangerous here."""
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    is_sane = len(wanted) <= _MAX_HEADER_CHARACTERS and _HEADER_NAMES.fullmatch(wanted)
    return wanted if is_sane else _USUAL_HEADERS
