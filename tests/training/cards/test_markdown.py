"""Tables in Markdown."""

from training.cards.markdown import table


def test_cell_ends_neither_its_column_nor_its_line() -> None:
    written = table(["name"], [["a|b\nc"]])

    assert written == "| name |\n| --- |\n| a\\|b c |"
