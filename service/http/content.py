"""What a request's body is, and what its answer is written as: every media type is judged here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from types import MappingProxyType

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_options_header

from service.errors import NotAcceptable, UnsupportedMediaType
from vitrine.model import Model
from vitrine.pictures import HEAD_BYTES, begins_like_picture
from vitrine.unread_formats import begins_like_json

CSV_TYPE = "text/csv"
JSON_TYPE = "application/json"
ARROW_TYPE = "application/vnd.apache.arrow.stream"
PARQUET_TYPE = "application/vnd.apache.parquet"
HTML_TYPE = "text/html"
FORM_TYPE = "multipart/form-data"
# What curl calls every body of which it is told nothing.
_FIELDS_TYPE = "application/x-www-form-urlencoded"
_BYTES_TYPE = "application/octet-stream"
# These say nothing about a body; its first bytes do.
_UNTOLD_TYPES = frozenset(("", _FIELDS_TYPE, _BYTES_TYPE, "text/plain"))
# Other names of JSON and of CSV; Windows calls CSV files by Excel's name.
_JSON_TYPES = re.compile(r"(application|text)/(x-|[\w.-]+\+)?json")
_CSV_TYPES = re.compile(
    r"(application|text)/(x-)?(csv|comma-separated-values|tab-separated-values)"
    r"|application/vnd\.ms-excel"
)
# A file of Arrow (Feather 2) is a stream with a table of contents behind it.
_ARROW_TYPES = re.compile(r"application/(vnd\.|x-)?(apache[.-])?arrow([.-](stream|file))?")
_PARQUET_TYPES = re.compile(r"application/(vnd\.|x-)?(apache[.-])?parquet")
_ARROW_MARK = re.compile(rb"ARROW1\0|\xff{4}.{2}[\0-\x7f]\0", re.DOTALL)
_PARQUET_MARK = re.compile(rb"PAR1[^\t\r\n -~]")
# Who accepts these can read JSON and CSV, too: a browser, a person, a reader of any JSON.
_READABLE_TYPES = re.compile(
    rf"text/(html|plain)|application/xhtml\+xml|{_JSON_TYPES.pattern}", re.IGNORECASE
)
_FIELD = re.compile(rb"[^=&\s<>{}\"]*=")
_LINE_END_OR_BINARY = re.compile(rb"[\n\r\0]")
_NO_CODINGS = frozenset(("", "identity"))


class Kind(Enum):
    """What a body is read as."""

    PICTURE = auto()
    PICTURES_IN_FORM = auto()
    PICTURES_IN_FIELDS = auto()
    CSV = auto()
    ARROW = auto()
    PARQUET = auto()
    TABLE_IN_FORM = auto()
    JSON = auto()


class Format(Enum):
    """What an answer is written as; the value is its media type."""

    JSON = JSON_TYPE
    CSV = CSV_TYPE
    ARROW = ARROW_TYPE
    PARQUET = PARQUET_TYPE


# What is answered to a body of each kind where the client does not say; JSON to all others.
_FORMATS = {
    Kind.CSV: Format.CSV,
    Kind.TABLE_IN_FORM: Format.CSV,
    Kind.ARROW: Format.ARROW,
    Kind.PARQUET: Format.PARQUET,
}
_MARKS_OF_TABLES = ((_PARQUET_MARK, Kind.PARQUET), (_ARROW_MARK, Kind.ARROW))
_TYPES_OF_TABLES = (
    (_CSV_TYPES, Kind.CSV),
    (_JSON_TYPES, Kind.JSON),
    (_ARROW_TYPES, Kind.ARROW),
    (_PARQUET_TYPES, Kind.PARQUET),
)


@dataclass(frozen=True, slots=True)
class MediaHeaders:
    """The headers that say how a body is written, and how its answer may be; empty where absent."""

    content_type: str
    content_encoding: str
    accept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The media types of a request and of its answer.

    Attributes:
        kind: What the body is read as; None where the model reads no such body.
        is_csv: Whether the body is CSV, be it readable or not.
        is_table: Whether it is a table that is read block by block.
        coding: Compression of the body; empty for none.
        media_type: Media type of the body, without parameters, in lower case.
        parameters: Parameters of that media type.
        answer: What the answer is written as.
    """

    kind: Kind | None
    is_csv: bool
    is_table: bool
    coding: str
    media_type: str
    parameters: Mapping[str, str]
    answer: Format

    @property
    def answer_type(self) -> str:
        """Media type of the answer, with its parameters."""
        is_csv = self.answer is Format.CSV
        return f"{CSV_TYPE}; charset=utf-8" if is_csv else self.answer.value

    @property
    def answers_table(self) -> bool:
        """Whether the answer has columns."""
        return self.answer is not Format.JSON

    def readable_kind(self, model: Model, url: Callable[[], str]) -> Kind:
        """Return what the body is read as.

        Args:
            model: The model that is asked.
            url: Returns where the request was sent, for the example in an error.

        Raises:
            UnsupportedMediaType: The model reads no such body, or none so compressed.
        """
        if self.kind is not None and self.coding in _NO_CODINGS:
            return self.kind
        pictures = model.manifest.signature.picture is not None
        example, own, file = (
            ("image/png", ["image/*"], "picture.png")
            if pictures
            else (CSV_TYPE, [CSV_TYPE, ARROW_TYPE, PARQUET_TYPE], "rows.csv")
        )
        received = self.media_type or "(none)"
        raise UnsupportedMediaType(
            received if self.kind is None else f"{received}; {self.coding}",
            expected=[*own, FORM_TYPE, JSON_TYPE],
            example=f"curl -H 'Content-Type: {example}' --data-binary @{file} {url()}",
        )


def judge(media: MediaHeaders, model: Model, peek: Callable[[], bytes]) -> Content:
    """Judge the media types of a request to a model.

    Args:
        media: What the request says of them.
        model: The model that is asked.
        peek: Returns the first bytes of the body. They decide where the media type does not.

    Raises:
        NotAcceptable: The client accepts nothing that can be written.
    """
    media_type, parameters = _parse_media_type(media.content_type)
    coding = media.content_encoding
    kind_of = _kind_of_rows if model.manifest.signature.picture is None else _kind_of_pictures
    kind = kind_of(media_type, peek if coding in _NO_CODINGS else bytes)
    is_csv = kind in {Kind.CSV, Kind.TABLE_IN_FORM} or (kind is None and media_type == CSV_TYPE)
    usual = Format.CSV if is_csv else _FORMATS.get(kind, Format.JSON) if kind else Format.JSON
    return Content(
        kind=kind,
        is_csv=is_csv,
        is_table=is_csv or kind in _FORMATS,
        coding=coding,
        media_type=media_type,
        parameters=parameters,
        answer=_answer(media.accept, usual),
    )


@lru_cache(maxsize=256)
def is_streamed(content_type: str) -> bool:
    """Tell whether a header names a table that is read while it arrives: CSV or an Arrow stream."""
    media_type = _parse_media_type(content_type)[0]
    return any(types.fullmatch(media_type) for types in (_CSV_TYPES, _ARROW_TYPES))


def may_be_streamed(content_type: str) -> bool:
    """Tell whether a body with such a header is such a table, or may turn out to be."""
    return _parse_media_type(content_type)[0] in _UNTOLD_TYPES or is_streamed(content_type)


def kind_of_table(head: bytes) -> Kind:
    """Tell by the first bytes of a table what it is; what is neither Arrow nor Parquet is CSV."""
    return next((kind for mark, kind in _MARKS_OF_TABLES if mark.match(head)), Kind.CSV)


# Clients send the same few headers again and again.
@lru_cache(maxsize=256)
def _parse_media_type(content_type: str) -> tuple[str, Mapping[str, str]]:
    media_type, parameters = parse_options_header(content_type)
    return media_type.lower(), MappingProxyType(parameters)


def _kind_of_pictures(media_type: str, peek: Callable[[], bytes]) -> Kind | None:
    if media_type.startswith("image/"):
        return Kind.PICTURE
    if media_type == FORM_TYPE:
        return Kind.PICTURES_IN_FORM
    head = peek()[:HEAD_BYTES]
    is_json = _JSON_TYPES.fullmatch(media_type) is not None
    if begins_like_json(head):
        return Kind.JSON if is_json or media_type in _UNTOLD_TYPES else None
    if begins_like_picture(head) or media_type == _BYTES_TYPE:
        return Kind.PICTURE
    if media_type == _FIELDS_TYPE and _FIELD.match(head):
        return Kind.PICTURES_IN_FIELDS
    return Kind.JSON if is_json else None


def _kind_of_rows(media_type: str, peek: Callable[[], bytes]) -> Kind | None:
    if media_type == FORM_TYPE:
        return Kind.TABLE_IN_FORM
    for types, kind in _TYPES_OF_TABLES:
        if types.fullmatch(media_type):
            return kind
    if media_type not in _UNTOLD_TYPES:
        return None
    head = peek()
    if begins_like_json(head):
        return Kind.JSON
    kind = kind_of_table(head)
    # CSV has lines, which curl -d takes away; whoever reads it names what is no table.
    return None if kind is Kind.CSV and not _LINE_END_OR_BINARY.search(head) else kind


@lru_cache(maxsize=256)
def _answer(accepted: str, usual: Format) -> Format:
    """Choose what an answer is written as.

    Args:
        accepted: The header that says what the client accepts.
        usual: What is written where the client does not mind.
    """
    offered = [usual, *(each for each in Format if each is not usual)]
    accept = parse_accept_header(accepted, MIMEAccept)
    if not accept:
        return usual
    bare = MIMEAccept((value.partition(";")[0].rstrip(), quality) for value, quality in accept)
    chosen = bare.best_match([each.value for each in offered])
    if chosen is None and any(_READABLE_TYPES.fullmatch(name) for name, quality in bare if quality):
        readable = [each.value for each in offered if each in {Format.JSON, Format.CSV}]
        chosen = next((name for name in readable if bare.find(name) < 0), None)
    if chosen is None:
        raise NotAcceptable(accept.to_header(), [each.value for each in offered])
    return Format(chosen)
