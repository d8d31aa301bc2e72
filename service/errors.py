"""The errors a client can cause or meet, each with its HTTP status.

Classes compose their own messages, so that no caller writes prose, and know no web framework.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
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


class ServiceError(Exception):
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


class ModelNotFound(ServiceError):
    """The named model is not served."""

    status = HTTPStatus.NOT_FOUND
    title = "Model not found"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no model {shown(name)}.{nearest(name, known)} See GET /models.")


class VersionNotFound(ServiceError):
    """The model is served, but not in that version."""

    status = HTTPStatus.NOT_FOUND
    title = "Version not found"

    def __init__(self, name: str, version: int, known: Iterable[int]) -> None:
        versions = ", ".join(map(str, sorted(known)))
        super().__init__(f"Model {shown(name)} has no version {version}; served: {versions}.")


class LabelNotFound(ServiceError):
    """The model is served, but no version of it has that label."""

    status = HTTPStatus.NOT_FOUND
    title = "Label not found"

    def __init__(self, name: str, label: str, known: Iterable[str]) -> None:
        labels = ", ".join(sorted(known)) or "none"
        super().__init__(f"Model {shown(name)} has no label {shown(label)}; labels: {labels}.")


class ModelUnavailable(ServiceError):
    """The model is known, but none of its versions is served now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Model unavailable"

    def __init__(self, name: str, refused: Mapping[int, str], *, is_wanted: bool) -> None:
        if not is_wanted:
            why = "It was unloaded."
        elif refused:
            version = max(refused)
            why = f"Version {version}: {refused[version]}"
        else:
            why = "None of its versions is wanted."
        super().__init__(f"No version of model {shown(name)} is served. {why}")


class VersionRefused(ServiceError):
    """The version is on disk, but cannot be served as it is."""

    status = HTTPStatus.CONFLICT
    title = "Version refused"

    def __init__(self, name: str, version: int, reason: str) -> None:
        super().__init__(f"Version {version} of model {shown(name)} is refused: {reason}")


class NothingBefore(ServiceError):
    """There is no earlier version to go back to."""

    status = HTTPStatus.CONFLICT
    title = "Nothing before"

    def __init__(self, name: str, version: int | None) -> None:
        super().__init__(f"Model {shown(name)} has no version before {version} to go back to.")


class InvalidWish(ServiceError):
    """What is asked for in a model's serving state is not known or out of its range."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid wish"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.detail for fault in faults[:MAX_FAULTS]), faults=faults)


class ManagementForbidden(ServiceError):
    """Who asks may not change what is served."""

    status = HTTPStatus.FORBIDDEN
    title = "Management forbidden"

    def __init__(self, *, has_token: bool) -> None:
        super().__init__(
            "The request must carry 'Authorization: Bearer' with the service's management token."
            if has_token
            else "Without a management token only this machine itself may change what is served; "
            "VITRINE_MANAGEMENT_TOKEN sets one."
        )


class NotKept(ServiceError):
    """What is asked for cannot be written where the workers would find it."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    title = "Not kept"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The state of the workers cannot be written: {reason}.")


class NotShared(ServiceError):
    """The workers of this server have no folder in which to agree."""

    status = HTTPStatus.CONFLICT
    title = "Not shared"

    def __init__(self) -> None:
        super().__init__(
            "The workers of this server share no state: VITRINE_STATE must name a folder for them."
        )


class NotAgreed(ServiceError):
    """Not every worker has come to serve what is wanted in time; it goes on trying."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Not agreed"

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(f"Some worker does not serve it yet after {timeout_seconds:g} seconds.")


class SourceFailed(ServiceError):
    """The place that versions are fetched from cannot be reached."""

    status = HTTPStatus.BAD_GATEWAY
    title = "Source failed"


class InvalidParameter(ServiceError):
    """A query parameter or header is unknown or has a value out of its range."""

    status = HTTPStatus.BAD_REQUEST
    title = "Invalid parameter"

    def __init__(self, name: str, value: str, rule: str) -> None:
        super().__init__(f"Parameter {shown(name)} {rule}. Received: {shown(value)}.")


class EmptyBody(ServiceError):
    """There is nothing in the body to predict on."""

    status = HTTPStatus.BAD_REQUEST
    title = "Empty body"

    def __init__(self, expected: str) -> None:
        super().__init__(f"The body is empty. Expected: {expected}.")


class MalformedBody(ServiceError):
    """The body cannot be parsed as what its media type says."""

    status = HTTPStatus.BAD_REQUEST
    title = "Malformed body"


class MalformedPicture(ServiceError):
    """The body starts like a picture, but is truncated or corrupt."""

    status = HTTPStatus.BAD_REQUEST
    title = "Malformed picture"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The {kind} picture is truncated or corrupt.")


class UnsupportedPicture(ServiceError):
    """The body's first bytes belong to no picture format that is read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Unsupported picture"

    def __init__(self, formats: Sequence[str]) -> None:
        super().__init__(
            f"The first bytes are of no picture format read here: {', '.join(formats)}."
        )


class UnsupportedMediaType(ServiceError):
    """The body's media type cannot be decoded for this model."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Unsupported media type"

    def __init__(self, received: str, *, expected: Sequence[str], example: str) -> None:
        super().__init__(
            f"Media type {shown(received)} cannot be read here. Expected {' or '.join(expected)}, "
            f"for example: {example}"
        )


class NotAcceptable(ServiceError):
    """None of the media types in Accept can be written."""

    status = HTTPStatus.NOT_ACCEPTABLE
    title = "Not acceptable"

    def __init__(self, received: str, offered: Sequence[str]) -> None:
        super().__init__(f"Accept must allow {' or '.join(offered)}. Received: {shown(received)}.")


class BodyTooLarge(ServiceError):
    """The body has more bytes than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Body too large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body may have at most {limit_bytes} bytes.")


class PictureTooLarge(ServiceError):
    """The picture has more pixels than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Picture too large"

    def __init__(self, width: int, height: int, max_pixels: int) -> None:
        super().__init__(
            f"A picture may have at most {max_pixels} pixels. Received: {width} x {height}."
        )


class RowTooLarge(ServiceError):
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


class TooManyInstances(ServiceError):
    """The body holds more files, rows or instances than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Too many instances"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"A request may have at most {limit} {what}.")


class BodyTimeout(ServiceError):
    """The client stopped sending its body."""

    status = HTTPStatus.REQUEST_TIMEOUT
    title = "Body timeout"

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(f"No byte of the body arrived for {timeout_seconds:g} seconds.")


class BlankPicture(ServiceError):
    """There is nothing drawn on the picture."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Blank picture"

    def __init__(self) -> None:
        super().__init__("The picture has no ink: nothing stands out from its background.")


class NoFiniteAnswer(ServiceError):
    """The network answers with infinity, or with no number at all."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "No finite answer"

    def __init__(self) -> None:
        super().__init__("The network has no finite answer to it.")


class InvalidInstances(ServiceError):
    """The body was parsed, but does not fit the model's signature."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid instances"

    def __init__(self, faults: Sequence[Fault], *, found: int | None = None) -> None:
        count = len(faults) if found is None else found
        more = f" The first {MAX_FAULTS} are listed." if count > MAX_FAULTS else ""
        first = faults[0].detail
        super().__init__(
            f"{first}" if count == 1 else f"{count} faults.{more} {first}", faults=faults
        )
