"""The errors of the service: what a client can cause or meet, but for faults of its instances.

Each error has an HTTP status and composes its own message.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from math import ceil

from vitrine.errors import MAX_FAULTS, Fault, VitrineError, nearest, shown


class ModelNotFound(VitrineError):
    """The named model is not served."""

    status = HTTPStatus.NOT_FOUND
    title = "Model not found"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"There is no model {shown(name)}.{nearest(name, known)} See GET /models.")


class NoDefaultModel(VitrineError):
    """The request names no model, and it is not settled which one is meant."""

    status = HTTPStatus.NOT_FOUND
    title = "No default model"

    def __init__(self, known: Sequence[str]) -> None:
        names = ", ".join(known[:MAX_FAULTS])
        super().__init__(
            "This path names no model, and several are served. VITRINE_DEFAULT_MODEL must name "
            f"one of: {names}."
            if known
            else "This path names no model, and none is served."
        )


class VersionNotFound(VitrineError):
    """The model is served, but not in that version."""

    status = HTTPStatus.NOT_FOUND
    title = "Version not found"

    def __init__(self, name: str, version: int, known: Iterable[int]) -> None:
        self.name, self.version = name, version
        versions = ", ".join(map(str, sorted(known)))
        super().__init__(f"Model {shown(name)} has no version {version}; served: {versions}.")


class LabelNotFound(VitrineError):
    """The model is served, but no version of it has that label."""

    status = HTTPStatus.NOT_FOUND
    title = "Label not found"

    def __init__(self, name: str, label: str, known: Iterable[str]) -> None:
        labels = ", ".join(sorted(known)) or "none"
        super().__init__(f"Model {shown(name)} has no label {shown(label)}; labels: {labels}.")


class ReportFileNotFound(VitrineError):
    """The version has no such file in its report, or the file is not what was published."""

    status = HTTPStatus.NOT_FOUND
    title = "Report file not found"

    def __init__(self, name: str, version: int, path: str, listed: Iterable[str]) -> None:
        self.name, self.version = name, version
        paths = sorted(listed)
        why = (
            "is missing, or is not what was published"
            if path in paths
            else f"is not in the manifest; listed: {', '.join(paths) or 'none'}"
        )
        super().__init__(f"Report file {shown(path)} of {shown(name)}, version {version}, {why}.")


class ModelUnavailable(VitrineError):
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
            why = "The version policy selects none of its versions."
        self.name, self.why = name, why
        super().__init__(f"No version of model {shown(name)} is served. {why}")


class VersionRefused(VitrineError):
    """The version is in the model store, but cannot be served."""

    status = HTTPStatus.CONFLICT
    title = "Version refused"

    def __init__(self, name: str, version: int, reason: str) -> None:
        super().__init__(f"Version {version} of model {shown(name)} is refused: {reason}")


class NothingBefore(VitrineError):
    """There is no earlier version to go back to."""

    status = HTTPStatus.CONFLICT
    title = "Nothing before"

    def __init__(self, name: str, version: int | None) -> None:
        super().__init__(
            f"No version of model {shown(name)} is served, so that none is before it."
            if version is None
            else f"Model {shown(name)} has no version before {version} to go back to."
        )


class InvalidDesiredState(VitrineError):
    """A member of a model's desired state is unknown or out of its range."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid desired state"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.detail for fault in faults[:MAX_FAULTS]), faults=faults)


class KeyRequired(VitrineError):
    """The request carries no API key, or one that is not valid."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Key required"

    def __init__(self, *, is_wrong: bool) -> None:
        # RFC 6750: a request without a key is told nothing but the scheme.
        wrong = ', error="invalid_token"' if is_wrong else ""
        super().__init__(
            "The API key of the request is not valid."
            if is_wrong
            else "The request must carry 'Authorization: Bearer' with an API key.",
            headers={"WWW-Authenticate": f'Bearer realm="vitrine"{wrong}'},
        )


class RateExceeded(VitrineError):
    """The API key has sent more requests than it may."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Rate exceeded"

    def __init__(self, rate: float, wait_seconds: float) -> None:
        seconds = max(1, ceil(wait_seconds))
        super().__init__(
            f"The API key may send {rate:g} requests a second. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


class ManagementForbidden(VitrineError):
    """The client may not change what is served."""

    status = HTTPStatus.FORBIDDEN
    title = "Management forbidden"

    def __init__(self, *, has_keys: bool) -> None:
        super().__init__(
            "The API key of the request may not change what is served; a management key may."
            if has_keys
            else "Without a management key, only this machine itself may change what is served. "
            "VITRINE_KEYS names a file of keys."
        )


class NotKept(VitrineError):
    """The desired state cannot be written to where it is kept."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    title = "Not kept"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The desired state cannot be written: {reason}.")


class NotShared(VitrineError):
    """The workers of this server share no folder for the desired state."""

    status = HTTPStatus.CONFLICT
    title = "Not shared"

    def __init__(self) -> None:
        super().__init__(
            "The workers of this server share no folder: VITRINE_STATE must name one for them."
        )


class ChangedMeanwhile(VitrineError):
    """Other servers have changed the desired state at the same time, and theirs was kept."""

    status = HTTPStatus.CONFLICT
    title = "Changed meanwhile"

    def __init__(self) -> None:
        super().__init__(
            "Other servers change the desired state at the same time. Nothing was changed; look at "
            "what is served, and ask again."
        )


class NotAgreed(VitrineError):
    """Some worker does not serve the desired state in time; it goes on trying."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Not agreed"

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(
            f"The desired state is kept, but after {timeout_seconds:g} seconds not every worker "
            "serves it yet."
        )


class SourceFailed(VitrineError):
    """The models folder or its remote source cannot be read."""

    status = HTTPStatus.BAD_GATEWAY
    title = "Source failed"


class InvalidInferenceRequest(VitrineError):
    """The request breaks the rules of the Open Inference Protocol."""

    status = HTTPStatus.BAD_REQUEST
    title = "Invalid inference request"


class UnsupportedMediaType(VitrineError):
    """The body's media type cannot be decoded for this model."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Unsupported media type"

    def __init__(self, received: str, *, expected: Sequence[str], example: str) -> None:
        super().__init__(
            f"Media type {shown(received)} cannot be read here. Expected {' or '.join(expected)}, "
            f"for example: {example}"
        )


class UnreadableContentType(VitrineError):
    """The body's Content-Type is none that the language of the path knows."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Unreadable content type"


class NotAcceptable(VitrineError):
    """None of the media types in Accept can be written."""

    status = HTTPStatus.NOT_ACCEPTABLE
    title = "Not acceptable"

    def __init__(self, received: str, offered: Sequence[str]) -> None:
        super().__init__(f"Accept must allow {' or '.join(offered)}. Received: {shown(received)}.")


class BodyTooLarge(VitrineError):
    """The body has more bytes than the settings allow."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Body too large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body may have at most {limit_bytes} bytes.")


class BodyTimeout(VitrineError):
    """The client stopped sending its body."""

    status = HTTPStatus.REQUEST_TIMEOUT
    title = "Body timeout"

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(f"No byte of the body arrived for {timeout_seconds:g} seconds.")


class BodyTooSlow(VitrineError):
    """The client sends its body slower than the settings allow."""

    status = HTTPStatus.REQUEST_TIMEOUT
    title = "Body too slow"

    def __init__(self, min_bytes_per_second: int, grace_seconds: float) -> None:
        super().__init__(
            f"After {grace_seconds:g} seconds, a body must have arrived at {min_bytes_per_second} "
            "bytes a second or more."
        )


class Overloaded(VitrineError):
    """More requests wait than can be answered soon."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Overloaded"

    def __init__(self, retry_seconds: float) -> None:
        seconds = max(1, ceil(retry_seconds))
        super().__init__(
            f"More requests wait than can be answered soon. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


class DeadlineExceeded(VitrineError):
    """The request cannot be answered within its time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    title = "Deadline exceeded"

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(
            f"The request cannot be answered within {timeout_seconds:g} seconds, which is its time."
        )


class OutOfMemory(VitrineError):
    """There is not enough memory to answer the request."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Out of memory"

    def __init__(self) -> None:
        super().__init__(
            "There is not enough memory to answer the request now. Try again later.",
            headers={"Retry-After": "1"},
        )
