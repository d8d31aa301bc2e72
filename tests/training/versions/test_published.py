"""Versions that cannot be loaded are refused."""

from pathlib import Path

import pytest

from tests.bundles import (
    write_picture_bundle,
    write_table_bundle,
)
from training.__main__ import main
from vitrine import bundle

UNKNOWN = {
    "model": (["show", "cellars"], "There is no model 'cellars'"),
    "model with a typing error": (["show", "roms"], "in {models}. Did you mean 'rooms'?"),
    "two versions with a typing error": (["diff", "roosm", "1", "2"], "Did you mean 'rooms'?"),
    "name that leaves the folder": (["show", "../rooms"], "There is no model '../rooms'"),
    "version": (
        ["show", "rooms", "--version", "3"],
        "rooms has no version 3. Its versions are: 1.",
    ),
    "version of two": (["diff", "rooms", "1", "2"], "rooms has no version 2. Its versions are: 1."),
    "damaged": (["show", "strokes"], "does not have the bytes that were published"),
}


@pytest.mark.parametrize(("words", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_version_that_cannot_be_shown_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    write_table_bundle(tmp_path)
    (write_picture_bundle(tmp_path) / bundle.GOLDEN_NAME).write_bytes(b"")

    status = main([*words, "--models", str(tmp_path)])

    assert status == 1
    assert message.format(models=tmp_path) in capsys.readouterr().err
