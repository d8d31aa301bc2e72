"""An application over fake models, and real bundles in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.bundles import write_picture_bundle, write_table_bundle
from tests.fakes import Client, FakeControlPlane, fake_repository
from tests.publishers import s3_server, s3_variables

# These have commands of their own: `make clients` and `make cluster`.
collect_ignore = ["clients", "cluster"]


@pytest.fixture
def settings() -> Settings:
    """Settings with limits that small payloads reach."""
    return Settings(
        max_body_bytes=200_000,
        max_csv_bytes=2_000_000,
        max_files=3,
        max_instances=40,
        max_rows=100_000,
        max_row_bytes=1024,
        max_pixels=10_000,
    )


@pytest.fixture
def registry() -> CollectorRegistry:
    """Metrics of this test alone."""
    return CollectorRegistry()


@pytest.fixture
def app(settings: Settings, registry: CollectorRegistry) -> Flask:
    """An application over fake models."""
    repository = fake_repository()
    app = create_app(settings, repository, Metrics(registry), FakeControlPlane(repository))
    app.test_client_class = Client
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that needs no server."""
    return app.test_client()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two real bundles, "rooms" and "strokes"."""
    folder = tmp_path / "models"
    write_table_bundle(folder)
    write_picture_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an S3 server."""
    with s3_server() as url:
        yield url


@pytest.fixture
def amazon(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an S3 server, to which the variables of AWS lead."""
    for name, value in s3_variables(s3).items():
        monkeypatch.setenv(name, value)
    return s3
