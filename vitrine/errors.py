"""The errors that a client can cause or meet, each with its HTTP status.

Each class composes its message from typed arguments, so that all messages of a kind are alike. None
knows a web framework.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import ClassVar

# More faults than a person reads at once; the limit bounds the size of an answer.
MAX_FAULTS = 20
# A message never repeats more of what a client sent.
_SHOWN_CHARACTERS = 40


def shown(value: object) -> str:
    """Quote a received value, cut to 40 characters and with control characters escaped."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" with the known name closest to `name`, or "" if none is close."""
    close = closest(name, known)
    return "" if close is None else f" Did you mean {shown(close)}?"


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, if any is much like it."""
    lowered = {word.lower(): word for word in known}
    close = get_close_matches(name.lower()[:200], lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def misspelt(missing: Sequence[str], found: Sequence[str]) -> dict[str, str]:
    """Find the names that were probably written in place of others.

    Args:
        missing: Names that should be there.
        found: Names that are there instead.

    Returns:
        Missing name -> the found name that is most like it, if no other missing name is more like
        that one.
    """
    pairs = {name: closest(name, found) for name in missing}
    return {
        name: other
        for name, other in pairs.items()
        if other is not None and closest(other, missing) == name
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a body.

    Attributes:
        detail: Sentence that says where it is, which rule it breaks and what was received.
        pointer: JSON pointer to it, as a URI fragment; None in a CSV body.
        line: Line of a CSV body, from 1; None in other bodies.
        column: Name of the column; None where the fault is not of one column.
    """

    detail: str
    pointer: str | None = None
    line: int | None = None
    column: str | None = None


class VitrineError(Exception):
    """A request cannot be answered.

    Attributes:
        status: HTTP status of the answer.
        title: Kind of problem; the same for every occurrence.
        detail: Sentences that say what is wrong with this request.
        faults: Faults of its body, up to `MAX_FAULTS`; empty where `detail` says everything.
        headers: Headers that an answer over HTTP has beside those of every answer.
    """

    status: ClassVar[HTTPStatus]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults[:MAX_FAULTS])
        self.headers: Mapping[str, str] = headers or {}

    @classmethod
    def slug(cls) -> str:
        """Return the short name of the problem, which its URI and the metrics use."""
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
    """The body begins like a picture, but is truncated or corrupt."""

    status = HTTPStatus.BAD_REQUEST
    title = "Malformed picture"

    def __init__(self, kind: str, *, lacks_bytes: bool = False) -> None:
        cause = (
            " It has no byte 0, 10 or 13, as curl -d leaves files; --data-binary sends them whole."
            if lacks_bytes
            else ""
        )
        super().__init__(f"The {kind} picture is truncated or corrupt.{cause}")


class UnsupportedPicture(VitrineError):
    """The first bytes of the body belong to none of the supported picture formats."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Unsupported picture"

    def __init__(self, formats: Sequence[str], found: str = "", cure: str = "") -> None:
        names = ", ".join(formats)
        super().__init__(
            f"This is {found}, which cannot be read. {cure} Supported picture formats: {names}."
            if found
            else f"The first bytes belong to none of the supported picture formats: {names}."
        )


class PictureTooLarge(VitrineError):
    """The picture has more pixels than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Picture too large"

    def __init__(self, width: int, height: int, max_pixels: int, *, kind: str = "") -> None:
        subject = f"A picture in {kind}" if kind else "A picture"
        super().__init__(
            f"{subject} may have at most {max_pixels} pixels. Received: {width} x {height}."
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
            f"A row may have at most {limit_bytes} bytes. The row on line {line} has more.{cause}"
        )


class TooManyInstances(VitrineError):
    """The body holds more files, rows or instances than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Too many instances"

    def __init__(self, kind: str, limit: int) -> None:
        super().__init__(f"A request may have at most {limit} {kind}.")


class DataTooLarge(VitrineError):
    """What the body unpacks to has more bytes than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Data too large"

    def __init__(self, subject: str, limit: int, cure: str = "", *, unit: str = "bytes") -> None:
        super().__init__(f"{subject} may have at most {limit} {unit}. {cure}".rstrip())


class BlankPicture(VitrineError):
    """Nothing stands out from the background of the picture, or of a file's first frame."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Blank picture"

    def __init__(self, *, frames: int = 1) -> None:
        others = (
            f" Only the first of the file's {frames} frames was looked at: send the frame that has "
            "ink as a picture of its own."
        )
        super().__init__(
            "The picture has no ink: nothing stands out from its background."
            f"{others if frames > 1 else ''}"
        )


class NoFiniteAnswer(VitrineError):
    """The network predicts infinity, or no number at all, for the instance."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "No finite answer"

    def __init__(self) -> None:
        super().__init__("The network has no finite answer to this instance.")


class InvalidInstances(VitrineError):
    """The body was parsed, but does not fit the model's signature.

    Attributes:
        count: Number of faults in all, of which `faults` holds the first.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid instances"

    def __init__(self, faults: Sequence[Fault], *, count: int | None = None) -> None:
        self.count = len(faults) if count is None else count
        listed = f" The first {MAX_FAULTS} are listed." if self.count > MAX_FAULTS else ""
        number = f"{self.count} faults were found.{listed} " if self.count > 1 else ""
        super().__init__(f"{number}{faults[0].detail}", faults=faults)
