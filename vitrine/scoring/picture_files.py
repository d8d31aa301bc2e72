"""Files of pictures -> blocks of instances that say from which file each is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import overload

from vitrine.pictures import picture_blocks
from vitrine.scoring.job import CannotScore
from vitrine.scoring.storage import Storage, shown_path
from vitrine.signature import Dialect
from vitrine.tables.blocks import Block

FILE_COLUMN = "file"


class PictureFiles:
    """Pictures that are read from files, block by block.

    Args:
        storage: Where the files are.
        paths: Paths of the files.
        name: Name of the model's input.
        max_pixels: Number of pixels that one picture may have.

    Attributes:
        names: Name of the only column: the path of each file.
        dialect: That of a CSV answer.
        ignored_columns: None.
        schema: None: a path is a text.
    """

    names: tuple[str, ...] = (FILE_COLUMN,)
    dialect = Dialect()
    ignored_columns: tuple[str, ...] = ()
    schema = None

    def __init__(
        self, storage: Storage, paths: Sequence[str], name: str, *, max_pixels: int
    ) -> None:
        self._files = _Files(storage, paths)
        self._paths = [shown_path(path) for path in paths]
        self._name = name
        self._max_pixels = max_pixels

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks; a file that cannot be read is a fault, as one that is no picture."""
        blocks = picture_blocks(
            self._files, self._name, max_pixels=self._max_pixels, keep_faults=True
        )
        first = 0
        for block in blocks:
            unread = self._files.unread
            errors = {row: unread.get(first + row, text) for row, text in block.errors.items()}
            paths = self._paths[first : first + block.rows]
            first += block.rows
            yield replace(block, errors=errors, echo={FILE_COLUMN: paths})

    def is_ready(self) -> bool:
        """Tell that the next block can be read at once."""
        return True


class _Files(Sequence[bytes]):
    """The bytes of files, each of which is read when its turn comes, and is not kept.

    Attributes:
        unread: Index of each file that cannot be read -> a sentence about it.
    """

    def __init__(
        self,
        storage: Storage,
        paths: Sequence[str],
        first: int = 0,
        unread: dict[int, str] | None = None,
    ) -> None:
        self._storage = storage
        self._paths = paths
        self._first = first
        self.unread: dict[int, str] = {} if unread is None else unread

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> "_Files": ...
    def __getitem__(self, index: "int | slice") -> "bytes | _Files":
        if isinstance(index, slice):
            first = self._first + index.indices(len(self))[0]
            return _Files(self._storage, self._paths[index], first, self.unread)
        path = self._paths[index]  # raises the IndexError that ends an iteration
        try:
            with self._storage.open(path) as stream:
                return stream.read()
        except CannotScore as error:
            self.unread[self._first + index] = str(error)
            return b""
