"""The parts of a form -> the pictures or the table in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from vitrine.data_uris import percent_decode
from vitrine.errors import (
    EmptyBody,
    Fault,
    InvalidInstances,
    MalformedBody,
    TooManyInstances,
    shown,
)
from vitrine.pictures import HEAD_BYTES, begins_like_picture
from vitrine.tables.streams import ByteStream
from vitrine.unread_formats import begins_like_json

_PIECE_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form.

    Attributes:
        name: Name of the field.
        data: What the field holds.
        is_file: Whether it was sent as a file; it is a text otherwise.
    """

    name: str
    data: bytes
    is_file: bool


def read_multipart(body: ByteStream, boundary: str | None, *, max_parts: int) -> list[Part]:
    """Read the parts of multipart/form-data in their order, into memory.

    Args:
        body: The bytes of the form, of which there is a limit: a container may have no disk.
        boundary: What separates the parts; None where the request does not say.
        max_parts: Number of parts that are read.

    Raises:
        MalformedBody: The body is no such form.
        TooManyInstances: There are more than `max_parts`.
    """
    if not boundary:
        raise MalformedBody(
            "The header 'Content-Type: multipart/form-data' lacks its boundary. "
            "Leave this header to the client, which adds the boundary by itself."
        )
    try:
        decoder = MultipartDecoder(boundary.encode("ascii"), max_parts=max_parts)
        return _parts(decoder, body)
    except RequestEntityTooLarge:
        raise TooManyInstances("files", max_parts) from None
    except ValueError:
        raise MalformedBody("The body is not multipart/form-data with its boundary.") from None


def _parts(decoder: MultipartDecoder, body: ByteStream) -> list[Part]:
    parts: list[Part] = []
    head: Field | File | None = None
    pieces: list[bytes] = []
    while True:
        match decoder.next_event():
            case NeedData():
                decoder.receive_data(body.read(_PIECE_BYTES) or None)
            case Field() | File() as head:
                pieces = []
            case Data(data=data, more_data=more):
                pieces.append(data)
                if not more and head is not None:
                    parts.append(_part(head, b"".join(pieces)))
            case Epilogue():
                return parts


def _part(head: Field | File, data: bytes) -> Part:
    # A browser sends a file without a name for an input in which nothing was chosen.
    is_file = isinstance(head, File) and bool(head.filename or data)
    return Part(head.name or "", data, is_file)


def read_fields(body: bytes, *, max_fields: int) -> list[Part]:
    """Read the fields of application/x-www-form-urlencoded in their order.

    A "+" stays what it is, though it may stand for a space: few clients escape that of base64.

    Raises:
        TooManyInstances: There are more than `max_fields`.
    """
    if body.count(b"&") >= max_fields:
        raise TooManyInstances("fields", max_fields)
    pairs = (field.partition(b"=") for field in body.split(b"&") if field)
    return [
        Part(percent_decode(name).decode(errors="replace"), percent_decode(value), is_file=False)
        for name, _, value in pairs
    ]


def pictures_of(parts: Sequence[Part]) -> list[bytes]:
    """Return the pictures of a form: its files, and its texts that are pictures.

    Other texts beside a picture are ignored.

    Raises:
        EmptyBody: The form holds nothing.
        InvalidInstances: It holds texts alone, none of which is a picture.
    """
    pictures = [part.data for part in parts if part.is_file or _is_picture(part.data)]
    if pictures:
        return pictures
    _refuse_json(parts)
    texts = [part for part in parts if part.data]
    if not texts:
        raise EmptyBody("a file, as curl -F file=@picture.png sends it")
    raise _invalid(
        f"Field {shown(texts[0].name)} holds a text that is no picture. Send the picture's file, "
        "as curl -F file=@picture.png and canvas.toBlob do, or its base64 or data URI."
    )


def _is_picture(text: bytes) -> bool:
    head = text[:HEAD_BYTES]
    return begins_like_picture(head) and not begins_like_json(head)


def table_of(parts: Sequence[Part]) -> bytes:
    """Return the table of a form: its only file, or its only text of several lines.

    Raises:
        EmptyBody: The form holds no table.
        InvalidInstances: It holds JSON.
        TooManyInstances: It holds several tables.
    """
    _refuse_json(parts)
    tables = [part.data for part in parts if part.is_file]
    tables = tables or [part.data for part in parts if b"\n" in part.data or b"\r" in part.data]
    if not tables:
        raise EmptyBody("a file, as curl -F file=@rows.csv sends it")
    if len(tables) > 1:
        raise TooManyInstances("tables", 1)
    return tables[0]


def _refuse_json(parts: Sequence[Part]) -> None:
    for part in parts:
        if begins_like_json(part.data[:HEAD_BYTES]):
            raise _invalid(
                f"Field {shown(part.name)} holds JSON. Send it as the body itself, with the "
                "header 'Content-Type: application/json'."
            )


def _invalid(detail: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=detail)])
