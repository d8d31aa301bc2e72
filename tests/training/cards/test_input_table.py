"""The inputs of a model, on its card."""

import msgspec
import pytest

from tests.bundles import table_manifest
from training.cards.input_table import input_table
from vitrine.bundle import Manifest
from vitrine.signature import Dialect


def described(*, scores: bool, sample: bool) -> Manifest:
    """Describe a model that was trained here, or was imported with or without a sample."""
    return msgspec.structs.replace(
        table_manifest(),
        scores={"test": {"rmse": 1.0}} if scores else {},
        dialect=Dialect() if sample else None,
    )


@pytest.mark.parametrize(
    ("manifest", "seen", "missing"),
    [
        (described(scores=True, sample=True), "seen in training", "no"),
        (described(scores=False, sample=True), "seen in the sample", "no"),
        (described(scores=False, sample=False), "seen in the sample", "not known"),
    ],
    ids=["trained", "imported with a sample", "imported"],
)
def test_table_says_only_what_is_known(manifest: Manifest, seen: str, missing: str) -> None:
    header, _, size, _ = input_table(manifest).splitlines()

    assert header == f"| input | kind | {seen} | median | missing values |"
    assert size.endswith(f"| {missing} |")


def test_unit_of_a_number_is_told() -> None:
    manifest = described(scores=True, sample=True)
    size, district = manifest.signature.columns
    signature = msgspec.structs.replace(
        manifest.signature, inputs=(msgspec.structs.replace(size, unit="m2"), district)
    )

    _, _, line, _ = input_table(msgspec.structs.replace(manifest, signature=signature)).splitlines()

    assert "| number, m2 |" in line
