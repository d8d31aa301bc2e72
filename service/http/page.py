"""The web page's own files, which are in the folder `service/page`, and the page itself.

The files have a path that changes with their bytes, so that browsers keep them without asking.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

import orjson
from flask import Blueprint, Response, abort, render_template, request

from service.http import operations
from service.http.content import HTML_TYPE
from service.http.openapi.parts import answers
from service.http.operations import Operation

LANGUAGES = ("en", "pt-BR")

_FOLDER = files("service").joinpath("page")
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    "": "text/plain",  # the licences of others' files
}
_ANSWER = {
    "200": {
        "description": "A file.",
        "content": {each: {"schema": {"type": "string"}} for each in _MEDIA_TYPES.values()},
    }
}
_TEXTS = "texts"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self' data: blob:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_FOR_EVER = "public, max-age=31536000, immutable"


class Page:
    """The page and its files.

    Args:
        needs_key: Whether predictions need an API key.
    """

    def __init__(self, *, needs_key: bool) -> None:
        self._needs_key = needs_key

    def blueprint(self) -> Blueprint:
        """Return the route of the files."""
        routes = Blueprint("page", __name__, template_folder="../page")
        file = Operation(
            rule="/page/<digest>/<path:file>",
            view=self.file,
            tag="about",
            summary="Return a file of the web page.",
            describe=answers(_ANSWER),
            needs_key=False,
        )
        operations.add(routes, [file])
        return routes

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        """Return what a browser may ask for, by path."""
        return {
            path: entry.read_bytes()
            for path, entry in _walk(_FOLDER)
            if PurePosixPath(path).suffix in _MEDIA_TYPES
        }

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(
            b"".join(name.encode() + content for name, content in self._files.items())
        ).hexdigest()[:16]

    def file(self, digest: str, file: str) -> Response:
        """Return a file of the page.

        A page that another version of the service has sent asks for another digest. It gets what
        is here, and keeps it for no other time.
        """
        content = self._files.get(file)
        if content is None:
            abort(404)
        response = _compressed(content, _MEDIA_TYPES[PurePosixPath(file).suffix])
        response.headers["Cache-Control"] = _FOR_EVER if digest == self._digest else "no-cache"
        # A worker runs under the policy of its own script, and sends requests as the page does.
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    def show(self) -> Response:
        """Return the page, in the language that the address or the browser asks for."""
        language = _language(request.args.get("lang", ""), request.accept_languages.values())
        base = request.root_path
        html = render_template(
            "index.html",
            # Without a path of its own that the service knows, the page may lie below that of a
            # proxy.
            root=f"{base}/" if base else "",
            files=f"{base}/page/{self._digest}" if base else f"page/{self._digest}",
            language=language,
            needs_key=self._needs_key,
            texts=_texts(language),
            modules=[path for path in self._files if _is_first(path)],
        )
        response = _compressed(html.encode(), HTML_TYPE)
        response.headers["Content-Language"] = language
        response.headers["Content-Security-Policy"] = _POLICY
        response.vary.add("Accept-Language")
        return response


def _language(asked: str, accepted: Iterable[str]) -> str:
    """Return a language of the page; a reader of Portugal reads Brazil's more easily than English.

    Args:
        asked: Language that the address of the page names.
        accepted: Languages that the browser names, the best one first.
    """
    if asked in LANGUAGES:
        return asked
    by_name = {_first_part(language): language for language in LANGUAGES}
    return next((by_name[each] for each in map(_first_part, accepted) if each in by_name), "en")


def _first_part(language: str) -> str:
    return language.lower().partition("-")[0]


def _walk(folder: Traversable, path: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield the files of a folder and of those in it, in the order of their paths."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _walk(entry, f"{path}{entry.name}/")
        else:
            yield f"{path}{entry.name}", entry


def _is_first(path: str) -> bool:
    """Say whether a file is a script that every panel needs: the browser loads it at once."""
    return "/" not in path and path.endswith(".js") and path != "chart.js"


@lru_cache(maxsize=len(LANGUAGES))
def _texts(language: str) -> Mapping[str, str]:
    """Return the texts of the page: those of `draw.json` have names that begin with `draw.`."""
    return {
        f"{PurePosixPath(path).stem}.{name}": text
        for path, entry in _walk(_FOLDER.joinpath(_TEXTS, language))
        for name, text in orjson.loads(entry.read_bytes()).items()
    }


def _compressed(content: bytes, media_type: str) -> Response:
    """Return an answer that is compressed for a client that can read it."""
    if request.accept_encodings.quality("gzip") > 0:
        response = Response(_gzip(content), mimetype=media_type)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = Response(content, mimetype=media_type)
    response.vary.add("Accept-Encoding")
    return response


@lru_cache(maxsize=64)
def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
