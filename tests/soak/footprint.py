"""What the service takes from a machine: disk, time to start, memory."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.servers import ROOT, Server, serving
from tests.soak.figures import Figure

SERVICE = ROOT / ".venv/service"
SERVICE_PYTHON = SERVICE / "bin/python"
STARTS = 7
REQUESTS = 400


def installed_size() -> Iterator[Figure]:
    """Weigh the environment that `make serve` makes."""
    blocks = sum(path.lstat().st_blocks for path in SERVICE.rglob("*"))
    yield Figure(name="installed size", value=blocks * 512 / 1e6, unit="MB", at_most=550)


def time_to_ready() -> Iterator[Figure]:
    """Time starts with the shipped models, until the first worker answers."""
    seconds = []
    for _ in range(STARTS):
        with serving(SERVICE_PYTHON) as server:
            seconds.append(server.seconds_to_ready)
    yield Figure(name="start to ready, median", value=median(seconds), unit="s", at_most=2)
    yield Figure(name="start to ready, slowest", value=max(seconds), unit="s")


def memory_of_two_workers() -> Iterator[Figure]:
    """Weigh two workers after both have answered pictures and rows."""
    with serving(SERVICE_PYTHON, workers=2) as server:
        _ask(server)
        shares = [proportional_megabytes(worker) for worker in server.workers()]
        keeper = proportional_megabytes(server.process)
    yield Figure(name="memory of two workers, PSS", value=sum(shares), unit="MB", at_most=150)
    yield Figure(name="memory of their parent, PSS", value=keeper, unit="MB")


def _ask(server: Server) -> None:
    """Send requests on new connections, so that both workers get their part."""
    bodies = {
        "digits": ("image/png", (ROOT / "examples/seven.png").read_bytes()),
        "housing": ("text/csv", (ROOT / "examples/houses.csv").read_bytes()),
    }
    for _ in range(REQUESTS // len(bodies)):
        for model, (media_type, body) in bodies.items():
            connection = server.connect()
            connection.request(
                "POST", f"/models/{model}/predict", body, {"Content-Type": media_type}
            )
            answer = connection.getresponse()
            answer.read()
            connection.close()
            if answer.status != 200:
                raise RuntimeError(f"{model} answered {answer.status}.")


def proportional_megabytes(process: int) -> float:
    """Return a process's resident memory, what it shares divided among those who share it."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"Process {process} has no Pss.")
