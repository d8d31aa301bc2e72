"""This service, of this checkout or of another."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.peers import cases
from benchmarks.peers.serving import Place, Server
from benchmarks.peers.wrk import Request

ROWS = 1_000_000
_BOUNDARY = "boundary-of-the-benchmark"


def vitrine(
    name: str, title: str, checkout: Path, settings: Mapping[str, str] | None = None
) -> Server:
    """Serve a checkout as `make serve` does, with as many workers as the others have.

    Trust, drift, metrics and the log of every request are on, as they always are.

    Args:
        name: As it is asked for.
        title: In tables and plots.
        checkout: Folder of the project.
        settings: Further settings of the service, by the names of their variables.
    """

    def environment(place: Place) -> Mapping[str, str]:
        return {
            "VITRINE_PORT": str(place.port),
            "VITRINE_MODELS": str(place.models),
            "VITRINE_WORKERS": str(place.workers),
            "VITRINE_MAX_FILES": str(cases.MANY),
            **(settings or {}),
        }

    return Server(
        name=name,
        title=title,
        command=lambda _: [_python(checkout), "-m", "service", "serve"],
        environment=environment,
        directory=checkout,
        ready="/readyz",
        asks={
            "picture": lambda network: _picture(network, cases.picture()),
            "off-centre": lambda network: _picture(network, cases.off_centre()),
            "canvas": lambda network: _picture(network, cases.canvas()),
            "many": lambda network: Request(
                path=f"/models/{network}/predict",
                media_type=f"multipart/form-data; boundary={_BOUNDARY}",
                body=_form(cases.many()),
            ),
            "row": _row,
            "table": lambda network: Request(
                path=f"/models/{network}/predict", media_type="text/csv", body=cases.table(ROWS)
            ),
            "alive": lambda _: Request(path="/livez"),
        },
        read=_read,
    )


def through_flask(name: str, title: str, checkout: Path) -> Server:
    """Serve a checkout with every request through Flask, and ask what else takes the fast path."""
    server = vitrine(name, title, checkout, {"VITRINE_FAST_PATH": "false"})
    return replace(server, asks={kind: server.asks[kind] for kind in ("picture", "row")})


def _python(checkout: Path) -> Path:
    """Return the interpreter with the service's packages; another checkout may lack its own."""
    found = [folder / ".venv/service/bin/python" for folder in (checkout, ROOT)]
    return next((python for python in found if python.exists()), Path(sys.executable))


def _picture(network: str, file: bytes) -> Request:
    return Request(path=f"/models/{network}/predict", media_type="image/png", body=file)


def _row(network: str) -> Request:
    row = dict(zip(cases.COLUMNS, cases.rows(1)[0], strict=True))
    return Request(
        path=f"/models/{network}/predict",
        media_type="application/json",
        body=json.dumps({"instances": [row]}).encode(),
    )


def _form(files: tuple[bytes, ...]) -> bytes:
    parts = []
    for number, file in enumerate(files):
        disposition = f'form-data; name="image"; filename="{number}.png"'
        head = f"--{_BOUNDARY}\r\nContent-Disposition: {disposition}\r\n"
        parts += [f"{head}Content-Type: image/png\r\n\r\n".encode(), file, b"\r\n"]
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def _read(body: bytes) -> float:
    first = json.loads(body)["predictions"][0]
    return float(first["probability"] if "probability" in first else first["value"])
