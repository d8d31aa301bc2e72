"""How much a table with types may hold, whatever it says of itself."""

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
    """

    max_rows: int
    max_row_bytes: int
    max_batch_bytes: int
    max_bytes: int
