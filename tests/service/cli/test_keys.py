"""The commands of API keys: what they print, what they write, and what they refuse."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.keys import KeyRing, read_keys
from tests.servers import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the key file is to be."""
    return tmp_path / "keys.json"


def command(path: Path | None, *words: str) -> tuple[int, str, str]:
    """Run one command; return its exit status and what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "service", "keys", *words],
        cwd=ROOT,
        env={} if path is None else {"VITRINE_KEYS": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_key_is_printed_once_and_its_hash_is_kept(path: Path) -> None:
    status, output, errors = command(path, "add", "ana", "--rate", "20", "--burst", "4")

    secret = output.strip()
    key = KeyRing(read_keys(path)).find(secret)
    assert (status, len(secret)) == (0, len("vitrine_") + 43)
    assert key is not None
    assert (key.name, key.role, key.rate, key.burst) == ("ana", "predict", 20, 4)
    assert secret not in path.read_text() + errors
    assert path.stat().st_mode & 0o777 == 0o600


def test_key_lives_until_it_is_rotated_or_removed(path: Path) -> None:
    first = command(path, "add", "ops", "--manage")[1].strip()
    second = command(path, "rotate", "ops")[1].strip()

    ring = KeyRing(read_keys(path))
    key = ring.find(second)
    assert ring.find(first) is None
    assert key is not None
    assert key.may_manage
    assert command(path, "list")[1].split()[:2] == ["ops", "manage"]
    assert command(path, "remove", "ops")[0] == 0
    assert read_keys(path) == []
    assert command(path, "list") == (0, "", "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "ana"), "There is a key ana already"),
        (("add", "a b"), "A name has at most 64"),
        (("add", "ben", "--rate", "0"), "--rate must be above 0"),
        (("add", "ben", "--rate", "nan"), "--rate must be above 0"),
        (("add", "ben", "--burst", "3"), "--burst needs --rate"),
        (("remove", "anna"), "There is no key 'anna'. Did you mean 'ana'?"),
        (("rotate", "ben"), "There is no key 'ben'."),
    ],
)
def test_refusal_is_said_in_one_sentence_and_changes_nothing(
    path: Path, words: tuple[str, ...], sentence: str
) -> None:
    command(path, "add", "ana")
    before = path.read_bytes()

    status, output, errors = command(path, *words)

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert sentence in errors
    assert path.read_bytes() == before


def test_key_file_that_cannot_be_used_is_said_in_one_sentence(path: Path) -> None:
    assert "VITRINE_KEYS must name" in command(None, "list")[2]
    assert "cannot be read: No such file" in command(path, "list")[2]
    assert "cannot be written" in command(path / "in" / "none", "add", "ana")[2]
    path.write_text("[]")
    assert "is damaged" in command(path, "add", "ana")[2]
    assert path.read_text() == "[]"


def test_commands_at_the_same_time_lose_no_key(path: Path) -> None:
    names = [f"key{number}" for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        ended = [*pool.map(lambda name: command(path, "add", name), names)]

    assert [status for status, _, _ in ended] == [0] * 4
    assert sorted(key.name for key in read_keys(path)) == names
