"""CSV and rows of JSON -> blocks of instances; columns -> CSV.

From the ground up; each imports only from those before it, and none knows the web or a model:

- `cells`: the text of one cell <-> its value.
- `records`: the bytes of a CSV body -> whole records -> fields.
- `blocks`: rows with their values, and what is wrong with the others.
- `header`: a CSV file's first line -> delimiter and columns.
- `arrow`: the fast way to read a block of CSV.
- `reader`: a CSV body -> blocks. `rows`: rows of JSON -> a block. `writer`: columns -> CSV.
- `files`: a whole file of unknown dialect -> columns of text, for training.
"""

from vitrine.tables.blocks import Block
from vitrine.tables.cells import (
    BLANKS,
    Parsed,
    find_date_formats,
    parse_categories,
    parse_dates,
    parse_numbers,
)
from vitrine.tables.files import Table, find_dialect, read_table
from vitrine.tables.reader import CsvReader
from vitrine.tables.records import Stream
from vitrine.tables.rows import decode_rows
from vitrine.tables.writer import write_csv

__all__ = [
    "BLANKS",
    "Block",
    "CsvReader",
    "Parsed",
    "Stream",
    "Table",
    "decode_rows",
    "find_date_formats",
    "find_dialect",
    "parse_categories",
    "parse_dates",
    "parse_numbers",
    "read_table",
    "write_csv",
]
