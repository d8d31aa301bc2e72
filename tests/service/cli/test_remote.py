"""Commands that ask a running service: what they print, and how they end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.keys import Key, hash_secret, make_secret, write_keys
from tests.bundles import write_table_bundle
from tests.servers import ROOT, Server, serving

SECRET = make_secret()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one model in two versions."""
    models = tmp_path_factory.mktemp("models")
    write_table_bundle(models)
    write_table_bundle(models, version=2)
    keys = models.parent / "keys.json"
    write_keys(keys, [Key(name="ops", sha256=hash_secret(SECRET), role="manage")])
    with serving(models=models, workers=2, keys=keys) as running:
        yield running


def command(server: Server, *words: str, key: str = SECRET) -> tuple[int, str, str]:
    """Run one command; return its exit status and what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "service", *words, "--url", server.url],
        cwd=ROOT,
        env={"VITRINE_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_commands_change_what_is_served(server: Server) -> None:
    assert json.loads(command(server, "status")[1])["models"][0]["versions"] == [1, 2]

    status, output, _ = command(server, "rollback", "rooms")
    assert (status, json.loads(output)["serving"]["labels"]) == (0, {"stable": 1})
    changes = ("--label", "stable=none", "--label", "canary=2", "--canary-share", "0.5")
    _, output, _ = command(server, "change", "rooms", *changes, "--policy", "all", "--shadow", "1")
    serving = json.loads(output)["serving"]
    assert (serving["labels"], serving["canary_share"]) == ({"canary": 2}, 0.5)
    assert (serving["policy"], serving["shadow"]) == ("all", 1)
    assert json.loads(command(server, "unload", "rooms")[1])["versions"] == []
    assert json.loads(command(server, "load", "rooms")[1])["versions"] == [1, 2]
    reset = ("--label", "canary=none", "--canary-share", "0", "--policy", "none")
    _, output, _ = command(server, "change", "rooms", *reset, "--shadow", "none")
    assert (
        json.loads(command(server, "status", "rooms")[1])["serving"]
        == json.loads(output)["serving"]
    )
    assert json.loads(output)["serving"]["policy"] == "latest:2"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("rollback", "attic"), "There is no model 'attic'. See GET /models.\n"),
        (("change", "rooms", "--label", "stable=x"), "must be a version's number or null"),
        (("status", "a b/c"), "Nothing is served at this path.\n"),
    ],
)
def test_refusal_is_said_in_one_sentence(
    server: Server, words: tuple[str, ...], sentence: str
) -> None:
    status, output, errors = command(server, *words)

    assert (status, output) == (1, "")
    assert sentence in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(("key", "sentence"), [("other", "not valid"), ("", "must carry")])
def test_command_without_the_right_key_is_refused(server: Server, key: str, sentence: str) -> None:
    status, _, errors = command(server, "rollback", "rooms", key=key)

    assert (status, sentence in errors) == (1, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "file:///etc/passwd"])
def test_absent_service_is_said_in_one_sentence(url: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "service", "status", "--url", url]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "does not answer" in ended.stderr or "must begin with http" in ended.stderr


def test_index_lists_a_folder_for_a_web_server(tmp_path: Path) -> None:
    write_table_bundle(tmp_path, version=3)
    words = [sys.executable, "-m", "service", "index"]

    listed = subprocess.check_output([*words, tmp_path], cwd=ROOT)
    refused = subprocess.run(
        [*words, tmp_path / "none"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert json.loads(listed) == {"models": {"rooms": [3]}}
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "cannot be read: No such file" in refused.stderr
