"""Routes that change what is served; each answers when every worker serves it so."""

import hmac
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import msgspec
import orjson
from flask import Blueprint, Response, request

from service.errors import InvalidDesiredState, ManagementForbidden, NothingBefore, NotShared
from service.http.transfer import current_body
from service.rollout.control_plane import ControlPlane
from service.rollout.desired import (
    CANARY,
    LABEL_PATTERN,
    STABLE,
    DesiredModel,
)
from service.rollout.repository import Repository
from service.rollout.served import ServedModel, describe_serving
from service.settings import Settings
from service.version_policy import InvalidPolicy, Policy, parse_policy
from vitrine.errors import Fault, MalformedBody, nearest, shown

_MAX_BYTES = 64 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
# A browser or a proxy on this machine speaks for others.
_ON_BEHALF = (
    *("Origin", "Forwarded", "Via", "X-Real-Ip"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
)


Change = Callable[[DesiredModel], DesiredModel]


class Management:
    """The views, and what they need."""

    def __init__(
        self, settings: Settings, repository: Repository, control_plane: ControlPlane
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._control_plane = control_plane

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("management", __name__)
        routes.before_request(self._authorize)
        routes.add_url_rule("/models/<name>", view_func=self.change, methods=["PATCH"])
        for view in (self.load, self.unload, self.rollback):
            path = f"/models/<name>/{view.__name__}"
            routes.add_url_rule(path, view_func=view, methods=["POST"])
        return routes

    def _authorize(self) -> None:
        token = self._settings.management_token
        if token:
            given = request.headers.get("Authorization", "")
            # WSGI reads headers as Latin-1, whatever they were written in.
            allowed = hmac.compare_digest(given.encode("latin-1"), f"Bearer {token}".encode())
        else:
            allowed = request.remote_addr in _LOOPBACK and not any(
                name in request.headers for name in _ON_BEHALF
            )
        if not allowed:
            raise ManagementForbidden(has_token=bool(token))
        if request.is_multiprocess and not self._settings.state:
            raise NotShared

    def change(self, name: str) -> Response:
        """Change policy, labels, canary or shadow of a model: a JSON merge patch (RFC 7396)."""
        body = current_body()
        body.limit(_MAX_BYTES)
        changes = _read_changes(body.read_all())
        return _answer(name, self._control_plane.change(name, changes))

    def load(self, name: str) -> Response:
        """Look for new versions of a model now, and serve what is wanted of it."""
        return _answer(name, self._control_plane.load(name))

    def unload(self, name: str) -> Response:
        """Serve a model no longer, until it is loaded again."""
        serving = self._control_plane.change(
            name, lambda wish: msgspec.structs.replace(wish, loaded=False)
        )
        return _answer(name, serving)

    def rollback(self, name: str) -> Response:
        """Let the version before the default one answer from now on, by the label `stable`."""
        default = self._repository.default(name).version
        entry = self._repository.entry(name)
        known = {*entry.versions, *self._control_plane.available(name)} - set(entry.serving.refused)
        earlier = [version for version in known if version < default]
        if not earlier:
            raise NothingBefore(name, default)
        return _answer(name, self._control_plane.change(name, _labelled(STABLE, max(earlier))))


def _labelled(label: str, version: int) -> Change:
    return lambda wish: msgspec.structs.replace(wish, labels={**wish.labels, label: version})


def _answer(name: str, serving: ServedModel) -> Response:
    members = {"name": name, "versions": serving.versions, "serving": describe_serving(serving)}
    return Response(orjson.dumps(members) + b"\n", mimetype="application/json")


def _read_changes(data: bytes) -> Change:
    """Read a merge patch of a wish.

    Raises:
        MalformedBody: It is no JSON object.
        InvalidDesiredState: A member is unknown or has a value out of its range.
    """
    try:
        members = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MalformedBody(f"The body must be a JSON object of {', '.join(_READERS)}.") from None
    faults: list[Fault] = []
    changes = []
    for name, value in members.items():
        read = _READERS.get(name)
        if read is None:
            detail = f"{shown(name)} is not known.{nearest(name, _READERS)}"
            faults.append(Fault(detail=detail, pointer=f"#/{name[:40]}"))
        else:
            changes.append(read(value, faults))
    if faults:
        raise InvalidDesiredState(faults)

    def change(wish: DesiredModel) -> DesiredModel:
        for apply in changes:
            wish = apply(wish)
        if wish.canary_share and CANARY not in wish.labels:
            detail = f"must be 0 where no version has the label {CANARY!r}"
            raise InvalidDesiredState([_fault("canary_share", detail, wish.canary_share)])
        return wish

    return change


def _fault(place: str, rule: str, value: object) -> Fault:
    return Fault(detail=f"{place} {rule}. Received: {shown(value)}.", pointer=f"#/{place}")


def _read_policy(value: object, faults: list[Fault]) -> Change:
    policy: Policy | None = None
    if value is not None:
        try:
            policy = parse_policy(value if isinstance(value, str) else "")
        except InvalidPolicy:
            rule = "must be 'all', 'latest:N', version numbers such as '1,3', or null"
            faults.append(_fault("policy", rule, value))
    return lambda wish: msgspec.structs.replace(wish, policy=policy)


def _read_labels(value: object, faults: list[Fault]) -> Change:
    if value is None:
        return lambda wish: msgspec.structs.replace(wish, labels={})
    if not isinstance(value, dict):
        faults.append(_fault("labels", "must be an object of labels and versions, or null", value))
        return lambda wish: wish
    for label, version in value.items():
        if not LABEL_PATTERN.fullmatch(label):
            rule = "must be at most 64 letters, digits, '_', '-' or '.'"
            faults.append(_fault("labels", f"has a label that {rule}", label))
        elif version is not None and not _is_version(version):
            faults.append(_fault(f"labels/{label}", "must be a version's number or null", version))

    def change(wish: DesiredModel) -> DesiredModel:
        merged = {**wish.labels, **value}
        labels = {label: version for label, version in merged.items() if version is not None}
        return msgspec.structs.replace(wish, labels=labels)

    return change


def _read_share(value: object, faults: list[Fault]) -> Change:
    share = 0.0
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        share = float(value)
    elif value is not None:
        faults.append(_fault("canary_share", "must be a number from 0 to 1, or null", value))
    return lambda wish: msgspec.structs.replace(wish, canary_share=share)


def _read_shadow(value: object, faults: list[Fault]) -> Change:
    shadow = value if _is_version(value) else None
    if value is not None and shadow is None:
        faults.append(_fault("shadow", "must be a version's number or null", value))
    return lambda wish: msgspec.structs.replace(wish, shadow=shadow)


def _is_version(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 10**18


_READERS: Mapping[str, Callable[[object, list[Fault]], Change]] = {
    "policy": _read_policy,
    "labels": _read_labels,
    "canary_share": _read_share,
    "shadow": _read_shadow,
}
