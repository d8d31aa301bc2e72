"""The routes of a version's report: its card, the history of its training and its plots."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import orjson
from flask import Blueprint, Response, request

from service.errors import ModelNotFound, ReportFileNotFound
from service.http import operations
from service.http.content import JSON_TYPE
from service.http.descriptions import VERSIONS, find_version
from service.http.openapi.answers import REPORT
from service.http.openapi.parts import Schema, answer, answers
from service.http.operations import Operation
from service.rollout.reports import Reports
from service.rollout.repository import Repository

_TAG = "models"
# By the ends of the names that a manifest may list.
_MEDIA_TYPES: Mapping[str, str] = {
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".png": "image/png",
}
_BYTES: Schema = {"type": "string"}
_FILE = {
    "200": {
        "description": "The file, as it was published.",
        "content": {kind.partition(";")[0]: {"schema": _BYTES} for kind in _MEDIA_TYPES.values()},
    },
    "304": {"description": "The file whose ETag the client has named."},
}


class Report:
    """The views, and what they need.

    Args:
        repository: What is served.
        reports: Where the files lie.
    """

    def __init__(self, repository: Repository, reports: Reports) -> None:
        self._repository = repository
        self._reports = reports

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("report", __name__)
        operations.add(routes, self._operations())
        return routes

    def _operations(self) -> Iterator[Operation]:
        for version, error in VERSIONS.items():
            yield Operation(
                rule=f"/models/<name>{version}/report",
                view=self.list_files,
                tag=_TAG,
                summary="List the files that say how a version was trained and how good it is.",
                describe=answers(answer("The files that are there.", REPORT)),
                errors=(ModelNotFound, error),
            )
            yield Operation(
                rule=f"/models/<name>{version}/report/<path:file>",
                view=self.read_file,
                tag=_TAG,
                summary="Return one of these files.",
                describe=answers(_FILE),
                errors=(ModelNotFound, error, ReportFileNotFound),
            )

    def list_files(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        """List the files of a version's report that are there."""
        model = find_version(self._repository, name, version, label)
        files = [
            {"path": path, "media_type": _media_type(path), "size_bytes": file.size_bytes}
            for path, file in self._reports.files(model.manifest).items()
        ]
        members = {"model": model.name, "version": model.version, "files": files}
        return Response(orjson.dumps(members) + b"\n", mimetype=JSON_TYPE)

    def read_file(
        self, name: str, file: str, version: int | None = None, label: str | None = None
    ) -> Response:
        """Return a file of a version's report, which a client may keep if it asks each time."""
        model = find_version(self._repository, name, version, label)
        file = file.removesuffix("/")  # as in every path
        body = self._reports.read(model.manifest, file)
        if body is None:
            raise ReportFileNotFound(model.name, model.version, file, model.manifest.report)
        response = Response(body, content_type=_media_type(file))
        response.set_etag(model.manifest.report[file].sha256)
        response.headers["Cache-Control"] = "private, no-cache"
        response.make_conditional(request)
        return response


def _media_type(path: str) -> str:
    return _MEDIA_TYPES[PurePosixPath(path).suffix]
