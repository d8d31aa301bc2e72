"""Small published versions for the tests of their commands."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.bundles import (
    ORIGIN,
    rewrite_manifest,
    write_table_bundle,
)
from training.datasets.csv_files import hash_file
from training.versions.held_out import ModelPair
from vitrine import bundle
from vitrine.bundle import Origin
from vitrine.loading import load_version


def rewrite(folder: Path, **describe_changes: Any) -> Path:
    """Change what a bundle's manifest says."""
    manifest = msgspec.structs.replace(bundle.read_manifest(folder), **describe_changes)
    (folder / bundle.MANIFEST_NAME).unlink()
    rewrite_manifest(folder, manifest)
    return folder


def made_from(file: Path, *, test: int) -> Origin:
    """Describe a training on a file."""
    return msgspec.structs.replace(
        ORIGIN, data=file.name, data_sha256=hash_file(file), split={"train": 1, "test": test}
    )


def write_rooms(path: Path, rows: int = 40) -> Path:
    """Write rows of which version 1 of "rooms" knows the price, 10 * size + 2, to a few units."""
    noise = np.random.default_rng(0).normal(0, 3, rows)
    lines = [f"{size},blue,{10 * size + 2 + noise[size]:.3f}" for size in range(rows)]
    path.write_text("size,colour,price\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def rooms(tmp_path: Path) -> ModelPair:
    """Two versions, of which the second says 1 more."""
    folders = [write_table_bundle(tmp_path, version=n, more=n - 1.0) for n in (1, 2)]
    return load_version(folders[0], threads=1), load_version(folders[1], threads=1)
