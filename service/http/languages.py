"""What a language is: how clients ask for predictions, and how they are answered.

Ours is one, and each file in `dialects/` is another one. All of them meet the same limits, models,
metrics and queues: whatever touches every request stands outside of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from flask import Blueprint, Flask, Response

from service.http.content import MediaHeaders
from service.http.context import RequestContext
from service.http.operations import Operation
from service.http.predictor import Admit, Body, Prepared, Target, admit_all
from service.http.problems import ErrorBody, Problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Name of the languages among the extensions of an application.
LANGUAGES = "vitrine.languages"

VERSION_PATTERN = r"[1-9][0-9]{0,17}"
# What a rule's converter takes; a path of other characters is left to the ordinary route.
_PATTERNS = {
    "<name>": r"(?P<name>[\w.~-]+)",
    "<version:version>": f"(?P<version>{VERSION_PATTERN})",
    "<label>": r"(?P<label>[\w.~-]+)",
}
_CONVERTER = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path at which predictions are asked for.

    Attributes:
        language: The language whose path it is.
        rule: Rule that the path matched, which metrics and logs name.
        path: The path.
        names: The model's name, version and label, as far as the path has them.
        query: The query, without its question mark.
    """

    language: "Language"
    rule: str
    path: str
    names: Mapping[str, str]
    query: str

    @property
    def target(self) -> Target:
        """What the request asks for.

        Raises:
            VitrineError: The path names no model, and it is not settled which one is meant.
        """
        return self.language.target(self.names, self.query)


@dataclass(slots=True, kw_only=True)  # not frozen: that takes four times as long to make
class Question:
    """What a request for predictions says beside its body.

    Attributes:
        target: What it asks for.
        rule: Rule that its path matched.
        media: How the body is written, and how the answer may be.
        header: Returns the value of a header by its name in lower case; empty where it is absent.
            The names are those of `READ_HEADERS`.
        url: Returns where the request was sent, for the example in an error.
        limit: Called with the seconds that the request says it may take; raises where these are
            over.
        admit: Judges pictures and rows of JSON before they are decoded.
    """

    target: Target
    rule: str
    media: MediaHeaders
    header: Callable[[str], str]
    url: Callable[[], str]
    limit: Callable[[float], None]
    admit: Admit = field(default=admit_all)


View = Callable[..., Response]

# Headers that a language may ask for, beside those of its media types.
READ_HEADERS = (
    *("accept-encoding", "inference-header-content-length"),
    "x-amzn-sagemaker-custom-attributes",
)


class Language(Protocol):
    """One way in which clients ask and are answered."""

    @property
    def prefixes(self) -> Sequence[str]:
        """Paths below which errors are told in this language."""

    @property
    def rules(self) -> Sequence[str]:
        """Rules of the paths at which predictions are asked for.

        Their converters are `<name>`, `<version:version>` and `<label>`.
        """

    @property
    def probes(self) -> Sequence[str]:
        """Paths of health checks: they need no key, and wait for nobody."""

    @property
    def reads_csv(self) -> bool:
        """Whether a body may be a table, which is read while it arrives."""

    def target(self, names: Mapping[str, str], query: str) -> Target:
        """Say what a path asks for.

        Args:
            names: The model's name, version and label, as far as the path has them.
            query: The query, without its question mark.

        Raises:
            VitrineError: The path names no model, and it is not settled which one is meant.
        """

    def prepare(self, question: Question, body: Body, context: RequestContext) -> Prepared:
        """Find the model, and begin to read the body.

        Raises:
            VitrineError: The request cannot be answered.
        """

    def error_body(self, problem: Problem) -> ErrorBody:
        """Say what is wrong with a request."""

    def operation(self, rule: str, view: View) -> Operation:
        """Declare a route of predictions.

        Args:
            rule: One of `rules`.
            view: What answers it.
        """

    def blueprint(self) -> Blueprint | None:
        """Return the other routes; None where there are none."""


@runtime_checkable
class Respelling(Protocol):
    """A language in which one path may be spelt in several ways."""

    def respell(self, path: str) -> str:
        """Return a path in the spelling of the rules; one of another language as it is."""


class Languages:
    """The languages that a service speaks.

    Args:
        own: Our own language, which is spoken wherever no other one is.
        others: The other languages.
    """

    def __init__(self, own: Language, others: Sequence[Language] = ()) -> None:
        self.all: tuple[Language, ...] = (own, *others)
        self._own = own
        self._rules = [
            (re.compile(f"{_pattern(rule)}/?", re.ASCII), rule, language)
            for language in self.all
            for rule in language.rules
        ]
        self._ends = tuple(
            sorted({_CONVERTER.split(rule)[-1].lower().encode() for _, rule, _ in self._rules})
        )
        # The longest one first: a platform may choose a path below the prefix of another language.
        prefixes = [
            (prefix.lower(), language) for language in others for prefix in language.prefixes
        ]
        self._respelling = [each for each in others if isinstance(each, Respelling)]
        self._prefixes = sorted(prefixes, key=lambda pair: len(pair[0]), reverse=True)
        # Clients ask for the same few paths again and again.
        self.match = lru_cache(maxsize=1024)(self._match)

    @property
    def probes(self) -> frozenset[str]:
        """The paths of health checks."""
        return frozenset(path for language in self.all for path in language.probes)

    def _match(self, target: bytes) -> Route | None:
        """Return the route of a target that asks for predictions; None for any other target.

        Args:
            target: Path and query, as the client sent them.
        """
        path, _, query = target.decode("latin-1").partition("?")
        spelt = self.respell(path)
        for pattern, rule, language in self._rules:
            found = pattern.fullmatch(spelt)
            if found is not None:
                names = found.groupdict()
                return Route(language=language, rule=rule, path=path, names=names, query=query)
        return None

    def install(self, app: Flask) -> None:
        """Let an application find its routes in every spelling of their paths."""
        answer = app.wsgi_app

        def respelling(
            environ: "WSGIEnvironment", start_response: "StartResponse"
        ) -> Iterable[bytes]:
            environ["PATH_INFO"] = self.respell(environ.get("PATH_INFO", ""))
            return answer(environ, start_response)

        app.wsgi_app = respelling  # type: ignore[method-assign]

    def respell(self, path: str) -> str:
        """Return a path in the spelling of the rules."""
        for language in self._respelling:
            path = language.respell(path)
        return path

    def asks_for_predictions(self, target: bytes) -> bool:
        """Tell whether a target may ask for predictions, be it escaped or not."""
        lowered = target.lower()  # in some languages, upper and lower case are alike
        return any(end in lowered for end in self._ends)

    def of(self, path: str) -> Language:
        """Return the language in which errors at a path are told."""
        path = path.lower()
        for prefix, language in self._prefixes:
            if path == prefix or path.startswith(f"{prefix}/"):
                return language
        return self._own


def _pattern(rule: str) -> str:
    parts = re.split(r"(<[^>]+>)", rule)
    return "".join(_PATTERNS.get(part) or re.escape(part) for part in parts)
