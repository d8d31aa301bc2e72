"""CSV files become parts with typed columns, or are refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from training.datasets.column_kinds import Overrides
from training.datasets.tables import load_table
from training.errors import CannotTrain
from vitrine.signature import CategoryInput, DateInput, NumberInput


def test_rows_without_a_target_are_not_used(tmp_path: Path) -> None:
    lines = [f"{value},{value if value % 4 else ''}" for value in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines]))

    parts = load_table(tmp_path / "t.csv", ["b"], Overrides(numeric=("a",)), seed=0)

    assert sum(parts.sizes.values()) == 30
    assert parts.unusable == 10


def test_table_columns_become_specs(rents: Path) -> None:
    parts = load_table(rents, ["rent"], Overrides(), seed=0)

    kinds = {spec.name: type(spec) for spec in parts.specs}
    assert kinds == {"size [m2]": NumberInput, "built": DateInput, "district": CategoryInput}
    assert set(parts.left_out) == {"row", "flat id", "note"}


TABLE_FAULTS: Mapping[str, tuple[str, str]] = {
    "no target": ("a,b\n1,2\n", "There is no column 'rent'"),
    "text among numbers": (
        "a,rent\n1,much\n" + "".join(f"1,{rent}\n" for rent in range(30)),
        "needs a numeric target: 'rent' in data row 1",
    ),
    "constant target": ("a,rent\n" + "1,2\n" * 30, "'rent' has the same value in every row"),
    "few rows": ("a,rent\n" + "1,2\n" * 19, "At least 20 rows must have a value in 'rent'"),
    "one column twice": ("a,a,rent\n1,2,3\n", "'a'"),
    "ragged": ("a,rent\n1,2\n1,2,3\n", "t.csv"),
    "empty": ("", "The body is empty"),
}


@pytest.mark.parametrize(("text", "message"), TABLE_FAULTS.values(), ids=TABLE_FAULTS)
def test_table_that_cannot_be_learned_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)

    with pytest.raises(CannotTrain, match=message):
        load_table(tmp_path / "t.csv", ["rent"], Overrides(), seed=0)


def test_odd_texts_are_read_as_the_notes_say(tmp_path: Path) -> None:
    rows = [f"{row};{row}.{row % 1000:03d};{row} km;2/{row % 12 + 1}/2020" for row in range(1, 60)]
    (tmp_path / "t.csv").write_text("\n".join(["y;pay;way;when", *rows]))

    parts = load_table(tmp_path / "t.csv", ["y"], Overrides(thousands="", order="month"), seed=0)

    pay, way, when = parts.specs
    assert isinstance(pay, NumberInput)
    assert isinstance(way, NumberInput)
    assert isinstance(when, DateInput)
    assert pay.maximum is not None
    assert pay.maximum < 60
    assert (way.unit, when.format) == ("km", "%m/%d/%Y")
    assert len(parts.notes) == 2


def test_names_and_texts_are_read_in_nfc(tmp_path: Path) -> None:
    places = ["Sa\u0303o", "S\xe3o"] * 30
    rows = [f"{row},{place},{row % 7}" for row, place in enumerate(places)]
    rows += [f"{row},Rio,{row % 7}" for row in range(60, 120)]
    (tmp_path / "t.csv").write_text("\n".join(["x,lugar,a\u0301rea", *rows]))

    parts = load_table(tmp_path / "t.csv", ["\xe1rea"], Overrides(numeric=("x",)), seed=0)

    assert parts.target.name == "\xe1rea"
    assert isinstance(parts.specs[1], CategoryInput)
    assert parts.specs[1].vocabulary == ("Rio", "S\xe3o")


def test_marks_of_numbers_are_told(tmp_path: Path) -> None:
    rows = [f"{row % 13};{20 + row}.{row:03d}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["x;pay", *rows]))

    parts = load_table(tmp_path / "t.csv", ["pay"], Overrides(), seed=0)

    assert parts.train.y.min() >= 20000
    assert parts.notes[0].startswith(
        "Numbers have the decimal mark ',' and the thousands mark '.': '20.000' is 20000."
    )
