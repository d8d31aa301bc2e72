"""API keys: who may ask the service, what for, and how often.

A key is a secret of 256 random bits. The key file, which `vitrine keys` writes, holds its SHA-256
alone: whoever reads the file cannot make a request with it. A secret that long needs no salt and no
slow hash, since nobody can guess it.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vitrine.json_types import read_from_json

Role = Literal["predict", "manage"]
MANAGE: Role = "manage"

# A scanner of leaked secrets finds keys by it.
_PREFIX = "vitrine_"
_SECRET_BYTES = 32
# What is longer is no key, and hashing it would take time on the event loop.
_MAX_SECRET_CHARACTERS = 128
MAX_KEYS = 1000
MAX_RATE = 1_000_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Name of the copy of the last good keys in the folder that the workers share.
COPY_NAME = "keys.json"
_INDEX_BYTES = 8
_WATCH_SECONDS = 0.5

_log = logging.getLogger(__name__)


class InvalidKeys(Exception):
    """The key file cannot be read; the message is a sentence that says why."""


class Key(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is known of a key.

    Attributes:
        name: Name for people, the log and the metrics.
        sha256: SHA-256 of the secret, in hexadecimal digits.
        role: "predict" for everything but management, "manage" for everything.
        rate: Largest number of requests a second; None for no limit.
        burst: Number of requests that may come at once; None for the usual number.
        created: Day on which the secret was made.
    """

    name: Annotated[str, Meta(pattern=f"^{NAME.pattern}$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    role: Role = "predict"
    rate: Annotated[float, Meta(gt=0, le=MAX_RATE)] | None = None
    burst: Annotated[int, Meta(ge=1, le=MAX_RATE)] | None = None
    created: str = ""

    @property
    def may_manage(self) -> bool:
        """Whether the key may change what is served."""
        return self.role == MANAGE

    @property
    def number(self) -> int:
        """A number that no other key has, from 1 to 2^64 - 1."""
        return int(self.sha256[:16], 16) or 1

    @property
    def allowed_burst(self) -> int:
        """Number of requests that may come at once: by default those of a tenth of a second.

        There are at least two. If there was one, a client that sends a little faster than its rate
        would have every other request refused.
        """
        return self.burst or max(2, round((self.rate or 0) / 10))


@read_from_json
class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in a key file."""

    keys: Annotated[list[Key], Meta(max_length=MAX_KEYS)]


class KeyRing:
    """The keys that are valid at one moment.

    Args:
        keys: The keys, with different names.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        digests = [(bytes.fromhex(key.sha256), key) for key in keys]
        self._keys = {digest[:_INDEX_BYTES]: (digest, key) for digest, key in digests}

    def find(self, secret: str) -> Key | None:
        """Return the key of a secret, or None for a secret of no key.

        The time says nothing about how much of a secret is right. What is looked up and compared is
        its SHA-256, which nobody can bring closer to another one by changing the secret.

        Args:
            secret: What the client sent.
        """
        if len(secret) > _MAX_SECRET_CHARACTERS:
            return None
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
        expected, key = self._keys.get(digest[:_INDEX_BYTES], _NO_KEY)
        return key if hmac.compare_digest(digest, expected) else None


_NO_KEY: tuple[bytes, Key | None] = (bytes(_SECRET_BYTES), None)


class KeyFile:
    """The key file, read again whenever it changes.

    Args:
        path: The key file.
        copy: File in which the last good content is kept for workers that start while the key file
            is damaged; None to keep none.

    Attributes:
        ring: The keys that are valid now.

    Raises:
        InvalidKeys: The file cannot be read, and there is no copy.
    """

    def __init__(self, path: Path, *, copy: Path | None = None) -> None:
        self._path = path
        self._copy = copy
        self._seen = _version(path)
        try:
            self.ring = KeyRing(self._read())
        except InvalidKeys as error:
            if copy is None or not copy.exists():
                raise
            self._complain(error)
            self.ring = KeyRing(read_keys(copy))

    def _read(self) -> list[Key]:
        keys = read_keys(self._path)
        if self._copy is not None:
            try:
                write_keys(self._copy, keys)
            except OSError as error:
                _log.warning("The last good keys cannot be kept: %s.", error.strerror)
        return keys

    def refresh(self) -> None:
        """Read the file again if it has changed; where it is damaged, the last good keys stay."""
        seen = _version(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.ring = KeyRing(self._read())
        except InvalidKeys as error:
            self._complain(error)
        else:
            _log.info("The key file was read again.")

    def watch(self) -> None:
        """Read the file again when it changes, from now on, in a thread."""
        threading.Thread(target=self._watch, name="keys", daemon=True).start()

    def _watch(self) -> None:
        never = threading.Event()
        while not never.wait(_WATCH_SECONDS):
            self.refresh()

    def _complain(self, error: InvalidKeys) -> None:
        _log.error("%s The last good keys stay valid.", error)


def _version(path: Path) -> tuple[int, int, int] | None:
    """Return what differs whenever a file was replaced or written."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_keys(path: Path) -> list[Key]:
    """Return the keys of a key file.

    Raises:
        InvalidKeys: It cannot be read, is no key file, or names something twice.
    """
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_Content).keys
    except OSError as error:
        raise InvalidKeys(f"The key file {path} cannot be read: {error.strerror}.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidKeys(f"The key file {path} is damaged: {error}.") from None
    for what in ("name", "sha256"):
        if len({getattr(key, what) for key in keys}) < len(keys):
            raise InvalidKeys(f"The key file {path} is damaged: two keys have the same {what}.")
    return keys


def write_keys(path: Path, keys: list[Key]) -> None:
    """Replace a key file as a whole; only its owner may read it.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    content = msgspec.json.format(msgspec.json.encode(_Content(keys))) + b"\n"
    path = path.resolve()  # a link stays a link
    # `mkstemp` makes a file of mode 0600.
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        if path.exists():  # it may belong to the user that runs the service
            os.chown(descriptor, path.stat().st_uid, path.stat().st_gid)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        Path(unfinished).replace(path)
    except OSError:
        Path(unfinished).unlink(missing_ok=True)
        raise


def make_secret() -> str:
    """Return a new secret."""
    return _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Return what the key file holds of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
