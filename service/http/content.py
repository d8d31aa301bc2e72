"""What a request's body is, and what its answer is written as: every media type is judged here."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from flask import Request
from werkzeug.datastructures import MIMEAccept

from service.errors import NotAcceptable, UnsupportedMediaType
from vitrine.model import Model

CSV_TYPE = "text/csv"
JSON_TYPE = "application/json"
FORM_TYPE = "multipart/form-data"
_UNTYPED = "application/octet-stream"  # many clients call any file so; a picture's bytes tell


class Kind(Enum):
    """What a body is read as."""

    PICTURE = auto()
    PICTURES_IN_FORM = auto()
    CSV = auto()
    CSV_IN_FORM = auto()
    JSON = auto()


_KINDS_OF_PICTURES = {JSON_TYPE: Kind.JSON, FORM_TYPE: Kind.PICTURES_IN_FORM}
_KINDS_OF_TABLES = {JSON_TYPE: Kind.JSON, FORM_TYPE: Kind.CSV_IN_FORM, CSV_TYPE: Kind.CSV}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The media types of a request and of its answer.

    Attributes:
        kind: What the body is read as; None where the model reads no such body.
        is_csv: Whether the body is CSV, be it readable or not.
        coding: Compression of the body; empty for none.
        media_type: Media type of the body, without parameters, in lower case.
        parameters: Parameters of that media type.
        answers_csv: Whether the answer is CSV; it is JSON otherwise.
    """

    kind: Kind | None
    is_csv: bool
    coding: str
    media_type: str
    parameters: dict[str, str]
    answers_csv: bool

    @property
    def answer_type(self) -> str:
        """Media type of the answer."""
        return CSV_TYPE if self.answers_csv else JSON_TYPE

    def readable_kind(self, model: Model, url: Callable[[], str]) -> Kind:
        """Return what the body is read as.

        Args:
            model: The model that is asked.
            url: Returns where the request was sent, for the example in an error.

        Raises:
            UnsupportedMediaType: The model reads no such body, or none so compressed.
        """
        if self.kind is not None and self.coding in {"", "identity"}:
            return self.kind
        pictures = model.manifest.signature.picture is not None
        example, own, file = (
            ("image/png", "image/*", "picture.png")
            if pictures
            else (CSV_TYPE, CSV_TYPE, "rows.csv")
        )
        received = self.media_type or "(none)"
        raise UnsupportedMediaType(
            received if self.kind is None else f"{received}; {self.coding}",
            expected=[own, FORM_TYPE, JSON_TYPE],
            example=f"curl -H 'Content-Type: {example}' --data-binary @{file} {url()}",
        )


def judge(request: Request, model: Model) -> Content:
    """Judge the media types of a request to a model.

    Raises:
        NotAcceptable: The client accepts neither JSON nor CSV.
    """
    media_type = request.mimetype
    kind = _kind(media_type, model)
    is_csv = media_type == CSV_TYPE or kind is Kind.CSV_IN_FORM
    return Content(
        kind=kind,
        is_csv=is_csv,
        coding=request.headers.get("Content-Encoding", ""),
        media_type=media_type,
        parameters=request.mimetype_params,
        answers_csv=_answers_csv(request.accept_mimetypes, is_csv=is_csv),
    )


def _kind(media_type: str, model: Model) -> Kind | None:
    if model.manifest.signature.picture is None:
        return _KINDS_OF_TABLES.get(media_type)
    if media_type.startswith("image/") or media_type == _UNTYPED:
        return Kind.PICTURE
    return _KINDS_OF_PICTURES.get(media_type)


def _answers_csv(accept: MIMEAccept, *, is_csv: bool) -> bool:
    offered = [CSV_TYPE, JSON_TYPE] if is_csv else [JSON_TYPE, CSV_TYPE]
    chosen = accept.best_match(offered) if accept else offered[0]
    if chosen is None:
        raise NotAcceptable(accept.to_header(), offered)
    return chosen == CSV_TYPE
