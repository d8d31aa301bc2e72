"""Reports are read from the first folder that has what was published."""

import shutil
from pathlib import Path

from service.rollout.reports import Reports
from tests.bundles import write_report, write_table_bundle
from vitrine import bundle


def test_file_is_read_from_the_first_folder_that_has_it(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    written = write_report(folder)
    manifest = bundle.read_manifest(folder)
    shutil.copytree(tmp_path / "models", tmp_path / "kept")
    (tmp_path / "kept" / "rooms" / "1" / "CARD.md").write_bytes(b"damaged")
    (folder / "history.csv").unlink()

    reports = Reports([tmp_path / "kept", tmp_path / "models"])

    assert reports.files(manifest) == manifest.report
    assert {path: reports.read(manifest, path) for path in written} == written


def test_report_is_empty_where_no_folder_has_it(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    write_report(folder)
    manifest = bundle.read_manifest(folder)

    for reports in (Reports(), Reports([tmp_path / "elsewhere"])):
        assert reports.files(manifest) == {}
        assert reports.read(manifest, "CARD.md") is None
