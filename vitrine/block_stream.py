"""Instances that are about to be read: a table, rows of JSON or pictures, block by block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vitrine.signature import Dialect
from vitrine.tables.blocks import Block


class TableReader(Protocol):
    """A table that is read block by block.

    Attributes:
        names: Names of its columns.
        dialect: Marks of its numbers and columns; settled once its first block was read.
        ignored_columns: Columns that the model does not have.
    """

    names: tuple[str, ...]
    dialect: Dialect
    ignored_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockStream:
    """Instances that are about to be read.

    Attributes:
        blocks: Blocks of instances, made as they are asked for.
        ignored_columns: Columns that the model does not have.
        table: The table that the blocks come from; None for pictures and rows of JSON.
    """

    blocks: Iterable[Block]
    ignored_columns: Sequence[str] = ()
    table: TableReader | None = None
