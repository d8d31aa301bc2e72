"""One declaration of a route: what answers it, and what the description of the service says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from flask.sansio.app import App

from vitrine.model import Model

# Name of the operations among the extensions of an application.
_OPERATIONS = "vitrine.operations"

# Given a model for a rule that names one, else None; returns members of OpenAPI's operation object:
# `parameters`, `requestBody` and `responses`.
Describe = Callable[[Model | None], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route and its description.

    Attributes:
        rule: Rule of its path.
        method: HTTP method.
        view: What answers it.
        tag: Heading under which it is listed.
        summary: What it does, in one line.
        describe: Says what it takes and gives.
    """

    rule: str
    method: str = "GET"
    view: Callable[..., Any]
    tag: str
    summary: str
    describe: Describe


def add(blueprint: Blueprint, operations: Iterable[Operation]) -> None:
    """Add routes to a blueprint, and their descriptions to the application that takes it."""
    for operation in operations:
        endpoint = getattr(operation.view, "__name__", operation.rule)
        blueprint.add_url_rule(operation.rule, endpoint, operation.view, methods=[operation.method])
        blueprint.record(lambda state, each=operation: _note(state, each))  # type: ignore[misc]


def _note(state: BlueprintSetupState, operation: Operation) -> None:
    operations_of(state.app).append(operation)


def operations_of(app: App) -> list[Operation]:
    """Return the operations of an application, in the order of their declaration."""
    operations: list[Operation] = app.extensions.setdefault(_OPERATIONS, [])
    return operations
