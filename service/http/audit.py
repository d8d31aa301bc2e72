"""A record in the log for each try to change what is served, be it refused or not."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, request

from service.http import context
from service.rollout.repository import Repository
from service.rollout.served import describe_serving
from service.telemetry.logs import AUDIT, FieldsRecord

_log = logging.getLogger(AUDIT)


class Audit:
    """Logs who tried what, what was served before and after, and what came of it.

    Args:
        repository: What this worker serves.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def install(self, routes: Blueprint) -> None:
        """Log every request of a blueprint, whose paths name a model; call it first."""
        routes.before_request(self._begin)
        routes.after_request(self._end)

    def _begin(self) -> None:
        g.served_before = self._serving()

    def _end(self, response: Response) -> Response:
        after = self._serving()
        current = context.current()
        key = current.key
        fields: dict[str, Any] = {
            "request_id": current.request_id,
            "who": f"key {key.name}" if key is not None else f"address {request.remote_addr}",
            "remote": request.remote_addr,
            "action": (request.endpoint or "").rpartition(".")[2],
            "model": (request.view_args or {}).get("name"),
            # A request without a valid key is refused before anything is looked at.
            "before": g.get("served_before", after),
            "after": after,
            "status": response.status_code,
            "result": "done" if response.status_code == HTTPStatus.OK else current.reason,
        }
        level = logging.INFO if response.status_code == HTTPStatus.OK else logging.WARNING
        _log.handle(FieldsRecord(_log.name, level, "change", fields))
        return response

    def _serving(self) -> dict[str, Any] | None:
        """Return how the model that the path names is served; None for an unknown one."""
        entry = self._repository.current.get((request.view_args or {}).get("name", ""))
        return None if entry is None else describe_serving(entry.serving)
