"""The web page's own files, which are in the folder `service/page`, and the page itself.

The files have a path that changes with their bytes, so that browsers keep them without asking.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

import orjson
from flask import Blueprint, Response, abort, request
from jinja2 import Environment, FileSystemLoader

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
_FIRST_PANEL = "draw"
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
        routes = Blueprint("page", __name__)
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

    def file(self, digest: str, file: str) -> Response:
        """Return a file of the page.

        A page that another version of the service has sent asks for another digest. It gets what
        is here, and keeps it for no other time.
        """
        content = _files().get(file)
        if content is None:
            abort(404)
        response = _compressed(content, _MEDIA_TYPES[PurePosixPath(file).suffix])
        response.headers["Cache-Control"] = _FOR_EVER if digest == _digest() else "no-cache"
        # A worker runs under the policy of its own script, and sends requests as the page does.
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    def show(self) -> Response:
        """Return the page, in the language that the address or the browser asks for."""
        language = _language(request.args.get("lang", ""), _accepted())
        html = _render(language, request.root_path, needs_key=self._needs_key)
        response = _compressed(html, HTML_TYPE)
        response.headers["Content-Language"] = language
        response.headers["Content-Security-Policy"] = _POLICY
        response.vary.add("Accept-Language")
        return response


def prepare() -> None:
    """Read the files and compile the templates, which processes that are forked then have."""
    for language in LANGUAGES:
        _render(language, "", needs_key=False)


@lru_cache(maxsize=16)
def _render(language: str, base: str, *, needs_key: bool) -> bytes:
    """Write the page.

    Args:
        language: What it is written in.
        base: Path below which a proxy shows the service, as far as the service knows it. Where it
            knows none, the page may still lie below one, so that its links are relative.
        needs_key: Whether predictions need an API key.
    """
    html = (
        _environment()
        .get_template("index.html")
        .render(
            root=f"{base}/" if base else "",
            files=f"{base}/page/{_digest()}" if base else f"page/{_digest()}",
            language=language,
            needs_key=needs_key,
            texts=_texts(language),
            modules=[path for path in _files() if _is_first(path)],
        )
    )
    return html.encode()


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(str(_FOLDER)), autoescape=True)


@cache
def _files() -> Mapping[str, bytes]:
    """Return what a browser may ask for, by path."""
    return {
        path: entry.read_bytes()
        for path, entry in _walk(_FOLDER)
        if PurePosixPath(path).suffix in _MEDIA_TYPES
    }


@cache
def _digest() -> str:
    content = b"".join(name.encode() + content for name, content in _files().items())
    return hashlib.sha256(content).hexdigest()[:16]


def _accepted() -> Iterator[str]:
    """Yield the languages that the browser names, the best one first."""
    return (language for language, quality in request.accept_languages if quality > 0)


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
    """Say whether a script is one that the page begins with: the browser loads it at once."""
    folder, _, name = path.rpartition("/")
    return folder in {"", _FIRST_PANEL} and name.endswith(".js")


@cache
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
