"""The command that tells a container's keeper whether the service is ready."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundles import write_picture_bundle
from tests.certificates import write_certificate
from tests.servers import ROOT, free_port, serving

EVERYWHERE = "0.0.0.0"  # noqa: S104 - as in a container


def health(**settings: object) -> tuple[int, str, str]:
    """Run the command with these settings; return its exit status and what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "service", "health"],
        cwd=ROOT,
        env={f"VITRINE_{name.upper()}": str(value) for name, value in settings.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
def test_ready_service_is_healthy(tmp_path: Path, *, is_encrypted: bool) -> None:
    write_picture_bundle(tmp_path / "models")
    write_certificate(tmp_path / "server.pem")
    client = ssl.create_default_context(cafile=tmp_path / "server.pem")
    certificate = str(tmp_path / "server.pem") if is_encrypted else ""
    with serving(
        models=tmp_path / "models",
        workers=1,
        tls=client if is_encrypted else None,
        host=EVERYWHERE,
        tls_certificate=certificate,
    ) as server:
        status, output, _ = health(port=server.port, host=EVERYWHERE, tls_certificate=certificate)

    assert (status, '"status":"ready"' in output) == (0, True)


def test_service_that_does_not_answer_is_not_healthy() -> None:
    status, output, errors = health(port=free_port())

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("The service does not answer: ")
    assert health(prot=1)[0] == 1
