"""The card, the history and the plots of a version over HTTP."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.http.security_headers import security_headers
from service.keys import KeyFile, write_keys
from service.rollout.reports import Reports
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.bundles import write_report, write_table_bundle
from tests.fakes import Client, FakeControlPlane, guard
from vitrine.loading import load_version

REPORT = "/models/rooms/report"


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """The folder of a version that has a report."""
    folder = write_table_bundle(tmp_path)
    write_report(folder)
    return folder


@pytest.fixture
def reader(rooms: Path, registry: CollectorRegistry) -> FlaskClient:
    """A client of an application over that version and one without a report."""
    newer = write_table_bundle(rooms.parents[1], version=2, default=False)
    versions = {n: load_version(folder, threads=1) for n, folder in ((1, rooms), (2, newer))}
    repository = Repository({"rooms": versions})
    app = create_app(
        Settings(),
        repository,
        Metrics(registry),
        FakeControlPlane(repository),
        reports=Reports([rooms.parents[1]]),
    )
    app.test_client_class = Client
    return app.test_client()


def problem_of(client: FlaskClient, file: str) -> str:
    """Ask for a file of version 1 that is not answered, and return what is wrong."""
    response = client.get(f"/models/rooms/versions/1/report/{file}")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert response.get_json()["title"] == "Report file not found"
    detail: str = response.get_json()["detail"]
    return detail


def test_files_are_listed_with_type_and_size(reader: FlaskClient) -> None:
    response = reader.get("/models/rooms/versions/1/report")

    assert response.mimetype == "application/json"
    assert response.get_json() == {
        "model": "rooms",
        "version": 1,
        "files": [
            {"path": "CARD.md", "media_type": "text/markdown; charset=utf-8", "size_bytes": 28},
            {"path": "history.csv", "media_type": "text/csv; charset=utf-8", "size_bytes": 0},
            {"path": "plots/loss.png", "media_type": "image/png", "size_bytes": 8},
        ],
    }


def test_files_are_answered_with_their_types(reader: FlaskClient, rooms: Path) -> None:
    listed = reader.get("/models/rooms/versions/1/report").get_json()["files"]

    assert len(listed) == 3
    for file in listed:
        response = reader.get(f"/models/rooms/versions/1/report/{file['path']}")
        assert response.data == (rooms / file["path"]).read_bytes()
        assert response.content_type == file["media_type"]


def test_version_without_a_report_has_no_files(reader: FlaskClient) -> None:
    assert reader.get(REPORT).get_json() == {"model": "rooms", "version": 2, "files": []}
    assert reader.get(f"{REPORT}/CARD.md").status_code == 404


def test_version_is_found_by_its_label(reader: FlaskClient) -> None:
    assert reader.get("/models/rooms/labels/stable/report").status_code == 404
    reader.patch("/models/rooms", json={"labels": {"stable": 1}})

    assert reader.get("/models/rooms/labels/stable/report").get_json()["version"] == 1


def test_file_that_a_client_has_is_not_sent_again(reader: FlaskClient) -> None:
    path = "/models/rooms/versions/1/report/CARD.md"
    first = reader.get(path)
    again = reader.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert reader.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_file_has_the_security_headers(reader: FlaskClient) -> None:
    headers = reader.get("/models/rooms/versions/1/report/plots/loss.png").headers

    for name, value in security_headers(is_secure=False):
        assert headers.get_all(name) == [
            "private, no-cache" if name == "Cache-Control" else value,
        ]


def test_slash_at_the_end_changes_nothing(reader: FlaskClient) -> None:
    assert reader.get("/models/rooms/versions/1/report/").get_json()["files"]
    assert reader.get("/models/rooms/versions/1/report/CARD.md/").status_code == 200


def test_file_that_is_missing_is_not_listed_and_not_found(reader: FlaskClient, rooms: Path) -> None:
    (rooms / "CARD.md").unlink()

    files = reader.get("/models/rooms/versions/1/report").get_json()["files"]
    assert [file["path"] for file in files] == ["history.csv", "plots/loss.png"]
    assert problem_of(reader, "CARD.md") == (
        "Report file 'CARD.md' of 'rooms', version 1, is missing, or is not what was published."
    )


@pytest.mark.parametrize("added", [b"x", b""], ids=["other size", "other bytes"])
def test_file_that_was_changed_is_not_answered(
    reader: FlaskClient, rooms: Path, added: bytes
) -> None:
    body = (rooms / "CARD.md").read_bytes()
    (rooms / "CARD.md").write_bytes(body.replace(b"rooms", b"tombs") + added)

    assert "is not what was published" in problem_of(reader, "CARD.md")


@pytest.mark.parametrize(
    "file",
    [
        *("manifest.json", "model.onnx", "plots", "../1/CARD.md", "plots/../CARD.md"),
        *("%2e%2e/1/CARD.md", "..%2f1%2fCARD.md", "%2fetc%2fpasswd", "CARD.md%00", "card.md"),
    ],
)
def test_file_that_is_not_listed_is_not_answered(reader: FlaskClient, file: str) -> None:
    assert problem_of(reader, file).endswith(
        " is not in the manifest; listed: CARD.md, history.csv, plots/loss.png."
    )


@pytest.mark.parametrize("name", ["CARD.md", "plots", "plots/loss.png"])
def test_link_is_not_followed(reader: FlaskClient, rooms: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (rooms / name).rename(elsewhere)
    (rooms / name).symlink_to(elsewhere)

    assert problem_of(reader, "plots/loss.png" if name == "plots" else name)


def test_report_needs_a_key_where_keys_are_on(tmp_path: Path, registry: CollectorRegistry) -> None:
    write_keys(tmp_path / "keys.json", [])
    guarded = guard(KeyFile(tmp_path / "keys.json"), registry).test_client()

    assert guarded.get(REPORT).status_code == 401
    assert guarded.get(f"{REPORT}/CARD.md").status_code == 401
