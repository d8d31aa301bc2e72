"""An Arrow IPC stream -> blocks of instances, in memory that does not grow with the stream.

Arrow reads the messages. Each is judged before, so that none takes more memory than it may.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
from pyarrow import ipc

from vitrine.errors import DataTooLarge, EmptyBody, MalformedBody, TooManyInstances
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.arrow_blocks import ArrowBlocks
from vitrine.tables.blocks import Block
from vitrine.tables.flatbuffers import Message, read_message
from vitrine.tables.header import MAX_COLUMNS
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.streams import ByteStream, has_arrived

# What pyarrow raises where a body is not what it should be.
_ARROW_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, KeyError)

# A file is a stream between this mark and a table of contents.
_FILE_MARK = b"ARROW1"
_FILE_MARK_BYTES = 8
_CONTINUATION = b"\xff\xff\xff\xff"
# A schema of the most columns takes 4 MB.
_MAX_METADATA_BYTES = 2**23
# Each column may have a dictionary. More messages in a row that bring no rows are read for nothing.
_MAX_IDLE_MESSAGES = 2 * MAX_COLUMNS
# Files of polars have their schema at the end alone.
_NO_STREAM_IN_FILE = (
    "This Arrow file cannot be read from its beginning on. Write an Arrow IPC stream instead, for "
    "example with polars' write_ipc_stream."
)
_SMALLER_BATCHES = (
    "Write batches of fewer rows, for example with pyarrow's "
    "write_table(table, max_chunksize=65536)."
)


@contextmanager
def malformed(kind: str) -> Iterator[None]:
    """Turn what pyarrow raises into the error of a malformed body.

    Args:
        kind: What the body should be.
    """
    try:
        yield
    except _ARROW_ERRORS:
        raise MalformedBody(f"The body is no {kind}, or it is damaged.") from None


_malformed = partial(malformed, "Arrow IPC stream")


class ArrowStreamReader:
    """An Arrow IPC stream that is read batch by batch. The same in a file (Feather 2) is read, too.

    Args:
        stream: Body to read.
        columns: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        limits: How much the stream may hold.
        echo: Whether blocks carry all cells.

    Attributes:
        names: Names of the columns, as those of a CSV file have them.
        dialect: That of a CSV answer.
        ignored_columns: Names of the columns that the model does not have.
        schema: Types of the columns, as they are repeated.

    Raises:
        EmptyBody: There is nothing.
        MalformedBody: It is no Arrow stream.
        InvalidInstances: Columns are missing, come twice, or have a type that cannot be read.
        DataTooLarge: The schema is too large.
    """

    def __init__(
        self,
        stream: ByteStream,
        columns: Sequence[ColumnSpec],
        *,
        training_dialect: Dialect | None,
        limits: ArrowLimits,
        echo: bool = False,
    ) -> None:
        self._messages = _Messages(stream, limits)
        with _malformed():
            schema = checked_schema(self._messages.schema())
        self._blocks = ArrowBlocks(
            schema, columns, training_dialect=training_dialect, limits=limits, echo=echo
        )
        self.schema = self._blocks.schema
        self.names = self._blocks.layout.names
        self.ignored_columns = self._blocks.layout.ignored
        self.dialect = Dialect()
        self._has_block = False

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, each of at least one row.

        Raises:
            VitrineError: The stream breaks its format or a limit.
        """
        indices = self._blocks.indices
        for batch in self._batches(indices):
            with _malformed():
                columns = dict(zip(indices, batch.columns, strict=True))
                self._blocks.validate(columns, batch.num_rows)
            self._has_block = True
            yield from self._blocks.blocks(columns, batch.num_rows)
            self._has_block = False

    def is_ready(self) -> bool:
        """Tell whether the next block can be read without waiting for its bytes."""
        return self._has_block or self._messages.is_ready()

    def _batches(self, indices: Sequence[int]) -> Iterator[pa.RecordBatch]:
        options = ipc.IpcReadOptions(use_threads=False, included_fields=list(indices))
        with _malformed():
            reader = ipc.open_stream(self._messages, options=options)
        while True:
            with _malformed():
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            yield batch


def checked_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema without its remarks.

    Raises:
        ValueError: It has no columns, or a name that is not UTF-8, which shows when it is read.
    """
    if not schema.names:
        raise ValueError("the schema has no columns")
    return schema.remove_metadata()


class _Messages:
    """The bytes of a stream, as pyarrow reads them from a file, each message judged before.

    Attributes:
        closed: Whether nothing can be read; pyarrow asks for it.
    """

    closed = False

    def __init__(self, stream: ByteStream, limits: ArrowLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._pieces = self._judged()
        self._pending = b""
        self._dictionary_bytes: dict[int, int] = {}
        self._unpacked_bytes = self._last_bytes = self._idle_messages = 0

    def schema(self) -> pa.Schema:
        """Return the schema, the first message, which can still be read."""
        first = b"".join(next(self._pieces, b"") for _ in range(2))
        self._pending = first
        return ipc.read_schema(pa.py_buffer(first))

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, fewer than `size` only at the end."""
        if not self._pending:
            self._pending = next(self._pieces, b"")
        # A body is mostly asked for as a whole, and need not be copied then.
        read, self._pending = self._pending[:size], self._pending[size:]
        if read and len(read) < size:
            read += self.read(size - len(read))
        return read

    def is_ready(self) -> bool:
        """Tell whether a message like the last one can be read without waiting."""
        return has_arrived(self._stream, self._last_bytes)

    def _judged(self) -> Iterator[bytes]:
        """Yield the bytes of each message: its length, its metadata, its body."""
        start = self._read(_FILE_MARK_BYTES)
        if not start:
            raise EmptyBody("an Arrow IPC stream")
        is_file = start.startswith(_FILE_MARK)
        prefix = self._read(8) if is_file else start
        if is_file and not prefix.startswith(_CONTINUATION):
            raise MalformedBody(_NO_STREAM_IN_FILE)
        while prefix:
            length = self._length(prefix)
            if not length and not is_file and self._stream.read(1):
                raise MalformedBody("There are bytes behind the end of the Arrow IPC stream.")
            yield prefix
            if not length:
                return
            metadata = self._exactly(length)
            message = read_message(metadata)
            self._check(message)
            body = self._exactly(message.body_bytes)
            self._check_unpacked(message, message.unpacked_bytes(body))
            self._last_bytes = 8 + len(metadata) + len(body)
            yield metadata
            if body:  # nothing is the end
                yield body
            body = b""  # it would be kept beside the next one
            prefix = self._read(8)

    def _length(self, prefix: bytes) -> int:
        """Return how long the metadata of a message is; 0 at the end of the stream."""
        if len(prefix) != 8 or not prefix.startswith(_CONTINUATION):
            raise ValueError("a message has no length")
        (length,) = struct.unpack("<i", prefix[4:])
        if length < 0:
            raise ValueError("a message has a negative length")
        if length > _MAX_METADATA_BYTES:
            raise DataTooLarge("The description of a batch", _MAX_METADATA_BYTES)
        return int(length)

    def _read(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end; a pipe gives what it has."""
        data = self._stream.read(size)
        while 0 < len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        return data

    def _exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            raise ValueError("the stream ends within a message")
        return data

    def _check(self, message: Message) -> None:
        """Refuse a message before its body is read."""
        brings_rows = message.rows and message.dictionary is None
        self._idle_messages = 0 if brings_rows else self._idle_messages + 1
        if self._idle_messages > _MAX_IDLE_MESSAGES:
            raise MalformedBody(f"More than {_MAX_IDLE_MESSAGES} messages bring no rows.")
        self._check_bytes(message.body_bytes)
        if message.rows > self._limits.max_rows:
            raise TooManyInstances("rows", self._limits.max_rows)

    def _check_bytes(self, size: int) -> None:
        if size > self._limits.max_batch_bytes:
            raise DataTooLarge(
                "A record batch, with its dictionaries,",
                self._limits.max_batch_bytes,
                _SMALLER_BATCHES,
            )

    def _check_unpacked(self, message: Message, size: int) -> None:
        """Refuse what would take too much memory when it is unpacked."""
        if message.dictionary is not None:
            before = self._dictionary_bytes.get(message.dictionary, 0) if message.is_delta else 0
            self._dictionary_bytes[message.dictionary] = before + size
        self._check_bytes(max(size, sum(self._dictionary_bytes.values())))
        self._unpacked_bytes += size
        if self._unpacked_bytes > self._limits.max_bytes:
            raise DataTooLarge("An Arrow stream", self._limits.max_bytes)
