"""API keys: what a key file holds, what is found in it, and what becomes of a damaged one."""

import logging
import os
from pathlib import Path

import pytest

from service.keys import (
    MAX_KEYS,
    InvalidKeys,
    Key,
    KeyFile,
    KeyRing,
    hash_secret,
    make_secret,
    read_keys,
    write_keys,
)

# Always the same one: it is in the names of tests.
SECRET = "vitrine_ZXhhbXBsZSBvZiBhIHNlY3JldCBvZiAyNTYgYml0cyE"  # noqa: S105 - of these tests
ANA = Key(name="ana", sha256=hash_secret(SECRET), rate=20)
BEN = Key(name="ben", sha256=hash_secret("vitrine_ben"), role="manage", created="2026-11-29")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key file with two keys."""
    file = tmp_path / "keys.json"
    write_keys(file, [ANA, BEN])
    return file


def test_secret_has_256_random_bits_and_a_prefix() -> None:
    secret = make_secret()
    prefix, _, random = secret.partition("_")

    assert prefix == "vitrine"
    assert len(random) * 6 >= 256
    assert make_secret() != secret


def test_key_file_holds_hashes_alone_and_is_the_owners(path: Path) -> None:
    assert read_keys(path) == [ANA, BEN]
    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_key_file_is_replaced_behind_a_link(path: Path) -> None:
    link = path.with_name("link.json")
    link.symlink_to(path)

    write_keys(link, [BEN])

    assert link.is_symlink()
    assert read_keys(path) == [BEN]


@pytest.mark.parametrize(
    "secret", ["", "vitrine_", SECRET[:-1], f"{SECRET}=", SECRET.upper(), "\udcff", "x" * 10_000]
)
def test_secret_is_found_whole_or_not_at_all(secret: str) -> None:
    ring = KeyRing([ANA, BEN])

    assert ring.find(secret) is None
    assert ring.find(SECRET) == ANA


def test_hash_of_a_key_is_no_secret() -> None:
    assert KeyRing([ANA]).find(ANA.sha256) is None


@pytest.mark.parametrize(
    ("rate", "burst", "allowed"),
    [(1, None, 2), (0.1, None, 2), (50, None, 5), (50, 1, 1)],
)
def test_burst_is_a_tenth_of_a_second_unless_it_is_said(
    rate: float, burst: int | None, allowed: int
) -> None:
    assert Key(name="a", sha256="", rate=rate, burst=burst).allowed_burst == allowed


_HASH = "0" * 64
_ENTRY = f'{{"name": "a", "sha256": "{_HASH}"}}'
_OTHER_NAME = _ENTRY.replace('"a"', '"b"')
_OTHER_HASH = _ENTRY.replace(_HASH, "1" * 64)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"keys": [{"name": "a"}]}', "missing required field `sha256`"),
        (f'{{"keys": [{{"name": "a b", "sha256": "{_HASH}"}}]}}', "damaged"),
        (f'{{"keys": [{{"name": "a", "sha256": "{_HASH[1:]}"}}]}}', "damaged"),
        (f'{{"keys": [{{"name": "a", "sha256": "{_HASH}", "rate": 0}}]}}', "damaged"),
        (f'{{"keys": [{{"name": "a", "sha256": "{_HASH}", "role": "root"}}]}}', "damaged"),
        (f'{{"keys": [{{"name": "a", "sha256": "{_HASH}", "rates": 1}}]}}', "unknown field"),
        (f'{{"keys": [{_ENTRY}, {_OTHER_HASH}]}}', "the same name"),
        (f'{{"keys": [{_ENTRY}, {_OTHER_NAME}]}}', "the same sha256"),
    ],
)
def test_damaged_key_file_is_refused_with_the_reason(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)

    with pytest.raises(InvalidKeys, match=words):
        read_keys(path)


def test_too_many_keys_are_refused(tmp_path: Path) -> None:
    keys = [Key(name=f"k{n}", sha256=f"{n:064x}") for n in range(MAX_KEYS + 1)]
    write_keys(tmp_path / "keys.json", keys)

    with pytest.raises(InvalidKeys):
        read_keys(tmp_path / "keys.json")


def test_changed_key_file_is_read_again(path: Path) -> None:
    keys = KeyFile(path)
    assert keys.ring.find(SECRET) == ANA

    write_keys(path, [BEN])
    keys.refresh()

    assert keys.ring.find(SECRET) is None
    assert keys.ring.find("vitrine_ben") == BEN


@pytest.mark.parametrize("damage", ["cut", "removed"])
def test_last_good_keys_stay_and_the_damage_is_logged_once(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyFile(path)

    if damage == "cut":
        os.truncate(path, 10)
    else:
        path.unlink()
    keys.refresh()
    keys.refresh()

    assert keys.ring.find(SECRET) == ANA
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "The last good keys stay valid." in record.getMessage()
    write_keys(path, [BEN])
    keys.refresh()
    assert keys.ring.find(SECRET) is None


def test_worker_that_starts_while_the_file_is_damaged_takes_the_last_good_keys(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "state.json"
    first = KeyFile(path, copy=copy)
    write_keys(path, [BEN])
    first.refresh()
    path.write_text("{")

    later = KeyFile(path, copy=copy)

    assert copy.stat().st_mode & 0o777 == 0o600
    assert later.ring.find("vitrine_ben") == BEN
    assert later.ring.find(SECRET) is None  # it was taken away before the damage


def test_key_file_that_was_never_good_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeys, match="No such file"):
        KeyFile(tmp_path / "none.json", copy=tmp_path / "copy.json")


def test_folder_that_takes_no_copy_stops_nothing(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyFile(path, copy=tmp_path / "gone" / "keys.json")

    assert keys.ring.find(SECRET) == ANA
    assert "cannot be kept" in caplog.text
