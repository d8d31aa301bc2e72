"""Trials in processes of their own: what they refuse, what they may not do, what is remembered."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from service.rollout import trials
from service.rollout.trial import Outcome, Request
from service.rollout.trial_records import Record, TrialRecords, write_records
from service.rollout.trials import Limits, Trials
from tests.bundles import write_table_bundle
from tests.hostile import KINDS, write_hostile_bundle
from tests.traffic import until
from tests.workers import LIMITS, open_trials, try_here
from vitrine import bundle

TIME = "takes more than 1 seconds of computing"
MEMORY = "takes more memory than 134217728 bytes, which VITRINE_MAX_VERSION_BYTES allows"
REASONS = {
    "endless loop": TIME,
    "loops in loops": "nested too deeply",
    "endless loop for many instances": TIME,
    "huge constant": MEMORY,
    "huge constant in a loop": MEMORY,
    "expanded": MEMORY,
    "tiled": "golden examples fail",
    "padded": MEMORY,
    "resized": MEMORY,
    "endless range": MEMORY,
    "grows with the instances": MEMORY,
    "functions of functions": f"{TIME}|{MEMORY}",
    "declared weights": MEMORY,
    "declared sparse weights": MEMORY,
    "absolute external data": "keeps data in other files",
    "relative external data": "keeps data in other files",
    "unknown operation": "model.onnx cannot be opened",
    "pipe as manifest": "manifest.json is not a regular file",
    "pipe as network": "model.onnx is not a regular file",
    "device as manifest": "manifest.json is a link",
    "device as network": "model.onnx is a link",
    "link to secrets": "'notes' is not a regular file",
    "long manifest": "manifest.json has more than",
    "deep manifest": "manifest.json is nested too deeply",
    "many files": "names more than 100 files",
    "inflated golden examples": "golden.npz declares more than",
    "declared golden examples": "declares more than there is",
    "any answer is golden": "golden_tolerance",
}


def trials_in_processes(models: Path, state: Path, *, seconds: float = 10) -> Trials:
    """Return trials with little memory."""
    limits = Limits(seconds=seconds, max_bytes=2**27)
    records = TrialRecords(state / "tried.json", shipped=None, max_bytes=limits.max_bytes)
    return Trials(models, records, limits, threads=1, locks=state / "trials")


@pytest.mark.parametrize("kind", REASONS)
def test_hostile_version_is_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    write_hostile_bundle(tmp_path / "models", kind)

    # Whatever should not take its time has enough of it, however slow the machine is.
    seconds = 1 if TIME in REASONS[kind] else 10
    trials = trials_in_processes(tmp_path / "models", tmp_path, seconds=seconds)
    reason = trials.reason_against(("rooms", 1))

    assert reason is not None
    assert re.search(REASONS[kind], reason), reason


def test_every_hostile_kind_is_tried() -> None:
    assert REASONS.keys() == KINDS.keys() - {"Keras file alone"}


def test_harmless_version_passes(tmp_path: Path) -> None:
    write_table_bundle(tmp_path / "models")

    assert trials_in_processes(tmp_path / "models", tmp_path).reason_against(("rooms", 1)) is None
    records = TrialRecords(tmp_path / "tried.json", shipped=None, max_bytes=2**27)
    assert records.knows(bundle.manifest_digest(tmp_path / "models/rooms/1"))


class Counting:
    """Runs trials in this process, and counts them."""

    def __init__(self, wait: Callable[[], object] = lambda: None) -> None:
        self.count = 0
        self._wait = wait

    def __call__(self, request: Request) -> Outcome:
        """Try a version."""
        self.count += 1
        self._wait()
        return try_here(request)


def test_version_that_has_passed_is_not_tried_again(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    run = Counting()

    def ask() -> str | None:
        return open_trials(tmp_path / "models", tmp_path, run=run).reason_against(("rooms", 1))

    assert [ask(), ask(), run.count] == [None, None, 1]
    manifest = msgspec.structs.replace(bundle.read_manifest(folder), target="rent")
    bundle.write_manifest(manifest, folder)
    assert [ask(), run.count] == [None, 2]


def test_version_that_was_refused_is_tried_again(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    (folder / bundle.ONNX_NAME).unlink()
    run = Counting()
    trial = open_trials(tmp_path / "models", tmp_path, run=run)

    assert [trial.reason_against(("rooms", 1)) for _ in range(2)] == [
        "model.onnx cannot be read: No such file or directory."
    ] * 2
    assert run.count == 2


def test_workers_that_ask_at_once_try_a_version_once(tmp_path: Path) -> None:
    (write_table_bundle(tmp_path / "models") / bundle.ONNX_NAME).unlink()
    asked, tried = threading.Semaphore(0), threading.Event()
    run = Counting(tried.wait)

    def ask() -> str | None:
        trial = open_trials(tmp_path / "models", tmp_path, run=run)
        asked.release()
        return trial.reason_against(("rooms", 1))

    with ThreadPoolExecutor(4) as pool:
        reasons = [pool.submit(ask) for _ in range(4)]
        for _ in reasons:
            asked.acquire()
        try:
            until(lambda: open_locks(tmp_path / "trials") == 4)
        finally:
            tried.set()

    assert {reason.result() for reason in reasons} == {
        "model.onnx cannot be read: No such file or directory."
    }
    assert run.count == 1


def open_locks(folder: Path) -> int:
    """Count the threads of this process that hold or want the lock of a version."""
    # The descriptor that lists them is closed when their names are looked at.
    return sum(path.resolve().parent == folder for path in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"runtime": "another", "passed": {}}'], ids=["empty", "list", "other"]
)
def test_records_that_say_nothing_of_this_runtime_know_nothing(
    tmp_path: Path, content: bytes
) -> None:
    record = Record(version="rooms/1", seconds=0.1, peak_bytes=1, max_bytes=LIMITS.max_bytes)
    records = TrialRecords(
        tmp_path / "own.json", shipped=tmp_path / "shipped.json", max_bytes=LIMITS.max_bytes
    )
    write_records(tmp_path / "shipped.json", {"a" * 64: record})
    assert records.knows("a" * 64)

    (tmp_path / "shipped.json").write_bytes(content)

    assert not records.knows("a" * 64)


def test_version_that_was_allowed_more_memory_is_not_known(tmp_path: Path) -> None:
    record = Record(version="rooms/1", seconds=0.1, peak_bytes=1, max_bytes=LIMITS.max_bytes)
    write_records(tmp_path / "own.json", {"a" * 64: record})

    less = TrialRecords(tmp_path / "own.json", shipped=None, max_bytes=LIMITS.max_bytes - 1)

    assert not less.knows("a" * 64)


def test_trial_knows_no_secret_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_MANAGEMENT_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    assert "secret" not in trials._environment().values()


def test_trial_computes_as_the_service_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")

    assert trials._environment()["OPENBLAS_CORETYPE"] == "Haswell"


SANDBOXED = """
import socket, sys
from pathlib import Path
from service.rollout import sandbox
if not sandbox.enter(Path(sys.argv[1])):
    sys.exit(77)
print(Path(sys.argv[1], "inside").read_text())
for attempt in (
    lambda: Path(sys.argv[1]).with_name("outside").read_text(),
    lambda: Path(sys.argv[1], "new").write_text("new"),
    lambda: socket.create_connection(("127.0.0.1", 1)),
):
    try:
        attempt()
    except PermissionError:
        print("forbidden")
"""


def test_sandbox_lets_a_process_read_one_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "version").mkdir()
    (tmp_path / "version/inside").write_text("read")
    (tmp_path / "outside").write_text("secret")

    ended = subprocess.run(
        [sys.executable, "-c", SANDBOXED, tmp_path / "version"],
        check=False,
        capture_output=True,
        text=True,
    )

    if ended.returncode == 77:
        pytest.skip("this kernel has no Landlock")
    assert ended.stdout.split() == ["read", *["forbidden"] * 3], ended.stderr
