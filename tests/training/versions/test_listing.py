"""Published versions are listed as they are."""

from pathlib import Path

import msgspec
import pytest

from tests.bundles import (
    ORIGIN,
    write_picture_bundle,
    write_table_bundle,
)
from tests.training.versions.conftest import rewrite
from training.__main__ import main
from vitrine import bundle


def test_list_has_a_line_for_every_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"test": {"rmse": 1234.5, "rmse_standard_error": 321.0}}
    rewrite(write_table_bundle(tmp_path), scores=scores)
    rewrite(write_table_bundle(tmp_path, version=2), default=False)
    (write_picture_bundle(tmp_path) / bundle.MANIFEST_NAME).write_text("{")

    status = main(["list", "--models", str(tmp_path)])

    assert status == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "model version task data test score size published",
        "rooms 1 regression made rmse 1234.5 ± 321 0 kB 2026-01-01",
        "rooms 2 (by number) regression made not scored 0 kB 2026-01-01",
        "strokes 1 cannot be read",
    ]


def test_names_with_brackets_are_listed_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = msgspec.structs.replace(ORIGIN, data="[red]x[/].csv")
    rewrite(write_table_bundle(tmp_path), origin=named)

    main(["list", "--models", str(tmp_path)])

    assert "[red]x[/].csv" in capsys.readouterr().out


def test_list_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", "--models", str(tmp_path)])

    assert "No version is published in" in capsys.readouterr().out


def test_list_of_a_folder_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["list", "--models", str(tmp_path / "none")])

    assert status == 1
    assert "cannot be read: No such file or directory." in capsys.readouterr().err
