"""Files that people send in the place of pictures are known by their first bytes."""

import struct

import pytest

from vitrine.unread_formats import is_raw, unread_format


def media(*brands: bytes) -> bytes:
    """Return the first box of a file of ISO's base media format; the first brand is the major."""
    body = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", 4 + len(body)) + body + b"\0\0\0\0meta"


FILES = {
    "HEIC picture": media(b"heic", b"mif1", b"heic"),
    "HEIC picture, ": media(b"mif1", b"mif1", b"heic"),
    "HEIF picture": media(b"mif1", b"mif1", b"miaf"),
    "AVIF picture": media(b"avif", b"mif1", b"miaf"),
    "MP4 or QuickTime video": media(b"isom", b"isom", b"mp41"),
    "raw picture of a camera": media(b"crx ", b"crx ", b"isom"),
    "raw picture of a camera, ": b"FUJIFILMCCD-RAW 0201",
    "SVG drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "SVG drawing, ": b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<svg width='9'>",
    "HTML page": b"\n<!DOCTYPE html>\n<html>",
    "PDF document": b"%PDF-1.7",
    "PostScript document": b"%!PS-Adobe-3.0",
    "Photoshop document": b"8BPS\0\1",
    "GIMP document": b"gimp xcf v011",
    "icon": b"\0\0\1\0\1\0",
    "JPEG XL picture": b"\xff\x0a\xfa\x1f",
    "JPEG XL picture, ": b"\0\0\0\x0cJXL \r\n\x87\n",
    "JPEG 2000 picture": b"\0\0\0\x0cjP  \r\n\x87\n",
    "FITS picture": b"SIMPLE  =                    T",
    "DICOM picture": bytes(128) + b"DICM",
    "PNM picture": b"P5\n# made by hand\n28 28\n255\n",
    "PNG picture whose line ends were changed": b"\x89PNG\x1aIHDR",
    "Matroska or WebM video": b"\x1a\x45\xdf\xa3",
    "AVI video": b"RIFF\0\0\0\0AVI LIST",
    "ZIP archive": b"PK\x03\x04",
    "gzip archive": b"\x1f\x8b\x08",
    "array of NumPy": b"\x93NUMPY\x01\0",
    "IDX file of MNIST": b"\0\0\x08\x03\0\0\xea\x60",
    "JSON": b'{"instances": []}',
    "JSON, ": b"[[0, 255]]",
}


@pytest.mark.parametrize(("name", "body"), FILES.items(), ids=FILES)
def test_file_is_named_by_its_first_bytes(name: str, body: bytes) -> None:
    found = unread_format(body)

    assert found is not None
    assert name.rstrip(", ") in found.name
    assert found.cure.endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"size,colour\n1,red\n",
        b"P1\tP2\n7\t8\n",
        b"BMI,age\n",
        b"\0\0\0\0",
        b"<data/>",
    ],
    ids=["nothing", "text", "table", "names like PNM", "name like BMP", "zeros", "XML"],
)
def test_other_bytes_have_no_name(body: bytes) -> None:
    assert unread_format(body) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("tag", "expected"), [(330, True), (50706, True), (256, False)])
def test_raw_tiff_file_is_known_by_its_tags(order: str, tag: int, *, expected: bool) -> None:
    mark = b"II*\0" if order == "<" else b"MM\0*"

    assert is_raw(mark + struct.pack(f"{order}IHHHII", 8, 1, tag, 4, 1, 26)) is expected


def test_raw_file_of_canon_is_known() -> None:
    assert is_raw(b"II*\0\x10\0\0\0CR\x02\0")


def test_tiff_file_that_breaks_off_is_not_taken_for_a_raw_one() -> None:
    assert not is_raw(b"II*\0\x08\0\0\0\x05")
