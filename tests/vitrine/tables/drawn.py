"""Tables drawn at random for the tests of tables."""

import csv
from io import StringIO

from hypothesis import strategies as st

from vitrine.signature import Dialect

# The text of a table, its dialect and its number of columns.
DrawnTable = tuple[str, Dialect, int]

# Cells that PyArrow and Python could take for different things.
CELLS = st.one_of(
    st.floats(width=32).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        [
            *("", " ", "NA", "nan", "-nan", "nan(1)", "inf", "-inf", "Infinity", "null", "None"),
            *("+3", ".5", "5.", "-0", "1e3", "1E-5", "1e39", "1e400", "1e-400", "1e", "00012"),
            *("1,5", "1.234", "1.234,5", "1,234.5", "1 234", "1_0", "0x10", "1f", "1d5", "--1"),
            *(" 1 ", "\t2", "\u00a03", "\u22124", "\u0663", "\x0b1", "1\x0c", "\x00", "1\x00"),
            *("a", "a ", '"', '""', 'a"b', "é", "\u2028", "\ufeff1", "\x1f1", "true", "1.0"),
            *("\n", "\r", "a\r\nb", "2024-01-05", "2024-01-05T10:00Z", "20240105", "2024-13-01"),
        ]
    ),
    st.text(max_size=4),
)


@st.composite
def drawn_tables(draw: st.DrawFn) -> DrawnTable:
    """Draw a table without a header, written as one of many programs would write it."""
    width = draw(st.integers(1, 4))
    dialect = Dialect(
        delimiter=draw(st.sampled_from(",;\t|")),
        decimal=draw(st.sampled_from(".,")),
        thousands=draw(st.sampled_from(["", " ", "'"])),
    )
    text = StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=dialect.delimiter,
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    cells = [*draw(st.lists(CELLS, min_size=1, max_size=4)), "1", "2.5", ""]
    row = st.lists(st.sampled_from(cells), min_size=width, max_size=width)
    writer.writerows(draw(st.lists(row, min_size=1, max_size=5)))
    return text.getvalue(), dialect, width
