"""A file of unknown dialect becomes columns of text."""

import os
from pathlib import Path

import pytest

from vitrine.errors import EmptyBody, InvalidInstances
from vitrine.signature import Dialect
from vitrine.tables.files import SAMPLE_BYTES, find_dialect, read_table


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("a,b\n1.5,2\n", Dialect()),
        ("a;b\n1,5;2\n", Dialect(delimiter=";", decimal=",")),
        ("a;b\n1.234,5;2\n", Dialect(delimiter=";", decimal=",", thousands=".")),
        ("a;b\n1.5;2\n", Dialect(delimiter=";")),
        ("a\tb,c\n1\t2\n", Dialect(delimiter="\t")),
        ("a|b\n1|2\n", Dialect(delimiter="|")),
        ('a,b\n"27,3",25.461\n', Dialect(decimal=",", thousands=".")),
        ('a,b\n"1,234",2.5\n', Dialect(thousands=",")),
        ("a\n1.5\n", Dialect()),
        ("a\n1,5\n2,5\n", Dialect(delimiter=";", decimal=",")),
        ("a,b\n1,x;y\n2,z;w\n", Dialect()),
        ("\ufeffa;b\r\n\r\n1;2\r\n", Dialect(delimiter=";")),
        ("a,b", Dialect()),
    ],
)
def test_dialect_is_found_from_a_sample(sample: str, expected: Dialect) -> None:
    assert find_dialect(sample.encode()) == expected


def test_dialect_is_found_though_the_sample_is_cut() -> None:
    sample = ('name;value\n"x, y";1,5\n' * 60_000).encode()[:SAMPLE_BYTES]

    assert find_dialect(sample) == Dialect(delimiter=";", decimal=",")


def test_dialect_is_the_one_that_brings_out_the_landmarks() -> None:
    sample = "Staff, 2024\nlast, first;salary\n" + "Doe, John;5\n" * 40

    assert find_dialect(sample.encode(), ["salary"]).delimiter == ";"
    assert find_dialect(sample.encode()).delimiter == ","


def test_dialect_of_nothing_is_not_found() -> None:
    with pytest.raises(EmptyBody):
        find_dialect(b"\n\n")


def test_table_is_columns_of_text_with_blanks(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a;b;\n 1,5 ;"x;\ny";\n;NA;\n2,0;z;\n')

    table = read_table(path)

    assert table.dialect == Dialect(delimiter=";", decimal=",")
    assert table.columns == {
        "a": ["1,5", None, "2,0"],
        "b": ["x;\ny", None, "z"],
        "column 3": [None, None, None],
    }


def test_table_is_read_in_the_dialect_given(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a;b,c\n1;2,3\n")

    assert list(read_table(path, Dialect(delimiter=";")).columns) == ["a", "b,c"]


def test_long_table_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b\n" + "".join(f"{row},x\n" for row in range(60_000)))

    columns = read_table(path).columns

    assert columns["a"] == [str(row) for row in range(60_000)]
    assert len({id(text) for text in columns["b"]}) == 1


def test_ragged_table_is_refused_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n")

    with pytest.raises(InvalidInstances) as caught:
        read_table(path)
    assert [fault.line for fault in caught.value.faults] == [3, 4]


@pytest.mark.skipif("VITRINE_DATA" not in os.environ, reason="VITRINE_DATA names no data sets")
@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("beer_decimal_comma.csv", 941, Dialect(decimal=",", thousands=".")),
        ("bank_marketing_semicolon.csv", 4521, Dialect(delimiter=";")),
        ("ai4i2020_bom.csv", 10_000, Dialect()),
        ("titanic_kaggle.csv", 891, Dialect()),
        ("diamonds.csv", 53_940, Dialect()),
    ],
)
def test_real_file_is_read(name: str, rows: int, expected: Dialect) -> None:
    table = read_table(Path(os.environ["VITRINE_DATA"]) / "tables" / name)

    assert table.dialect == expected
    assert {len(column) for column in table.columns.values()} == {rows}
    assert not any(name.startswith("\ufeff") for name in table.columns)
