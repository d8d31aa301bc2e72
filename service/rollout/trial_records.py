"""Which versions have passed a trial, by the hashes of their manifests.

A manifest names the hash of every file, so that its own hash stands for the whole version. What has
passed is remembered in the folder that the workers share and, for the versions that come with the
service, in a file that `python -m service try` writes. Neither lies in the model store: whoever
publishes a version does not say whether it was tried.
"""

import contextlib
import secrets
from pathlib import Path

import msgspec

from vitrine import engines
from vitrine.json_types import read_from_json

# A version takes some hundred bytes of the file.
_MOST_RECORDS = 1000
# Changes when what a version must pass changes.
_RULES = 1


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A version that has passed a trial.

    Attributes:
        version: Name of the model and number of the version.
        seconds: Time that the trial took.
        peak_bytes: Memory that its process took at most.
        max_bytes: Memory that the version was allowed to take.
    """

    version: str
    seconds: float
    peak_bytes: int
    max_bytes: int


@read_from_json
class Records(msgspec.Struct, frozen=True, kw_only=True):
    """Versions that have passed a trial with the same library and the same rules.

    Attributes:
        runtime: What they have passed with, as `runtime` names it.
        passed: Hash of a version's manifest -> how it passed.
    """

    runtime: str = ""
    passed: dict[str, Record] = {}


class TrialRecords:
    """The versions that have passed, as all workers know them.

    Args:
        own: File that trials are added to.
        shipped: File with versions that passed before the service started; None for no such file.
        max_bytes: Memory that a version may take now; a version that was allowed more is not known.
    """

    def __init__(self, own: Path, *, shipped: Path | None, max_bytes: int) -> None:
        self._own = own
        self._shipped = shipped
        self._max_bytes = max_bytes
        self._runtime = runtime()

    def knows(self, digest: str) -> bool:
        """Tell whether a version has passed, within the limits of now."""
        files = [self._own] if self._shipped is None else [self._own, self._shipped]
        found = (self._read(path).passed.get(digest) for path in files)
        return any(each is not None and each.max_bytes <= self._max_bytes for each in found)

    def add(self, digest: str, record: Record) -> None:
        """Remember that a version has passed; what cannot be written is tried again some day."""
        newest = list(self._read(self._own).passed.items())[1 - _MOST_RECORDS :]
        with contextlib.suppress(OSError):
            write_records(self._own, {**dict(newest), digest: record})

    def _read(self, path: Path) -> Records:
        """Read a file; one that is damaged, or of another runtime, knows no version."""
        try:
            records = msgspec.json.decode(path.read_bytes(), type=Records)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return Records()
        return records if records.runtime == self._runtime else Records()


def write_records(path: Path, passed: dict[str, Record]) -> None:
    """Write a file with versions that have passed, whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    text = msgspec.json.encode(Records(runtime=runtime(), passed=passed))
    unfinished = path.with_name(f".{secrets.token_hex(8)}")
    try:
        unfinished.write_bytes(msgspec.json.format(text, indent=2) + b"\n")
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def runtime() -> str:
    """Name what versions have passed with: another library, or other rules, may refuse them."""
    return f"{engines.runtime()}, rules {_RULES}"
