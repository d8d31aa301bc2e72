"""What a body is, and what its answer is written as."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service.errors import NotAcceptable, UnreadableContentType
from service.http.content import CSV_TYPE, JSON_TYPE, MediaHeaders
from vitrine.errors import shown
from vitrine.model import Model
from vitrine.pictures import HEAD_BYTES, begins_like_picture

# What SageMaker's own algorithm calls a picture of any format.
_ANY_PICTURE = "application/x-image"
_BYTES_TYPE = "application/octet-stream"
_PICTURE_RANGE = "image/*"
_SHOWN_CHARACTERS = 40
_NO_CODINGS = frozenset(("", "identity"))


class Kind(Enum):
    """What a body is read as."""

    JSON = auto()
    CSV = auto()
    PICTURE = auto()


@dataclass(frozen=True, slots=True)
class Content:
    """The media types of a request and of its answer.

    Attributes:
        kind: What the body is read as.
        answers_csv: Whether the answer is CSV; it is JSON otherwise.
    """

    kind: Kind
    answers_csv: bool


def judge(media: MediaHeaders, model: Model, peek: Callable[[], bytes]) -> Content:
    """Judge the media types of a request to a model.

    Args:
        media: What the request says of them.
        model: The model that is asked.
        peek: Returns the first bytes of the body, which tell a picture where its type does not.

    Raises:
        UnreadableContentType: The model reads no such body.
        NotAcceptable: The client accepts nothing that can be written.
    """
    is_picture = model.manifest.signature.picture is not None
    kind = _kind(media.content_type, is_picture=is_picture)
    if kind is None and is_picture and _is_untold(media.content_type):
        kind = Kind.PICTURE if begins_like_picture(peek()[:HEAD_BYTES]) else None
    if kind is None:
        raise _unreadable(media.content_type, is_picture=is_picture)
    if media.content_encoding not in _NO_CODINGS:
        received = f"; Content-Encoding: {media.content_encoding}"
        raise _unreadable(media.content_type + received, is_picture=is_picture)
    return Content(kind, _answers_csv(media.accept))


# Clients send the same few headers again and again.
@lru_cache(maxsize=256)
def _kind(content_type: str, *, is_picture: bool) -> Kind | None:
    """Return what a type says; None for none that this language has.

    Raises:
        UnreadableContentType: The type has parameters that MLflow refuses.
    """
    media_type, *pairs = (part.strip() for part in content_type.lower().split(";"))
    if is_picture and (media_type.startswith("image/") or media_type == _ANY_PICTURE):
        return Kind.PICTURE
    given = (pair.partition("=") for pair in pairs if pair)
    parameters = {name.strip(): value.strip('" ') for name, _, value in given}
    if parameters.pop("charset", "utf-8") not in {"utf-8", "utf8"}:
        raise UnreadableContentType("The scoring server only supports UTF-8")
    if parameters:
        names = ", ".join(name[:_SHOWN_CHARACTERS] for name in list(parameters)[:3])
        raise UnreadableContentType(f"Unrecognized content type parameters: {names}.")
    if media_type == JSON_TYPE:
        return Kind.JSON
    return Kind.CSV if media_type == CSV_TYPE and not is_picture else None


def _is_untold(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in {"", _BYTES_TYPE}


def _unreadable(content_type: str, *, is_picture: bool) -> UnreadableContentType:
    types = [JSON_TYPE, _PICTURE_RANGE] if is_picture else [CSV_TYPE, JSON_TYPE]
    return UnreadableContentType(
        f"This predictor only supports the following content types: Types: {types}. "
        f"Got {shown(content_type)}."
    )


@lru_cache(maxsize=256)
def _answers_csv(accepted: str) -> bool:
    """Tell whether a client wants CSV: MLflow never writes it, but SageMaker's users ask for it."""
    accept = parse_accept_header(accepted, MIMEAccept)
    if not accept:
        return False
    bare = MIMEAccept((value.partition(";")[0].rstrip(), quality) for value, quality in accept)
    chosen = bare.best_match([JSON_TYPE, CSV_TYPE])
    if chosen is None:
        raise NotAcceptable(accept.to_header(), [JSON_TYPE, CSV_TYPE])
    return chosen == CSV_TYPE
