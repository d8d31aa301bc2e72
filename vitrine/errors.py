"""The errors a client can cause or meet, each with its HTTP status.

Classes compose their own messages, so that no caller writes prose, and know no web framework.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import ClassVar

MAX_FAULTS = 20
_SHOWN_CHARACTERS = 40


def shown(value: object) -> str:
    """Quote what arrived, cut to 40 characters and with control characters escaped."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to `name`, or nothing."""
    lowered = {word.lower(): word for word in known}
    close = get_close_matches(name.lower()[:200], lowered, n=1, cutoff=0.6)
    return f" Did you mean {shown(lowered[close[0]])}?" if close else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with one place of a body."""

    detail: str
    pointer: str | None = None
    line: int | None = None
    column: str | None = None


class VitrineError(Exception):
    """A request that cannot be answered, and why.

    Attributes:
        status: The HTTP status that answers it.
        title: What kind of problem it is; the same for every occurrence.
        detail: What is wrong with this request.
        faults: Every fault found, up to `MAX_FAULTS`, where there is more to say than `detail`.
    """

    status: ClassVar[HTTPStatus]
    title: ClassVar[str]

    def __init__(self, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults[:MAX_FAULTS])

    @classmethod
    def slug(cls) -> str:
        """Return the problem's short name, as used in its URI and in metrics."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class InvalidParameter(VitrineError):
    """A query parameter or header is unknown or has a value out of its range."""

    status = HTTPStatus.BAD_REQUEST
    title = "Invalid parameter"

    def __init__(self, name: str, value: str, rule: str) -> None:
        super().__init__(f"Parameter {shown(name)} {rule}. Received: {shown(value)}.")


class EmptyBody(VitrineError):
    """There is nothing in the body to predict on."""

    status = HTTPStatus.BAD_REQUEST
    title = "Empty body"

    def __init__(self, expected: str) -> None:
        super().__init__(f"The body is empty. Expected: {expected}.")


class MalformedBody(VitrineError):
    """The body cannot be parsed as what its media type says."""

    status = HTTPStatus.BAD_REQUEST
    title = "Malformed body"


class MalformedPicture(VitrineError):
    """The body starts like a picture, but is truncated or corrupt."""

    status = HTTPStatus.BAD_REQUEST
    title = "Malformed picture"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The {kind} picture is truncated or corrupt.")


class UnsupportedPicture(VitrineError):
    """The body's first bytes belong to no picture format that is read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Unsupported picture"

    def __init__(self, formats: Sequence[str]) -> None:
        super().__init__(
            f"The first bytes are of no picture format read here: {', '.join(formats)}."
        )


class PictureTooLarge(VitrineError):
    """The picture has more pixels than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Picture too large"

    def __init__(self, width: int, height: int, max_pixels: int) -> None:
        super().__init__(
            f"A picture may have at most {max_pixels} pixels. Received: {width} x {height}."
        )


class RowTooLarge(VitrineError):
    """One row of a CSV body has more bytes than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Row too large"

    def __init__(self, line: int, limit_bytes: int, unclosed_quote_line: int | None) -> None:
        cause = (
            ""
            if unclosed_quote_line is None
            else f" A quote that opens on line {unclosed_quote_line} is not closed."
        )
        super().__init__(
            f"A row may have at most {limit_bytes} bytes. The row of line {line} has more.{cause}"
        )


class TooManyInstances(VitrineError):
    """The body holds more files, rows or instances than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Too many instances"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"A request may have at most {limit} {what}.")


class BlankPicture(VitrineError):
    """There is nothing drawn on the picture."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Blank picture"

    def __init__(self) -> None:
        super().__init__("The picture has no ink: nothing stands out from its background.")


class NoFiniteAnswer(VitrineError):
    """The network answers with infinity, or with no number at all."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "No finite answer"

    def __init__(self) -> None:
        super().__init__("The network has no finite answer to it.")


class InvalidInstances(VitrineError):
    """The body was parsed, but does not fit the model's signature.

    Attributes:
        count: Number of faults in all, of which `faults` holds the first.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid instances"

    def __init__(self, faults: Sequence[Fault], *, found: int | None = None) -> None:
        self.count = len(faults) if found is None else found
        more = f" The first {MAX_FAULTS} are listed." if self.count > MAX_FAULTS else ""
        first = faults[0].detail
        super().__init__(
            f"{first}" if self.count == 1 else f"{self.count} faults.{more} {first}", faults=faults
        )
