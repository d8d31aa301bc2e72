"""The body of a request -> blocks of instances: which media types are read, and as what."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from service.errors import UnsupportedMediaType
from service.http.answers import open_csv
from service.http.options import Options
from service.http.transfer import RequestBody
from service.settings import Settings
from vitrine import images
from vitrine.errors import (
    MAX_FAULTS,
    EmptyBody,
    Fault,
    InvalidInstances,
    MalformedBody,
    PictureTooLarge,
    TooManyInstances,
    VitrineError,
    nearest,
    shown,
)
from vitrine.model import Model
from vitrine.tables import Block, CsvReader, decode_rows

CSV = "text/csv"
FORM = "multipart/form-data"
JSON = "application/json"
UNTYPED = "application/octet-stream"  # what many clients call any file; a picture says itself

# Decoded pictures are large and the arrays between a network's layers larger.
_PICTURES_AT_ONCE = 16

# Checked element by element before NumPy sees them: it would take texts for numbers.
_GREYS = list[list[int | float]]
_COLOURS = list[list[list[int | float]]]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the headers say of a body.

    Attributes:
        media_type: Without parameters, in lower case.
        parameters: Of the media type.
        coding: How it is compressed, empty for not at all.
        url: Tells where it was sent, for the example in an error.
    """

    media_type: str
    parameters: dict[str, str]
    coding: str
    url: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A body, about to be read.

    Attributes:
        blocks: Of its instances, made as they are asked for.
        ignored_columns: Columns that are no input.
        table: What is known of a CSV body.
    """

    blocks: Iterable[Block]
    ignored_columns: Sequence[str] = ()
    table: CsvReader | None = None


def is_csv(model: Model, content: Content) -> bool:
    """Tell whether a body will be read as CSV."""
    reads_tables = model.manifest.signature.picture is None
    return content.media_type == CSV or (reads_tables and content.media_type == FORM)


def decode(
    model: Model, content: Content, body: RequestBody, options: Options, settings: Settings
) -> Decoded:
    """Start to read a body as instances of a model.

    Raises:
        UnsupportedMediaType: The model takes no bodies of that type.
        VitrineError: The body is not what its type says, too large, empty, or does not fit.
    """
    _check_type(model, content)
    if content.media_type == CSV:
        body.limit(settings.max_csv_bytes)
        return _decode_csv(model, body, options, settings)
    body.limit(settings.max_body_bytes)
    if content.media_type == JSON:
        return _decode_json(model, body.read_all(), options, settings)
    if content.media_type == FORM:
        files = _read_files(body, content, settings.max_files)
        if model.manifest.signature.picture is None:
            return _decode_csv(model, BytesIO(_only(files)), options, settings)
        return _decode_pictures(model, files, options, settings)
    return _decode_pictures(model, [body.read_all()], options, settings)


def _check_type(model: Model, content: Content) -> None:
    takes_pictures = model.manifest.signature.picture is not None
    media_type = content.media_type
    is_known = media_type in {JSON, FORM} or (
        media_type.startswith("image/") or media_type == UNTYPED
        if takes_pictures
        else media_type == CSV
    )
    if is_known and content.coding in {"", "identity"}:
        return
    kind, own, file = (
        ("image/png", "image/*", "picture.png") if takes_pictures else (CSV, CSV, "rows.csv")
    )
    raise UnsupportedMediaType(
        f"{media_type or '(none)'}{'; ' if is_known else ''}{content.coding if is_known else ''}",
        expected=[own, FORM, JSON],
        example=f"curl -H 'Content-Type: {kind}' --data-binary @{file} {content.url()}",
    )


def _decode_csv(
    model: Model, stream: RequestBody | BytesIO, options: Options, settings: Settings
) -> Decoded:
    reader = open_csv(model, stream, options, settings)
    return Decoded(blocks=reader, ignored_columns=reader.ignored_columns, table=reader)


def _read_files(body: RequestBody, content: Content, max_files: int) -> list[bytes]:
    parser = FormDataParser(
        # Held in memory, which the limit on the body allows: a container may have no disk.
        stream_factory=lambda *_, **__: BytesIO(),
        max_form_parts=max_files,
        silent=False,
    )
    try:
        _, _, files = parser.parse(body, FORM, None, content.parameters)  # type: ignore[arg-type]
    except RequestEntityTooLarge:
        raise TooManyInstances("files", max_files) from None
    except ValueError:
        raise MalformedBody("The body is not multipart/form-data with its boundary.") from None
    found = [file.read() for _, file in files.items(multi=True)]
    if not found:
        raise EmptyBody("a file, as curl -F file=@picture.png sends it")
    return found


def _only(files: Sequence[bytes]) -> bytes:
    if len(files) > 1:
        raise TooManyInstances("CSV files", 1)
    return files[0]


def _decode_json(model: Model, body: bytes, options: Options, settings: Settings) -> Decoded:
    instances = _read_instances(body)
    if len(instances) > settings.max_instances:
        raise TooManyInstances("instances", settings.max_instances)
    if model.manifest.signature.picture is not None:
        return _decode_pictures(model, instances, options, settings)
    block = decode_rows(instances, model.manifest.signature.columns)
    return Decoded(blocks=[block], ignored_columns=block.ignored_columns)


def _read_instances(body: bytes) -> list[object]:
    if not body:
        raise EmptyBody('{"instances": [...]}')
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: it breaks off or goes wrong on line {error.lineno}, "
            f"column {error.colno}."
        ) from None
    if not isinstance(members, dict):
        raise _no_instances(f"Received: {shown(type(members).__name__)}.")
    for name in members:
        if name != "instances":
            raise _no_instances(f"{shown(name)} is not known.{nearest(name, ['instances'])}")
    instances = members.get("instances")
    if not isinstance(instances, list):
        raise _no_instances("'instances' must be a list.")
    return instances


def _no_instances(detail: str) -> InvalidInstances:
    rule = 'The body must be an object {"instances": [...]}.'
    return InvalidInstances([Fault(detail=f"{rule} {detail}", pointer="#")])


def _decode_pictures(
    model: Model, pictures: Sequence[object], options: Options, settings: Settings
) -> Decoded:
    if options.explain and len(pictures) > settings.max_explained:
        raise TooManyInstances("instances to be explained", settings.max_explained)
    # A picture that comes alone keeps the kind of its error.
    caught = VitrineError if options.report or len(pictures) > 1 else ()
    blocks = (
        _picture_block(
            model,
            pictures[start : start + _PICTURES_AT_ONCE],
            start,
            caught=caught,
            max_pixels=settings.max_pixels,
        )
        for start in range(0, len(pictures), _PICTURES_AT_ONCE)
    )
    return Decoded(blocks=blocks)


def _picture_block(
    model: Model,
    pictures: Sequence[object],
    start: int,
    *,
    caught: type[VitrineError] | tuple[()],
    max_pixels: int,
) -> Block:
    decoded: list[images.Picture] = []
    errors: dict[int, str] = {}
    for place, picture in enumerate(pictures):
        try:
            decoded.append(_picture(picture, max_pixels))
        except caught as error:
            errors[place] = error.detail
    faults = [
        Fault(detail=detail, pointer=f"#/instances/{start + place}")
        for place, detail in errors.items()
    ]
    return Block(
        instances={model.manifest.signature.inputs[0].name: _objects(decoded)},
        steps=[picture.steps for picture in decoded],
        rows=len(pictures),
        faults=tuple(faults[:MAX_FAULTS]),
        fault_count=len(faults),
        errors=errors,
    )


def _objects(pictures: Sequence[images.Picture]) -> NDArray[np.object_]:
    array = np.empty(len(pictures), dtype=object)
    for place, picture in enumerate(pictures):
        array[place] = picture.pixels
    return array


def _picture(picture: object, max_pixels: int) -> images.Picture:
    if isinstance(picture, bytes):
        return images.decode(picture, max_pixels=max_pixels)
    return images.Picture(_read_levels(picture, max_pixels), ())


def _read_levels(picture: object, max_pixels: int) -> Pixels:
    levels = _array(picture)
    height, width = levels.shape[:2]
    if width * height > max_pixels:
        raise PictureTooLarge(width, height, max_pixels)
    if not (levels.min() >= 0 and levels.max() <= 255):
        raise _bad_picture("Levels must lie within 0 and 255.")
    if levels.max() <= 1 and (levels != np.rint(levels)).any():
        raise _bad_picture("Levels must lie within 0 and 255; these look divided by 255.")
    return np.rint(levels).astype(np.uint8)


def _array(picture: object) -> NDArray[np.float32]:
    rule = (
        "A picture must be lists of levels, nested as height x width, height x width x 1 or "
        "height x width x 3."
    )
    try:
        rows = msgspec.convert(picture, _COLOURS if _is_nested_thrice(picture) else _GREYS)
        levels = np.array(rows, dtype=np.float32)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise _bad_picture(rule) from None
    if levels.ndim == 2:
        levels = levels[:, :, np.newaxis]
    if levels.ndim != 3 or levels.shape[2] not in {1, 3} or not levels.size:
        raise _bad_picture(rule)
    return levels


def _is_nested_thrice(picture: object) -> bool:
    for _ in range(2):
        picture = picture[0] if isinstance(picture, list) and picture else None
    return isinstance(picture, list)


def _bad_picture(rule: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=rule, pointer="#/instances/0")])
