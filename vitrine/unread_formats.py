"""The first bytes of a file -> the name of a format that is not read, and what to do with it."""

import re
import struct
from codecs import BOM_UTF8
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnreadFormat:
    """A format that people send in the place of a picture.

    Attributes:
        name: Name of the format with its article, to follow "This is".
        cure: Sentence that says what to do instead.
    """

    name: str
    cure: str


_SAVE = "Save it as JPEG or PNG."
_EXPORT = "Export it as PNG."
_ONE_FRAME = "Send one frame of it as JPEG or PNG."
_UNPACK = "Unpack it, and send the pictures themselves."
_AS_JSON = "Send it with the header 'Content-Type: application/json'."
_AS_LEVELS = "Send its levels as JSON, nested as height x width."

RAW = UnreadFormat("a raw picture of a camera", "Export it as JPEG.")
_VIDEO = UnreadFormat("an MP4 or QuickTime video", _ONE_FRAME)
_CHANGED_PNG = UnreadFormat(
    "a PNG picture whose line ends were changed on the way",
    "Send the file as it is; curl does so with --data-binary, not with -d.",
)

# A format, the position of its mark in a file, and the marks that it may have there.
_MARKS: tuple[tuple[UnreadFormat, int, tuple[bytes, ...]], ...] = (
    (_CHANGED_PNG, 0, (b"\x89PNG",)),
    (UnreadFormat("a JPEG XL picture", _SAVE), 0, (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    (UnreadFormat("a JPEG 2000 picture", _SAVE), 0, (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n")),
    (UnreadFormat("an icon (ICO)", _SAVE), 0, (b"\0\0\1\0", b"\0\0\2\0", b"icns")),
    (UnreadFormat("a BigTIFF picture", _SAVE), 0, (b"II+\0", b"MM\0+")),
    (UnreadFormat("an OpenEXR picture", _SAVE), 0, (b"v/1\x01",)),
    (UnreadFormat("a Radiance HDR picture", _SAVE), 0, (b"#?RADIANCE", b"#?RGBE")),
    (UnreadFormat("a QOI picture", _SAVE), 0, (b"qoif",)),
    (UnreadFormat("a DDS picture", _SAVE), 0, (b"DDS ",)),
    (UnreadFormat("a FITS picture", _SAVE), 0, (b"SIMPLE  =",)),
    (UnreadFormat("a DICOM picture", _SAVE), 128, (b"DICM",)),
    (RAW, 0, (b"FUJIFILMCCD-RAW", b"FOVb", b"II\x1a\0\0\0HEAP")),
    (RAW, 0, (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")),
    (UnreadFormat("a Photoshop document (PSD)", _EXPORT), 0, (b"8BPS",)),
    (UnreadFormat("a GIMP document (XCF)", _EXPORT), 0, (b"gimp xcf",)),
    (UnreadFormat("a PDF document", _EXPORT), 0, (b"%PDF-",)),
    (UnreadFormat("a PostScript document", _EXPORT), 0, (b"%!PS", b"\xc5\xd0\xd3\xc6")),
    (UnreadFormat("a Windows metafile", _EXPORT), 0, (b"\xd7\xcd\xc6\x9a",)),
    (UnreadFormat("a Windows metafile", _EXPORT), 40, (b" EMF",)),
    (UnreadFormat("a Matroska or WebM video", _ONE_FRAME), 0, (b"\x1a\x45\xdf\xa3",)),
    (UnreadFormat("an AVI video", _ONE_FRAME), 8, (b"AVI LIST",)),
    (UnreadFormat("a ZIP archive", _UNPACK), 0, (b"PK\x03\x04",)),
    (UnreadFormat("a gzip archive", _UNPACK), 0, (b"\x1f\x8b",)),
    (UnreadFormat("a 7-Zip archive", _UNPACK), 0, (b"7z\xbc\xaf\x27\x1c",)),
    (UnreadFormat("a RAR archive", _UNPACK), 0, (b"Rar!\x1a\x07",)),
    (UnreadFormat("an array of NumPy", _AS_LEVELS), 0, (b"\x93NUMPY",)),
    (UnreadFormat("an HDF5 file", _AS_LEVELS), 0, (b"\x89HDF\r\n\x1a\n",)),
    (UnreadFormat("an IDX file of MNIST", _AS_LEVELS), 0, (b"\0\0\x08\x01", b"\0\0\x08\x03")),
)

# Four letters that name the contents of a file of ISO's base media format.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), UnreadFormat("an AVIF picture", _SAVE)),
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
        UnreadFormat("a HEIC picture", _SAVE),
    ),
    b"crx ": RAW,
}
_ANY_HEIF = UnreadFormat("a HEIF picture", _SAVE)
_HEIF_BRANDS = frozenset((b"mif1", b"mif2", b"msf1"))

# Tags of TIFF that cameras write.
_SUB_DIRECTORIES, _DNG_VERSION = 330, 50706

_JSON = re.compile(rb'\{\s*(["\']|\}|$)|\[\s*[\[{"\d]')
# What the text of a file begins with, in lower case, and the format that begins so.
_TEXTS = (
    (
        re.compile(rb"<svg\b|<(\?xml|!--|!doctype svg)[^\0]*?<svg\b"),
        UnreadFormat("an SVG drawing", _EXPORT),
    ),
    (
        re.compile(rb"<!doctype html|<html\b"),
        UnreadFormat("an HTML page", "Send the picture itself, not the page that shows it."),
    ),
    (
        re.compile(rb"p[1-6]\s+(#[^\n]*\n\s*)*\d+\s+\d+|p7\s+(width|height)"),
        UnreadFormat("a PNM picture", _SAVE),
    ),
    (_JSON, UnreadFormat("JSON", _AS_JSON)),
)
# Enough for the comments before the first element of a drawing.
_TEXT_BYTES = 1024


def unread_format(body: bytes) -> UnreadFormat | None:
    """Name the format of a file that is none of the supported pictures; None if it is unknown."""
    for found, at, marks in _MARKS:
        if body.startswith(marks, at):
            return found
    if body[4:8] == b"ftyp":
        return _by_brand(body)
    text = _beginning(body).lower()
    return next((found for pattern, found in _TEXTS if pattern.match(text)), None)


def begins_like_json(body: bytes) -> bool:
    """Tell whether a file begins as an object or a list of JSON does."""
    return _JSON.match(_beginning(body)) is not None


def _beginning(body: bytes) -> bytes:
    return body[:_TEXT_BYTES].removeprefix(BOM_UTF8).lstrip()


def _by_brand(body: bytes) -> UnreadFormat:
    """Choose by the major brand, or by those that the file is compatible to."""
    size = min(int.from_bytes(body[:4], "big"), 256)
    brands = [body[8:12], *(body[at : at + 4] for at in range(16, size, 4))]
    found = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    return found or (_VIDEO if _HEIF_BRANDS.isdisjoint(brands) else _ANY_HEIF)


def is_raw(body: bytes) -> bool:
    """Tell whether a TIFF file is a camera's, whose picture is in a further directory."""
    if body[8:10] == b"CR":
        return True
    order = "<" if body.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(f"{order}I", body, 4)
        (entries,) = struct.unpack_from(f"{order}H", body, directory)
        tags = {
            struct.unpack_from(f"{order}H", body, at)[0]
            for at in range(directory + 2, directory + 2 + 12 * entries, 12)
        }
    except struct.error:
        return False
    return bool(tags & {_SUB_DIRECTORIES, _DNG_VERSION})
