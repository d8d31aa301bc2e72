"""The program that tries one version: `python -m service.rollout.trial REQUEST`.

What a network does is seen only by running it, and it may run for ever or take all memory. So it
runs here first, in a process that the kernel ends after some seconds of computing, that gets only
so much memory, writes no file, opens none but those of the version and of Python, and connects to
nobody.

The request and the outcome, which is written to standard output, are JSON.
"""

import os
import resource
import signal
import sys
import time
from pathlib import Path

import msgspec

from service.rollout import sandbox
from vitrine.json_types import read_from_json

# The network is run with more and more instances, up to as many as the service ever hands it at
# once, while a pass takes less than this: the service cuts what takes longer into pieces.
_PASS_SECONDS = 0.1
_MOST_INSTANCES = 1024
_GROWTH = 4
# How the libraries say that they got no memory, but for `MemoryError`.
_OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate", "Cannot allocate")
# A trial that waits for something else than the processor, which others may want, ends as well.
WALL_FACTOR = 5
# The files of Python and its libraries, with room for those of a version.
_OPEN_FILES = 128

# While a network is opened, its weights are in memory as the file, as it was parsed, as they are
# and as the processor reads them fastest.
_COPIES = 4


@read_from_json
class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried, and within which limits.

    Attributes:
        folder: Folder of the version.
        threads: Number of threads that one call of the network may use.
        seconds: Processor time in which the version must be loaded and have predicted.
        max_bytes: Memory that the version may take beside Python and the libraries.
    """

    folder: str
    threads: int
    seconds: float
    max_bytes: int


@read_from_json
class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial has shown.

    Attributes:
        digest: SHA-256 hash of the manifest that was tried; "" where it could not be read.
        reason: Why the version cannot be served, in one sentence; None where it can be.
        seconds: Time that the trial took.
        peak_bytes: Memory that the process took at most, with Python and the libraries.
    """

    digest: str = ""
    reason: str | None = None
    seconds: float = 0.0
    peak_bytes: int = 0


def main() -> None:
    """Try the version that the command line names, and end this process."""
    started = time.perf_counter()
    sandbox.end_with_parent()
    request = msgspec.json.decode(sys.argv[1], type=Request)
    answer = os.dup(sys.stdout.fileno())
    # What a library writes belongs to nobody's answer and to nobody's log.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    outcome = _try(request)
    outcome = msgspec.structs.replace(
        outcome, seconds=time.perf_counter() - started, peak_bytes=_status("VmHWM")
    )
    os.write(answer, msgspec.json.encode(outcome))
    # At once: threads of a network may still run.
    os._exit(0)


def _try(request: Request) -> Outcome:
    signal.setitimer(signal.ITIMER_REAL, WALL_FACTOR * request.seconds)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit_memory(request.max_bytes)
    from vitrine import bundle, engines, loading  # noqa: PLC0415

    folder, digest = Path(request.folder), ""
    signal.setitimer(signal.ITIMER_PROF, request.seconds)
    try:
        digest = bundle.manifest_digest(folder)
        manifest = bundle.read_manifest(folder)
        # The way to the folder may lead through another process, whose files this one may not see
        # once it is shut in.
        os.chdir(folder)
        folder = Path()
        _shut_in(folder, request, is_onnx=bundle.ONNX_NAME in manifest.files)
        signal.setitimer(signal.ITIMER_PROF, 0)
        engines.import_runtime(manifest)
        # Anew, now that Python and its libraries have taken their part of the time and memory.
        signal.setitimer(signal.ITIMER_PROF, request.seconds)
        bundle.verify_files(manifest, folder)  # what was not published is not worth a look
        declared = engines.declared_bytes(folder, manifest)
        if declared > request.max_bytes:
            return Outcome(digest=digest, reason=memory_reason(request.max_bytes))
        _limit_memory(request.max_bytes + _COPIES * declared)
        _load_and_run(folder, threads=request.threads)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a version is its outcome
        if _is_out_of_memory(error):
            return Outcome(digest=digest, reason=memory_reason(request.max_bytes))
        return Outcome(digest=digest, reason=loading.reason_of(error, folder))
    return Outcome(digest=digest)


def _shut_in(folder: Path, request: Request, *, is_onnx: bool) -> None:
    """Let this process write nothing and open little; Keras unpacks its files to read them."""
    _limit(resource.RLIMIT_FSIZE, 0 if is_onnx else request.max_bytes)
    if is_onnx:
        sandbox.enter(folder)


def _load_and_run(folder: Path, *, threads: int) -> None:
    """Load a version as the service does, then run its network with other numbers of instances.

    Its manifest has been found to belong to its folder.
    """
    from vitrine import bundle, loading  # noqa: PLC0415

    model = loading.load_version(folder, threads=threads, is_moved=True)
    golden, _ = bundle.read_golden(folder)
    tensors = model.predict({name: values[:1] for name, values in golden.items()}).tensors
    count, seconds = 1, 0.0
    while count < _MOST_INSTANCES and seconds < _PASS_SECONDS:
        count *= _GROWTH
        started = time.perf_counter()
        model.run({name: array.repeat(count, axis=0) for name, array in tensors.items()})
        seconds = time.perf_counter() - started


def memory_reason(max_bytes: int) -> str:
    """Say that a version takes too much memory."""
    return (
        f"The version takes more memory than {max_bytes} bytes, which VITRINE_MAX_VERSION_BYTES "
        "allows."
    )


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, is a lack of memory."""
    while error is not None:
        if isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY):
            return True
        error = error.__cause__
    return False


def _limit(kind: int, value: int) -> None:
    """Lower a limit; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or value <= hard:
        resource.setrlimit(kind, (value, hard))


def _limit_memory(max_bytes: int) -> None:
    """Let this process take so much more memory than it has.

    The limit is on what a process can write to. One on its addresses would count the files that
    libraries map, and what allocators reserve without using it.
    """
    _limit(resource.RLIMIT_DATA, _status("VmData") + max_bytes)


def _status(field: str) -> int:
    """Return a number of bytes from what the kernel says of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return 0


if __name__ == "__main__":
    main()
