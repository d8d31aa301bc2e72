"""One declaration of a route: what answers it, and what the description of the service says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from flask.sansio.app import App

from service.errors import (
    BodyTimeout,
    BodyTooLarge,
    BodyTooSlow,
    DeadlineExceeded,
    ModelNotFound,
    ModelUnavailable,
    NotAcceptable,
    OutOfMemory,
    Overloaded,
    UnsupportedMediaType,
)
from vitrine.errors import (
    BlankPicture,
    EmptyBody,
    InvalidInstances,
    InvalidParameter,
    MalformedBody,
    MalformedPicture,
    NoFiniteAnswer,
    PictureTooLarge,
    RowTooLarge,
    TooManyInstances,
    UnsupportedPicture,
    VitrineError,
)
from vitrine.model import Model

# Name of the operations among the extensions of an application.
_OPERATIONS = "vitrine.operations"

# What a request for predictions may raise, in any language.
PREDICTION_ERRORS: tuple[type[VitrineError], ...] = (
    *(ModelNotFound, ModelUnavailable),
    *(EmptyBody, InvalidParameter, MalformedBody, MalformedPicture),
    *(UnsupportedMediaType, UnsupportedPicture, NotAcceptable),
    *(BodyTooLarge, PictureTooLarge, RowTooLarge, TooManyInstances),
    *(BlankPicture, InvalidInstances, NoFiniteAnswer),
    *(BodyTimeout, BodyTooSlow, DeadlineExceeded, Overloaded, OutOfMemory),
)

# Given a model for a rule that names one, else None; returns members of OpenAPI's operation object:
# `parameters`, `requestBody` and `responses`. Parameters of the path and errors come by themselves.
# None for a model of which the route knows nothing.
Describe = Callable[[Model | None], Mapping[str, Any] | None]


def say_nothing(_: Model | None) -> Mapping[str, Any]:
    """Leave what a route takes and gives undescribed."""
    return {}


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
        errors: What it may raise, beside what any route may.
        needs_key: Whether it needs an API key, where there are any.
    """

    rule: str
    method: str = "GET"
    view: Callable[..., Any]
    tag: str
    summary: str
    describe: Describe = say_nothing
    errors: Sequence[type[VitrineError]] = ()
    needs_key: bool = True


def add(blueprint: Blueprint, operations: Iterable[Operation]) -> None:
    """Add routes to a blueprint, and their descriptions to the application that takes it."""
    for operation in operations:
        # The views of predictions are partial functions, which have no name.
        # A name may have no dot, which a path may.
        own_name = f"{operation.method} {operation.rule}".replace(".", "_")
        endpoint = getattr(operation.view, "__name__", own_name)
        blueprint.add_url_rule(operation.rule, endpoint, operation.view, methods=[operation.method])
        blueprint.record(lambda state, each=operation: _note(state, each))  # type: ignore[misc]


def _note(state: BlueprintSetupState, operation: Operation) -> None:
    operations_of(state.app).append(operation)


def operations_of(app: App) -> list[Operation]:
    """Return the operations of an application, in the order of their declaration."""
    operations: list[Operation] = app.extensions.setdefault(_OPERATIONS, [])
    return operations


def open_rules(app: App) -> frozenset[str]:
    """Return the rules of the paths that need no API key."""
    return frozenset(each.rule for each in operations_of(app) if not each.needs_key)
