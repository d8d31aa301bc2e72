"""All decoders, each fed in a process of its own for a time."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.servers import ROOT
from tests.soak.figures import Figure

SECONDS = 15
# A decoder that takes more for one small input can be made to take all.
MOST_MEGABYTES = 2048
MOST_SECONDS_AN_INPUT = 60
_START_SECONDS = 600
_EXECUTIONS = re.compile(r"^#(\d+)\s", re.MULTILINE)


def all_targets(*, seconds: int = SECONDS) -> Iterator[Figure]:
    """Feed every decoder for some seconds."""
    if find_spec("atheris") is None:
        print("not measured: atheris, which feeds the decoders, is not installed")
        return
    from tests.soak.fuzzing.targets import TARGETS  # noqa: PLC0415 - imports the whole service

    for name in TARGETS:
        yield from feed(name, seconds=seconds)


def feed(name: str, *, seconds: int, kept: Path | None = None) -> Iterator[Figure]:
    """Feed one decoder; what it cannot take is kept under results/.

    Args:
        name: Of the target.
        seconds: For how long.
        kept: Folder in which inputs that reach new code are kept; None for none.
    """
    finds = ROOT / "results" / "fuzzing" / name
    finds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzzing-") as folder:
        _write_seeds(name, Path(folder))
        command = [sys.executable, "-m", "tests.soak.fuzzing", name]
        command += [f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MEGABYTES}"]
        command += [f"-timeout={MOST_SECONDS_AN_INPUT}", f"-artifact_prefix={finds}/"]
        command += [*([] if kept is None else [str(kept)]), folder]
        finished = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=seconds + _START_SECONDS,
        )  # fmt: skip
    (finds / "log").write_text(finished.stdout + finished.stderr)
    fed = [int(number) for number in _EXECUTIONS.findall(finished.stderr)]
    yield Figure(name=f"fuzzing, {name}: inputs", value=max(fed, default=0), unit="")
    yield Figure(
        name=f"fuzzing, {name}: finds", value=int(finished.returncode != 0), unit="", at_most=0
    )


def _write_seeds(name: str, folder: Path) -> None:
    from tests.soak.fuzzing.targets import TARGETS  # noqa: PLC0415 - imports the whole service

    for number, seed in enumerate(TARGETS[name].seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
