"""Routes that change what is served; each answers when every worker serves the change."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson
from flask import Blueprint, Response, request

from service.errors import (
    BodyTooLarge,
    ChangedMeanwhile,
    InvalidDesiredState,
    ManagementForbidden,
    ModelNotFound,
    NotAgreed,
    NothingBefore,
    NotKept,
    NotShared,
    SourceFailed,
    VersionNotFound,
    VersionRefused,
)
from service.http import context, operations
from service.http.access import Access
from service.http.audit import Audit
from service.http.openapi.answers import PATCH, SERVED
from service.http.openapi.parts import JSON, answer, answers
from service.http.operations import Operation
from service.http.transfer import current_body
from service.reverse_proxies import IS_PROXIED
from service.rollout.control_plane import ControlPlane
from service.rollout.desired import STABLE, DesiredModel, Edit
from service.rollout.model_patch import read_patch
from service.rollout.repository import Repository
from service.rollout.served import ServedModel, describe_serving
from service.settings import Settings
from vitrine.errors import MalformedBody, VitrineError
from vitrine.model import Model

BLUEPRINT = "management"
_TAG = "management"

_SERVED = answer("How every worker serves the model now.", SERVED)
_ERRORS = (
    *(ModelNotFound, ManagementForbidden, NotShared, NotKept, NotAgreed),
    *(SourceFailed, ChangedMeanwhile),
)
_MAX_BYTES = 64 * 1024
_LOOPBACK = frozenset(("127.0.0.1", "::1", "::ffff:127.0.0.1"))
# A browser or a proxy on this machine speaks for others.
_ON_BEHALF = (
    *("Origin", "Sec-Fetch-Site", "Forwarded", "Via", "X-Real-Ip"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix"),
)
_OUR_HOSTS = frozenset(("localhost", "127.0.0.1", "::1"))
# A browser on this machine reaches this machine by them, too.
_WILDCARDS = frozenset(("", "0.0.0.0", "::"))  # noqa: S104 - what is refused


class Management:
    """The views that change what is served.

    Args:
        settings: Settings with the state folder and the address that is listened on.
        repository: What this worker serves.
        control_plane: Changes what is served, in every worker.
        access: Checks the API keys; None where none are asked for.
    """

    def __init__(
        self,
        settings: Settings,
        repository: Repository,
        control_plane: ControlPlane,
        access: Access | None,
    ) -> None:
        self._settings = settings
        self._access = access
        self._hosts = _OUR_HOSTS | ({settings.host.lower()} - _WILDCARDS)
        self._repository = repository
        self._control_plane = control_plane

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint(BLUEPRINT, __name__)
        Audit(self._repository).install(routes)
        routes.before_request(self.authorize)
        operations.add(routes, self._operations())
        return routes

    def _operations(self) -> Iterator[Operation]:
        yield Operation(
            rule="/models/<name>",
            method="PATCH",
            view=self.change,
            tag=_TAG,
            summary="Change policy, labels, canary or shadow of a model.",
            describe=_describe_change,
            errors=[*_ERRORS, MalformedBody, InvalidDesiredState, VersionNotFound, BodyTooLarge],
        )
        yield _action(
            self.load,
            "Look for new versions of a model now, and serve what is desired of it.",
            VersionRefused,
        )
        yield _action(self.unload, "Serve a model no longer, until it is loaded again.")
        yield _action(
            self.rollback,
            "Let the version before the default one answer from now on.",
            NothingBefore,
        )

    def authorize(self) -> None:
        """Refuse whoever may not change what is served.

        Raises:
            ManagementForbidden: The request has no management key or, where there are no keys, is
                none of this machine's own.
            NotShared: The change would reach this worker alone.
        """
        if self._access is not None:
            self._access.check_management(context.current().key)
        elif not self._is_from_this_machine():
            raise ManagementForbidden(has_keys=False)
        is_shared = self._settings.state or self._settings.desired_state == "store"
        if request.is_multiprocess and not is_shared:
            raise NotShared

    def _is_from_this_machine(self) -> bool:
        """Tell whether a program of this machine asks, and for nobody else.

        A page in a browser of this machine is somebody else's. It may have a name of its own for
        the loopback address (DNS rebinding), but that name is in the header Host then.
        """
        is_on_behalf = any(name in request.headers for name in _ON_BEHALF)
        return (
            request.remote_addr in _LOOPBACK
            and not is_on_behalf
            and not request.environ.get(IS_PROXIED)
            and _host_name(request.headers.get("Host", "")) in self._hosts
        )

    def change(self, name: str) -> Response:
        """Change policy, labels, canary or shadow of a model: a JSON merge patch (RFC 7396)."""
        body = current_body()
        body.limit(_MAX_BYTES)
        patch = read_patch(body.read_all())
        return _answer(name, self._control_plane.change(name, patch.apply))

    def load(self, name: str) -> Response:
        """Look for new versions of a model now, and serve what is desired of it."""
        return _answer(name, self._control_plane.load(name))

    def unload(self, name: str) -> Response:
        """Serve a model no longer, until it is loaded again."""
        return _answer(name, self._control_plane.change(name, _unload))

    def rollback(self, name: str) -> Response:
        """Label the version before the default one `stable`, so that it answers from now on.

        Versions that answer only by number are passed over while there are others.
        """
        entry = self._repository.entry(name)
        default = entry.serving.default
        if default is None:
            raise NothingBefore(name, None)
        known = {*entry.versions, *self._control_plane.available(name)} - set(entry.serving.refused)
        earlier = [version for version in known if version < default]
        if not earlier:
            raise NothingBefore(name, default)
        by_number = self._control_plane.by_number(name, earlier)
        before = max(set(earlier) - by_number or earlier)
        return _answer(name, self._control_plane.change(name, _label(STABLE, before)))


def _action(
    view: Callable[[str], Response], summary: str, *errors: type[VitrineError]
) -> Operation:
    """Declare a route that is called as its view is, and takes no body."""
    return Operation(
        rule=f"/models/<name>/{view.__name__}",
        method="POST",
        view=view,
        tag=_TAG,
        summary=summary,
        describe=answers(_SERVED),
        errors=[*_ERRORS, *errors],
    )


def _describe_change(_: Model | None) -> Mapping[str, Any]:
    body = {"schema": PATCH, "example": {"canary_share": None}}
    content = {"application/merge-patch+json": body, JSON: body}
    return {"requestBody": {"required": True, "content": content}, "responses": _SERVED}


def _host_name(host: str) -> str | None:
    """Return the name in a header Host, without a port; None where there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # a broken address
        return None


def _unload(model: DesiredModel) -> DesiredModel:
    return msgspec.structs.replace(model, loaded=False)


def _label(label: str, version: int) -> Edit:
    return lambda model: msgspec.structs.replace(model, labels={**model.labels, label: version})


def _answer(name: str, model: ServedModel) -> Response:
    members = {"name": name, "versions": model.versions, "serving": describe_serving(model)}
    return Response(orjson.dumps(members) + b"\n", mimetype="application/json")
