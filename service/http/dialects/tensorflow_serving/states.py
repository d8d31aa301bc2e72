"""The routes that tell what is served, and of which tensors."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.http import operations
from service.http.content import JSON_TYPE
from service.http.dialects.tensorflow_serving import signatures
from service.http.dialects.tensorflow_serving.descriptions import METADATA, STATUS
from service.http.openapi.parts import answers
from service.http.operations import Operation
from service.rollout.repository import Entry, Repository
from vitrine.errors import VitrineError
from vitrine.model import Model

_TAG = "TensorFlow Serving"
_AVAILABLE = "AVAILABLE"
_VERSIONS = ("", "/versions/<version:version>", "/labels/<label>")


@dataclass(frozen=True, slots=True)
class States:
    """The views, and what they need.

    Attributes:
        repository: What is served.
    """

    repository: Repository

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("tensorflow_serving", __name__)
        for version in _VERSIONS:
            status = Operation(
                rule=f"/v1/models/<name>{version}",
                view=self.status,
                tag=_TAG,
                summary="Say which versions of a model are served, and whether it is ready.",
                describe=answers(STATUS),
                errors=[ModelNotFound, *not_found(version)],
            )
            metadata = Operation(
                rule=f"/v1/models/<name>{version}/metadata",
                view=self.metadata,
                tag=_TAG,
                summary="Describe the signatures of a model.",
                describe=answers(METADATA),
                errors=[ModelNotFound, ModelUnavailable, *not_found(version)],
            )
            operations.add(routes, [status, metadata])
        return routes

    def status(self, name: str, version: int | None = None, label: str | None = None) -> Response:
        """Say which versions of a model are served, and whether it is ready.

        TensorFlow Serving's clients read `model_version_status`, KServe's read `ready`.
        """
        _check_name(name, label)
        entry = self.repository.entry(name)
        if label is not None:
            version = self.repository.get(name, label=label).version
        states = _states(entry)
        if version is not None:
            if version not in states:
                raise VersionNotFound(name, version, states)
            states = {version: states[version]}
        is_ready = any(each["state"] == _AVAILABLE for each in states.values())
        return _answer(
            {"model_version_status": list(states.values()), "name": name, "ready": is_ready}
        )

    def metadata(self, name: str, version: int | None = None, label: str | None = None) -> Response:
        """Describe the signatures of a model."""
        _check_name(name, label)
        model = self._find(name, version, label)
        spec = {"name": name, "signature_name": "", "version": str(model.version)}
        described = {"signature_def": {"signature_def": signatures.describe(model)}}
        return _answer({"model_spec": spec, "metadata": described})

    def _find(self, name: str, version: int | None, label: str | None) -> Model:
        if version is None and label is None:
            return self.repository.default(name)
        return self.repository.get(name, version, label=label)


def not_found(rule: str) -> list[type[VitrineError]]:
    """List why a model that a rule names may have no such version."""
    errors: list[type[VitrineError]] = []
    if "<version:version>" in rule:
        errors.append(VersionNotFound)
    if "<label>" in rule:
        errors.append(LabelNotFound)
    return errors


def _check_name(name: str, label: str | None) -> None:
    """Refuse what no name may have."""
    if ":" in name or ":" in (label or ""):
        abort(HTTPStatus.NOT_FOUND)


def _states(entry: Entry) -> dict[int, dict[str, Any]]:
    """Return the state of each version, the newest first."""
    states = {version: _state(version, _AVAILABLE, "OK", "") for version in entry.versions}
    for version, reason in entry.serving.refused.items():
        states.setdefault(version, _state(version, "END", "FAILED_PRECONDITION", reason))
    return dict(sorted(states.items(), reverse=True))


def _state(version: int, state: str, code: str, message: str) -> dict[str, Any]:
    return {
        "version": str(version),
        "state": state,
        "status": {"error_code": code, "error_message": message},
    }


def _answer(members: dict[str, Any]) -> Response:
    text = json.dumps(members, indent=1, ensure_ascii=False)
    return Response(f"{text}\n", mimetype=JSON_TYPE)
