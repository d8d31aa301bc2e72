"""The paths of TensorFlow Serving, and what is said of a path that is none of them."""

import re
from dataclasses import dataclass
from http import HTTPStatus

# Upper and lower case are alike, but in the names of models and labels. A slash at the end changes
# nothing, as on all paths of the service.
_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICTIONS = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_WHICH}(?P<ending>:(?:classify|regress|predict))/?",
    re.ASCII | re.IGNORECASE,
)
_STATES = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?P<ending>/metadata)?(?:(?<!^/v1/models)/)?",
    re.ASCII | re.IGNORECASE,
)
_LARGEST_VERSION = 2**63 - 1
_SHOWN_CHARACTERS = 200
# Python refuses to read a number of thousands of digits; one of twenty is too large already.
_MOST_DIGITS = 20
_PATTERNS = {"POST": _PREDICTIONS, "GET": _STATES, "HEAD": _STATES}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a path asks for.

    Attributes:
        name: Name of the model; None where there is none.
        version, label: Which version of it; both None for the default one.
        ending: `:predict`, `:classify`, `:regress` or `/metadata`; empty for the state.
    """

    name: str | None
    version: int | None
    label: str | None
    ending: str

    @property
    def path(self) -> str:
        """The path, as the rules spell it."""
        name = "" if self.name is None else f"/{self.name}"
        version = "" if self.version is None else f"/versions/{self.version}"
        label = "" if self.label is None else f"/labels/{self.label}"
        return f"/v1/models{name}{version}{label}{self.ending}"


def parse(method: str, path: str) -> Asked | None:
    """Say what a path asks for; None where it is malformed.

    Args:
        method: HTTP method.
        path: Decoded path.
    """
    pattern = _PATTERNS.get(method)
    return None if pattern is None else _parse(pattern, path)


def respell(path: str) -> str:
    """Return a path as the rules spell it: upper and lower case are alike."""
    asked = _parse(_PREDICTIONS, path) or _parse(_STATES, path)
    return path if asked is None else asked.path


def _parse(pattern: re.Pattern[str], path: str) -> Asked | None:
    found = pattern.fullmatch(path)
    if found is None:
        return None
    version = found["version"]
    return Asked(
        name=found["name"],
        version=None if version is None else int(version[:_MOST_DIGITS]),
        label=found["label"],
        ending=(found["ending"] or "").lower(),
    )


def not_served(method: str, path: str) -> tuple[int, str]:
    """Say that there is nothing at a path: return the status and the words of that server.

    Args:
        method: HTTP method.
        path: Decoded path.
    """
    asked = parse(method, path)
    if asked is None:
        shown = f"{method[:_SHOWN_CHARACTERS]} {path[:_SHOWN_CHARACTERS]}"
        return HTTPStatus.BAD_REQUEST, f"Malformed request: {shown}"
    if asked.name is None:
        return HTTPStatus.BAD_REQUEST, "Missing model name in request."
    if asked.version is not None and asked.version > _LARGEST_VERSION:
        reason = f"Failed to convert version: {asked.version} to numeric."
        return HTTPStatus.BAD_REQUEST, reason
    return HTTPStatus.NOT_FOUND, not_found(asked)


def not_found(asked: Asked) -> str:
    """Say that a model or a version is not served, in the words of that server."""
    name = str(asked.name)[:_SHOWN_CHARACTERS]
    if asked.version is not None:
        return f"Servable not found for request: Specific({name}, {asked.version})"
    return f"Servable not found for request: Latest({name})"


def unknown_label(asked: Asked) -> str:
    """Say that no version has a label, in the words of that server."""
    return f"Unrecognized servable version label: {str(asked.label)[:_SHOWN_CHARACTERS]}"
