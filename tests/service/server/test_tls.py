"""Encrypted connections: what is answered on them, what is not, and what a reload changes."""

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from service.server.tls import Certificate, InvalidCertificate
from tests.bundles import write_picture_bundle
from tests.certificates import write_certificate
from tests.fakes import picture, table
from tests.servers import ROOT, Server, serving
from tests.traffic import until

STROKES = "/models/strokes/predict"
PLAIN = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    write_certificate(path, "first")
    return path


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[Server]:
    """A server of one worker that encrypts its connections."""
    models = certificate.parent / "models"
    write_picture_bundle(models)
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE  # it changes meanwhile
    with serving(
        models=models,
        workers=1,
        tls=client,
        tls_certificate=certificate,
        body_timeout_seconds=1,
    ) as running:
        yield running


def bare(server: Server) -> socket.socket:
    """Open a connection that is not encrypted."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def subject(server: Server) -> bytes:
    """Return the certificate that the server shows."""
    return ssl.get_server_certificate(("127.0.0.1", server.port)).encode()


def handshake(server: Server, version: ssl.TLSVersion) -> str | None:
    """Connect with one version of TLS, and return its name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with bare(server) as connection, context.wrap_socket(connection) as encrypted:
        return encrypted.version()


def test_clients_that_never_encrypt_keep_nobody_out(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture_bundle(tmp_path)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--worker-connections 20")
    client = ssl.create_default_context(cafile=str(certificate))
    client.check_hostname = False
    with (
        serving(
            models=tmp_path,
            workers=1,
            tls=client,
            tls_certificate=certificate,
            body_timeout_seconds=300,
        ) as server,
        ExitStack() as silent,
    ):
        for _ in range(1000):
            silent.enter_context(bare(server))
        with closing(server.connect()) as connection:
            connection.timeout = 10
            connection.request("GET", "/livez")

            assert connection.getresponse().status == 200


@pytest.mark.parametrize("path", [STROKES, "/models/none/predict", "/nowhere"])
def test_encrypted_connection_is_kept_and_says_to_come_back_so(server: Server, path: str) -> None:
    with closing(server.connect()) as connection:
        for _ in range(2):
            connection.request("POST", path, picture(), {"Content-Type": "image/png"})
            response = connection.getresponse()
            response.read()

            assert response.status == (200 if path == STROKES else 404)
            assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_large_bodies_and_answers_pass(server: Server) -> None:
    with closing(server.connect()) as connection:
        body = table(400_000)
        connection.request("POST", STROKES, body, {"Content-Type": "text/csv"})

        assert connection.getresponse().status == 415


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_newer_versions_of_tls_are_spoken(server: Server, version: ssl.TLSVersion) -> None:
    assert handshake(server, version) == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_version_of_tls_is_not(server: Server) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(server, ssl.TLSVersion.TLSv1_1)


@pytest.mark.parametrize(
    "sent", [PLAIN, b"\x16\x03\x01\x00\x05hello", b""], ids=["plain", "broken", "silent"]
)
def test_what_is_no_handshake_is_closed_and_harms_nobody(server: Server, sent: bytes) -> None:
    with bare(server) as connection:
        connection.sendall(sent)
        try:
            answered = b"HTTP" in connection.recv(2**16)
        except ConnectionResetError:
            answered = False

    with closing(server.connect()) as connection:
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
    assert not answered


def test_handshake_with_a_plain_server_ends_at_once(certificate: Path) -> None:
    with serving(models=certificate.parent / "models", workers=1) as plain:
        with pytest.raises(ssl.SSLError):
            handshake(plain, ssl.TLSVersion.TLSv1_3)

        with closing(plain.connect()) as connection:
            connection.request("GET", "/livez")
            response = connection.getresponse()
            assert response.status == 200
            assert "Strict-Transport-Security" not in response.headers


def test_reload_takes_a_new_certificate_and_keeps_the_old_one_where_that_is_damaged(
    server: Server, certificate: Path
) -> None:
    first = subject(server)

    write_certificate(certificate, "second")
    os.kill(server.process, signal.SIGHUP)
    until(lambda: subject(server) != first)
    second = subject(server)
    until(lambda: len(server.workers()) == 1)
    (worker,) = server.workers()
    certificate.write_text("damaged")
    os.kill(server.process, signal.SIGHUP)
    until(lambda: server.workers() != [worker] and len(server.workers()) == 1)

    assert subject(server) == second


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"TLS_CERTIFICATE": "/none.pem"}, "/none.pem cannot be read: No such file"),
        ({"TLS_CERTIFICATE": str(ROOT / "README.md")}, "cannot be used: "),
        ({"TLS_KEY": "/none.pem"}, "VITRINE_TLS_KEY needs VITRINE_TLS_CERTIFICATE."),
    ],
)
def test_certificate_that_cannot_be_used_ends_the_start(
    settings: dict[str, str], sentence: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        cwd=ROOT,
        env={f"VITRINE_{name}": value for name, value in settings.items()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_certificate(tmp_path / name)

    with pytest.raises(InvalidCertificate, match="key values mismatch"):
        Certificate(str(tmp_path / "a"), str(tmp_path / "b"))
