"""What a request for predictions costs: seconds of computing, estimated before it is computed.

An estimate need not be exact: it decides who goes first, and the scheduler learns how far off it
is. The constants are those of one core of a common server.
"""

from collections.abc import Sequence
from math import inf

from service.http.content import Kind, kind_of_table
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pictures import declared_pixels

# To decode and to fit a picture, per pixel. A small picture costs as much as one of `_LEAST_PIXELS`
# because of its geometry. A large one may be noise, in which the geometry looks for a figure much
# longer than in a drawing.
_PIXEL_SECONDS = 1e-3 / 2**17
_LEAST_PIXELS = 2**16
_DRAWN_PIXELS = 2**17
_NOISE_PIXEL_SECONDS = 4e-8
# What declares no size is no picture; to find out what it is takes its time.
_UNTOLD_PIXELS = 2**18
# To read a row of JSON, each of its members, and a byte of JSON; a row of CSV, and its length.
_JSON_ROW_SECONDS = 2e-5
_JSON_MEMBER_SECONDS = 1e-6
_JSON_BYTE_SECONDS = 2e-8
_CSV_ROW_SECONDS = 2e-6
_CSV_ROW_BYTES = 40
# To read a row of Arrow or Parquet, and the length of a cell, where it is not packed tightly.
_TYPED_ROW_SECONDS = 1e-6
_CELL_BYTES = {Kind.ARROW: 8, Kind.PARQUET: 4}
# An explanation predicts so many times.
_PREDICTIONS_EXPLAINED = 200


def estimate(
    model: Model, options: Options, instances: Sequence[object], *, max_pixels: int
) -> float:
    """Return the estimated time, in seconds, to decode instances and to predict on them.

    Args:
        model: The model that predicts.
        options: What is asked for.
        instances: Pictures, as `vitrine.pictures.picture_blocks` takes them, or rows of JSON.
        max_pixels: Number of pixels that one picture may have.
    """
    if model.manifest.signature.picture is None:
        members = sum(len(row) for row in instances if isinstance(row, dict))
        decoding = _JSON_ROW_SECONDS * len(instances) + _JSON_MEMBER_SECONDS * members
    else:
        decoding = sum(_fitting(declared_pixels(each), max_pixels) for each in instances)
    return decoding + _predicting(model, options, len(instances))


def estimate_table(model: Model, options: Options, head: bytes, body_bytes: int) -> float:
    """Return the estimated time, in seconds, to answer a table that is read block by block.

    Args:
        model: The model that predicts.
        options: What is asked for.
        head: The first bytes of the body, which say what it is.
        body_bytes: Its length.
    """
    cell_bytes = _CELL_BYTES.get(kind_of_table(head))
    columns = len(model.manifest.signature.columns)
    row_bytes = _CSV_ROW_BYTES if cell_bytes is None else cell_bytes * columns
    row_seconds = _CSV_ROW_SECONDS if cell_bytes is None else _TYPED_ROW_SECONDS
    rows = 1 + body_bytes // max(row_bytes, 1)
    return rows * row_seconds + _predicting(model, options, rows)


def guess(
    model: Model,
    media_type: str,
    head: bytes,
    body_bytes: int,
    *,
    max_pixels: int,
    max_instances: int,
) -> float:
    """Return a first guess of the time that a body takes, before anything of it is parsed.

    Args:
        model: The model that predicts.
        media_type: Media type of the body.
        head: Its first bytes.
        body_bytes: Its length.
        max_pixels: Number of pixels that one picture may have.
        max_instances: Number of instances that JSON may have; more are refused unread.
    """
    options = Options()
    if "json" in media_type:
        is_picture = model.manifest.signature.picture is not None
        # A list of levels ends with two brackets; a row, and a picture as an object, with a brace.
        counted = max(head.count(b"]]") if is_picture else 0, head.count(b"{"), 1)
        count = min(counted * body_bytes // max(len(head), 1), max_instances)
        return _JSON_BYTE_SECONDS * body_bytes + _guess_many(model, options, count)
    if model.manifest.signature.picture is None:
        return estimate_table(model, options, head, body_bytes)
    pixels = declared_pixels(head)
    if pixels == inf:  # a form, or a text: what its pictures hold shows when it is parsed
        return _guess_many(model, options, 1)
    return _fitting(pixels, max_pixels) + _predicting(model, options, 1)


def _guess_many(model: Model, options: Options, count: int) -> float:
    is_picture = model.manifest.signature.picture is not None
    each = _PIXEL_SECONDS * _LEAST_PIXELS if is_picture else _JSON_ROW_SECONDS
    return count * each + _predicting(model, options, count)


def _predicting(model: Model, options: Options, count: int) -> float:
    """Return the time to predict: the first instance takes a pass, each further one its part."""
    seconds = model.pass_seconds + max(count - 1, 0) * model.instance_seconds
    return seconds * (_PREDICTIONS_EXPLAINED if options.explain else 1)


def _fitting(pixels: float, max_pixels: int) -> float:
    """Return the time to decode and to fit a picture of so many pixels; infinity is unknown.

    One that declares more than it may have is refused at once, whatever it declares.
    """
    known = _UNTOLD_PIXELS if pixels == inf else max(_LEAST_PIXELS, pixels)
    if pixels != inf and known > max_pixels:
        known = _LEAST_PIXELS
    return known * (_PIXEL_SECONDS if known <= _DRAWN_PIXELS else _NOISE_PIXEL_SECONDS)
