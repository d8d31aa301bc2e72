"""Rows of text know all that is wrong in them."""

from tests.vitrine.tables.tables import COMMA
from vitrine.errors import Fault
from vitrine.tables.blocks import WHOLE_ROW
from vitrine.tables.records import RecordBlock
from vitrine.tables.text import TextRows


def rows(body: bytes, *names: str, line: int = 2) -> TextRows:
    block = RecordBlock(body, line=line, is_regular=False)
    return TextRows(block, names, delimiter=COMMA.delimiter, checked=range(len(names)))


def test_columns_have_the_cells_of_complete_rows() -> None:
    read = rows(b"1;a\n\n2\n3;c\n", "x", "kind")

    assert len(read) == 3
    assert read.column(0) == ["1", "3"]
    assert read.column(1) == ["a", "c"]
    assert list(read.faults) == [1]


def test_fault_of_a_cell_is_of_its_row_and_line() -> None:
    read = rows(b"1;a\n2\nbad;c\n", "x", "kind", line=5)

    read.add_faults(0, {1: "must be a number"})

    text = "must be a number. Received: 'bad'."
    assert read.faults[2] == {0: text}
    assert read.is_good().tolist() == [True, False]
    assert read.locate(2, 0, text) == Fault(
        detail=f"Line 7, column 'x': {text}", line=7, column="x"
    )


def test_first_fault_of_a_cell_stays() -> None:
    read = rows(b"\xff;a\n", "x", "kind")

    read.add_faults(0, {0: "must be a number"})

    assert read.faults == {0: {0: "must be UTF-8. Received: byte 0xff after ''."}}


def test_fault_of_a_row_has_no_column() -> None:
    read = rows(b"1;2;3\n", "x", "kind")

    assert read.faults[0] == {WHOLE_ROW: "must have 2 fields, as the header has. Received: 3."}
    assert read.locate(0, WHOLE_ROW, "is short.") == Fault(detail="Line 2: is short.", line=2)


def test_echo_has_all_columns_of_all_rows() -> None:
    assert rows(b"1\n2;b;c\n\xff;d\n", "x", "kind").echo() == {
        "x": ["1", "2", "\ufffd"],
        "kind": ["", "b", "d"],
    }
