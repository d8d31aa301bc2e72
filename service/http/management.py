"""Routes that change what is served; each answers when every worker serves the change."""

import hmac

import msgspec
import orjson
from flask import Blueprint, Response, request

from service.errors import ManagementForbidden, NothingBefore, NotShared
from service.http.transfer import current_body
from service.rollout.control_plane import ControlPlane
from service.rollout.desired import STABLE, DesiredModel, Edit
from service.rollout.model_patch import read_patch
from service.rollout.repository import Repository
from service.rollout.served import ServedModel, describe_serving
from service.settings import Settings

BLUEPRINT = "management"

_MAX_BYTES = 64 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
# A browser or a proxy on this machine speaks for others.
_ON_BEHALF = (
    *("Origin", "Forwarded", "Via", "X-Real-Ip"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
)


class Management:
    """The views that change what is served.

    Args:
        settings: Settings with the management token.
        repository: What this worker serves.
        control_plane: Changes what is served, in every worker.
    """

    def __init__(
        self, settings: Settings, repository: Repository, control_plane: ControlPlane
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._control_plane = control_plane

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint(BLUEPRINT, __name__)
        routes.before_request(self._authorize)
        routes.add_url_rule("/models/<name>", view_func=self.change, methods=["PATCH"])
        for view in (self.load, self.unload, self.rollback):
            path = f"/models/<name>/{view.__name__}"
            routes.add_url_rule(path, view_func=view, methods=["POST"])
        return routes

    def _authorize(self) -> None:
        token = self._settings.management_token
        if not (_has_token(token) if token else _is_from_this_machine()):
            raise ManagementForbidden(has_token=bool(token))
        if request.is_multiprocess and not self._settings.state:
            raise NotShared

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
        default = self._repository.default(name).version
        entry = self._repository.entry(name)
        known = {*entry.versions, *self._control_plane.available(name)} - set(entry.serving.refused)
        earlier = [version for version in known if version < default]
        if not earlier:
            raise NothingBefore(name, default)
        by_number = self._control_plane.by_number(name, earlier)
        before = max(set(earlier) - by_number or earlier)
        return _answer(name, self._control_plane.change(name, _label(STABLE, before)))


def _has_token(token: str) -> bool:
    received = request.headers.get("Authorization", "")
    # WSGI reads headers as Latin-1, whatever they were written in.
    return hmac.compare_digest(received.encode("latin-1"), f"Bearer {token}".encode())


def _is_from_this_machine() -> bool:
    is_on_behalf = any(name in request.headers for name in _ON_BEHALF)
    return request.remote_addr in _LOOPBACK and not is_on_behalf


def _unload(model: DesiredModel) -> DesiredModel:
    return msgspec.structs.replace(model, loaded=False)


def _label(label: str, version: int) -> Edit:
    return lambda model: msgspec.structs.replace(model, labels={**model.labels, label: version})


def _answer(name: str, model: ServedModel) -> Response:
    members = {"name": name, "versions": model.versions, "serving": describe_serving(model)}
    return Response(orjson.dumps(members) + b"\n", mimetype="application/json")
