"""CSV files that other people wrote: read, or refused with what was read and what to do."""

import gzip
from pathlib import Path

import pytest

from training.datasets.column_kinds import Overrides
from training.datasets.csv_files import check_columns, read_csv
from training.datasets.tables import load_table, read_table_data
from training.errors import CannotTrain

ROWS = "years;distance_km;team;salary\n7;20,5;ops;43062\n2;77,5;sales;24372\n"


def write(folder: Path, body: bytes | str) -> Path:
    """Write a CSV file."""
    path = folder / "t.csv"
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return path


def refusal(path: Path, *needed: str, ignored: tuple[str, ...] = ()) -> str:
    """Refuse a file, and say why."""
    with pytest.raises(CannotTrain) as caught:
        read_csv(path, needed, ignored=ignored)
    return str(caught.value)


def test_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match="cannot be read: No such file"):
        load_table(tmp_path / "t.csv", ["rent"], Overrides(), seed=0)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (ROWS, 1),
        (f"sep=;\r\n{ROWS}", 2),
        (f"\ufeffsep=;\n\n{ROWS}", 3),
        (f"Salaries, 2024\n# source: staff, payroll\n\n{ROWS}", 4),
        (f"Salaries 2024;;;\n;;;\n{ROWS}", 3),
        (("\ufeff" + ROWS).encode("utf-16-le"), 1),
    ],
    ids=["plain", "sep", "bom and sep", "title", "padded title", "utf-16"],
)
def test_file_is_read_below_what_others_put_above_its_header(
    tmp_path: Path, body: bytes | str, line: int
) -> None:
    table = read_csv(write(tmp_path, body), ["salary"])

    assert table.columns == {
        "years": ["7", "2"],
        "distance_km": ["20,5", "77,5"],
        "team": ["ops", "sales"],
        "salary": ["43062", "24372"],
    }
    assert (table.dialect.delimiter, table.dialect.decimal, table.header_line) == (";", ",", line)


@pytest.mark.parametrize(
    ("body", "name", "message"),
    [
        (
            ROWS,
            "salry",
            "There is no column 'salry'. Did you mean 'salary'? "
            "The columns of the file: 'years', 'distance_km', 'team', 'salary'.",
        ),
        (
            "years   km     team   salary\n7       20972  ops    43062\n",
            "salary",
            "There is no column 'salary'. One column was read: 'years   km     team   salary'. "
            "The first line must name all columns, separated by commas, semicolons or tabs, not by "
            "spaces.",
        ),
        (
            "7,20972,ops,43062\n2,77587,sales,24372\n",
            "salary",
            "There is no column 'salary'. The first line was read as the names of the columns: "
            "'7', '20972', 'ops', '43062'. If it is data, write a line with the names above it.",
        ),
        (
            "18.0   8   307.0\n15.0   8   350.0\n",
            "mpg",
            "There is no column 'mpg'. The first line was read as the names of the columns: "
            "'18.0   8   307.0'. If it is data, write a line with the names above it.",
        ),
        (
            "Salaries 2024\nyears,team\n7,ops\n",
            "salary",
            "There is no column 'salary'. One column was read: 'Salaries 2024'. "
            "The first line must name all columns, separated by commas, semicolons or tabs.",
        ),
        (
            '"years,salary"\n"7,1"\n',
            "salary",
            "There is no column 'salary'. One column was read: 'years,salary'. "
            "The first line must name all columns, separated by commas, semicolons or tabs, "
            "without quotes around the line.",
        ),
        (
            ",".join(f"x{number}" for number in range(30)),
            "y",
            "There is no column 'y'. The columns of the file: "
            + ", ".join(f"'x{number}'" for number in range(20))
            + " and 10 more.",
        ),
    ],
    ids=["misspelt", "spaces", "no header", "neither", "title", "quotes", "many"],
)
def test_missing_column_is_refused_with_the_columns_that_were_read(
    tmp_path: Path, body: str, name: str, message: str
) -> None:
    assert refusal(write(tmp_path, body), name) == message


def test_other_option_may_have_given_the_file() -> None:
    with pytest.raises(CannotTrain, match=r"^--sample has no column 'y'\. The columns of the file"):
        check_columns(["y"], ["x", "z"], missing="--sample has no column")


def test_other_format_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(ROWS.encode()))

    assert refusal(path, "salary") == (
        f"{path}: This is compressed with gzip, not CSV: unpack it first, for example with gunzip."
    )


NOTES = b"note,salary,note\ncaf\xe9,1,x\n\x96,2,y\n"


def test_ignored_columns_may_hold_anything(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, NOTES), ["salary"], ignored=["note"])

    assert table.columns["salary"] == ["1", "2"]
    assert list(table.columns) == ["note", "salary"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (NOTES, "Line 1, column 'note': must come once. Received: 2 times."),
        (
            NOTES.replace(b",note", b",text"),
            "2 faults were found. Line 2, column 'note': must be UTF-8. Received: byte 0xe9 after "
            "'caf'.",
        ),
    ],
    ids=["twice", "bytes"],
)
def test_column_that_cannot_be_read_may_be_left_out(
    tmp_path: Path, body: bytes, message: str
) -> None:
    path = write(tmp_path, body)

    assert refusal(path, "salary") == (
        f"{path}: {message} Correct the file, or, if the column is no input, leave it out with "
        "--ignore note."
    )


def test_target_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, b"salary,x,salary\n1,2,3\n")

    assert refusal(path, "salary") == (
        f"{path}: Line 1, column 'salary': must come once. Received: 2 times."
    )


def test_table_that_is_trained_on_leaves_ignored_columns_unread(tmp_path: Path) -> None:
    body = b"salary,x,note,note\n" + b"".join(b"%d,%d,\xe9,\n" % (n, 3 * n) for n in range(40))

    data = read_table_data(
        write(tmp_path, body), ["salary"], Overrides(numeric=("x",), ignored=("note",))
    )

    assert data.kinds.inputs == {"x": "number"}
    assert data.kinds.left_out == {"note": "left out by --ignore"}
