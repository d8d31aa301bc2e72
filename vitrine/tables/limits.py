"""How much a table with types may hold, whatever it says of itself."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowLimits:
    """How much a body may hold.

    Attributes:
        max_rows: Most rows.
        max_row_bytes: Most bytes of the texts of one row.
        max_batch_bytes: Most bytes of what is unpacked at once: a record batch, with its
            dictionaries, or the pages of a Parquet file that are read together.
        max_bytes: Most bytes of everything, unpacked.
        max_footer_bytes: Most bytes of the description of a Parquet file.
        max_header_values: Most numbers and texts in that description, and as many in the headers of
            all pages. PyArrow takes up to a kilobyte for some of them.
    """

    max_rows: int
    max_row_bytes: int
    max_batch_bytes: int
    max_bytes: int
    max_footer_bytes: int = 2**22
    max_header_values: int = 300_000


# For a file of one's own, which may be as long as it likes.
OWN_FILE = ArrowLimits(
    max_rows=sys.maxsize,
    max_row_bytes=2**24,
    max_batch_bytes=2**31,
    max_bytes=sys.maxsize,
    max_footer_bytes=2**31,
    max_header_values=sys.maxsize,
)
