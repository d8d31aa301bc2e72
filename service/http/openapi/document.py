"""Operations and models -> an OpenAPI document.

A path that names a model stands there once for every model, and once more for each of them where
its description is another one: with the real names, types, labels and an example that works.

References:
    OpenAPI Initiative (2024), OpenAPI Specification 3.1.1.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson

from service.errors import KeyRequired, RateExceeded
from service.http.operations import Operation
from service.http.problems import PROBLEM_TYPE, ErrorBody, Problem
from vitrine.errors import Fault, VitrineError
from vitrine.model import Model

Members = dict[str, Any]

# Given a path and a problem at it.
WriteError = Callable[[str, Problem], ErrorBody]

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_KEY_SCHEME = "key"
_MAX_VERSION = 10**18 - 1
_ABOUT = (
    "Predictions of the models that are served now, each with how far to trust it. This document "
    "follows what is served: ask for it again after a change; its ETag says whether there was one."
)
_TEXT = {"type": "string"}
_PROBLEM: Members = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "Kind of the problem."},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong with this request."},
        "instance": {"type": "string", "description": "Id of the request, as in `X-Request-Id`."},
        "errors": {
            "type": "array",
            "description": "All faults of the body, the first of them.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": _TEXT,
                    "line": {"type": "integer"},
                    "column": _TEXT,
                    "detail": _TEXT,
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


class DocumentBuilder:
    """Describes a service.

    Args:
        operations: What it answers.
        names: Names of all models, those included that are not served now.
        models: Models that are served, each by the version that answers by default.
        write_error: Writes errors, in the language of their path.
        open_rules: Rules of the paths that need no key; None where nobody needs one.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        names: Sequence[str],
        models: Sequence[Model],
        write_error: WriteError,
        *,
        open_rules: frozenset[str] | None,
    ) -> None:
        self._operations = operations
        self._names = names
        self._models = models
        self._write_error = write_error
        self._open_rules = open_rules

    def build(self) -> Members:
        """Return the document, without its servers."""
        components: Members = {"schemas": {"Problem": _PROBLEM}}
        if self._open_rules is not None:
            components["securitySchemes"] = {_KEY_SCHEME: {"type": "http", "scheme": "bearer"}}
        return {
            "openapi": "3.1.1",
            "info": {"title": "Vitrine", "version": "1", "description": _ABOUT},
            "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in self._operations)],
            "paths": self._paths(),
            "components": components,
        }

    def _paths(self) -> Members:
        paths: dict[str, Members] = {}
        for operation in self._operations:
            for path, model in self._places(operation):
                methods = paths.setdefault(path, {})
                methods[operation.method.lower()] = self._describe(operation, path, model)
        return paths

    def _places(self, operation: Operation) -> Iterable[tuple[str, Model | None]]:
        """Yield each path at which an operation is described, with the model that it names."""
        yield _path(operation.rule), None
        if _variables(operation.rule) != ["name"]:
            return
        known = (None, operation.describe(None))
        for model in self._models:
            if operation.describe(model) not in known:
                yield _path(operation.rule, quote(model.name, safe="")), model

    def _describe(self, operation: Operation, path: str, model: Model | None) -> Members:
        described = dict(operation.describe(model) or {})
        own = described.pop("parameters", [])
        parameters = [*map(self._path_parameter, re.findall(r"{(\w+)}", path)), *own]
        responses = {**described.pop("responses", _UNTOLD), **self._errors(operation)}
        return {
            "tags": [operation.tag],
            "operationId": _operation_id(operation.method, path),
            "summary": operation.summary,
            **({"parameters": parameters} if parameters else {}),
            **described,
            "responses": responses,
            **({"security": [{_KEY_SCHEME: []}]} if self._needs_key(operation) else {}),
        }

    def _path_parameter(self, name: str) -> Members:
        schema: Members = {"type": "string"}
        if name == "name" and self._names:
            schema["enum"] = list(self._names)
        if name == "version":
            schema = {"type": "integer", "minimum": 1, "maximum": _MAX_VERSION}
        described = {"description": _DESCRIBED[name]} if name in _DESCRIBED else {}
        return {"name": name, "in": "path", "required": True, **described, "schema": schema}

    def _needs_key(self, operation: Operation) -> bool:
        return self._open_rules is not None and operation.rule not in self._open_rules

    def _errors(self, operation: Operation) -> Members:
        """Describe the errors of an operation, by their status."""
        keys = (KeyRequired, RateExceeded) if self._needs_key(operation) else ()
        found: dict[int, list[tuple[Problem, ErrorBody]]] = {}
        elsewhere = [_NOT_HERE] if _variables(operation.rule) else []
        for problem in [*map(_problem, (*operation.errors, *keys)), *elsewhere, _FAILURE]:
            path = _asked_path(operation.rule, version="x" if problem is _NOT_HERE else "1")
            asked = replace(problem, method=operation.method, path=path)
            said = self._write_error(path, asked)
            found.setdefault(said.status, []).append((asked, said))
        return {str(status): _error_answer(found[status]) for status in sorted(found)}


_UNTOLD: Mapping[str, Any] = {"200": {"description": "The answer."}}
_DESCRIBED = {
    "name": "Name of a model.",
    "version": "Number of one of its versions.",
    "label": "Label of one of its versions, such as `stable`.",
    "file": "Path of a file, which may have slashes.",
}


def _of_status(status: HTTPStatus, detail: str) -> Problem:
    return Problem(
        status=status,
        kind=None,
        title=status.phrase,
        detail=detail,
        request_id="example",
        root="",
    )


_FAILURE = _of_status(
    HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed; its log says more under this id."
)
# A path with something else in the place of a variable, such as of a number.
_NOT_HERE = _of_status(HTTPStatus.NOT_FOUND, "Nothing is served at this path.")


def _variables(rule: str) -> list[str]:
    return _VARIABLE.findall(rule)


def _path(rule: str, name: str = "{name}") -> str:
    """Write a rule as OpenAPI writes paths."""
    return _VARIABLE.sub(lambda found: name if found[1] == "name" else f"{{{found[1]}}}", rule)


def _asked_path(rule: str, *, version: str) -> str:
    """Return a path as a client asks for it; some languages tell errors by it."""
    return _VARIABLE.sub(lambda found: version if found[1] == "version" else "example", rule)


def _operation_id(method: str, path: str) -> str:
    words = [word.strip("{}") for word in re.split(r"[/:]", path) if word]
    return re.sub(r"\W", "_", "_".join([method.lower(), *words]) or "root")


def _problem(error: type[VitrineError]) -> Problem:
    """Return the problem of an error, as far as it is the same for every occurrence."""
    detail = (error.__doc__ or "").partition("\n")[0]
    raised = error.__new__(error)  # whatever its own message is made of
    VitrineError.__init__(raised, detail, faults=[Fault(detail=detail)])
    return Problem(
        status=error.status,
        kind=error.slug(),
        title=error.title,
        detail=detail,
        request_id="example",
        root="",
        error=raised,
    )


def _error_answer(told: Sequence[tuple[Problem, ErrorBody]]) -> Members:
    """Describe all errors of one status."""
    listed = (f"`{problem.kind or 'about:blank'}`: {problem.detail}" for problem, _ in told)
    bodies = {body.content_type.partition(";")[0]: body for _, body in told}
    content = {
        media_type: {"schema": _schema_of(body)}
        for media_type, body in bodies.items()
        if media_type
    }
    described = "\n".join(dict.fromkeys(listed))
    return {"description": described, **({"content": content} if content else {})}


def _schema_of(body: ErrorBody) -> Members:
    """Describe a body by the members that it has."""
    if body.content_type == PROBLEM_TYPE:
        return {"$ref": "#/components/schemas/Problem"}
    try:
        members = orjson.loads(body.body)
    except orjson.JSONDecodeError:
        return {"type": "string"}
    return {
        "type": "object",
        "required": list(members),
        "properties": {name: {"type": _TYPES[type(value)]} for name, value in members.items()},
    }


_TYPES: Mapping[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}
