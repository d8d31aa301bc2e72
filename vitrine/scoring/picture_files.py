"""Files of pictures -> blocks of instances that say from which file each is."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import overload

from vitrine.pictures import picture_blocks
from vitrine.scoring.job import FileUnreadable
from vitrine.scoring.storage import Storage, is_bucket, shown_path
from vitrine.signature import Dialect
from vitrine.tables.blocks import Block

FILE_COLUMN = "file"
# S3 answers a request in tens of milliseconds, and many at once as fast as one.
_READ_AHEAD = 16
# What a pixel takes at most: four channels of 16 bits, not packed. The rest of a file takes less
# than the other bytes: a larger file, such as a film, is no picture, and memory has to hold it.
_PIXEL_BYTES = 8
_OTHER_BYTES = 2**24


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
        self._storage = storage
        self._files = paths
        self._paths = [shown_path(path) for path in paths]
        self._name = name
        self._max_pixels = max_pixels

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks; a file that cannot be read is a fault, as one that is no picture."""
        with _threads(self._storage) as threads:
            most = self._max_pixels * _PIXEL_BYTES + _OTHER_BYTES
            reader = _Reader(self._storage, self._files, threads, max_bytes=most)
            files = _Files(reader, range(len(self._files)))
            first = 0
            for block in picture_blocks(
                files, self._name, max_pixels=self._max_pixels, keep_faults=True
            ):
                errors = {
                    row: reader.unread.get(first + row, text) for row, text in block.errors.items()
                }
                paths = self._paths[first : first + block.rows]
                first += block.rows
                yield replace(block, errors=errors, echo={FILE_COLUMN: paths})

    def is_ready(self) -> bool:
        """Tell that the next block can be read at once."""
        return True


def _threads(storage: Storage) -> AbstractContextManager[ThreadPoolExecutor | None]:
    is_slow = is_bucket(storage.url)
    return ThreadPoolExecutor(_READ_AHEAD) if is_slow else nullcontext()


class _Files(Sequence[bytes]):
    """The bytes of files, each of which is read when its turn comes, and is not kept.

    Args:
        reader: Reads them.
        indices: Which of the reader's files they are.
    """

    def __init__(self, reader: "_Reader", indices: range) -> None:
        self._reader = reader
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> "_Files": ...
    def __getitem__(self, index: "int | slice") -> "bytes | _Files":
        if isinstance(index, slice):
            return _Files(self._reader, self._indices[index])
        return self._reader.read(self._indices[index])  # an IndexError ends an iteration


class _Reader:
    """Reads files one after the other, from a bucket some of them ahead.

    Args:
        storage: Where the files are.
        paths: Paths of the files.
        threads: Threads that read ahead; None where that gains nothing.
        max_bytes: Size of the largest file that is read.

    Attributes:
        unread: Index of each file that cannot be read -> a sentence about it.
    """

    def __init__(
        self,
        storage: Storage,
        paths: Sequence[str],
        threads: ThreadPoolExecutor | None,
        *,
        max_bytes: int,
    ) -> None:
        self._storage = storage
        self._paths = paths
        self._threads = threads
        self._max_bytes = max_bytes
        self._coming: dict[int, Future[bytes]] = {}
        self.unread: dict[int, str] = {}

    def read(self, index: int) -> bytes:
        """Return the bytes of a file; nothing where it cannot be read."""
        if self._threads is None:
            return self._load(index)
        for ahead in range(index, min(index + _READ_AHEAD, len(self._paths))):
            if ahead not in self._coming:
                self._coming[ahead] = self._threads.submit(self._load, ahead)
        return self._coming.pop(index).result()

    def _load(self, index: int) -> bytes:
        try:
            with self._storage.open(self._paths[index]) as stream:
                size = stream.seek(0, os.SEEK_END)
                if size <= self._max_bytes:
                    stream.seek(0)
                    return stream.read()
            self.unread[index] = (
                f"The file has {size} bytes; a picture may have at most {self._max_bytes}."
            )
        except FileUnreadable as error:
            self.unread[index] = str(error)
        return b""
