"""Files that are no CSV, by their first bytes, and what their owner can do."""

import re
from collections.abc import Iterator

from vitrine.errors import MalformedBody

_SAVE = "open it in a spreadsheet program and save it as CSV UTF-8"
_WRITE = "write its table as CSV, for example with pandas' to_csv"
_UNPACK = "unpack it first"

# The head of a message that does not follow: whoever reads on finds an Arrow stream broken.
BROKEN_STREAM = b"\xff\xff\xff\xff\x10\x00\x00\x00"

# What a file is, what to do with it, and the regular expressions of how such files begin.
_FORMATS: tuple[tuple[str, str, tuple[bytes, ...]], ...] = (
    (
        "an Excel workbook (.xlsx)",
        _SAVE,
        (rb"PK\x03\x04.*?xl/(?:_rels|workbook|worksheets|theme|styles|sharedStrings)",),
    ),
    (
        "an OpenDocument spreadsheet (.ods)",
        _SAVE,
        (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet",),
    ),
    ("an Apple Numbers spreadsheet", _SAVE, (rb"PK\x03\x04.*?Index/(?:Document|Tables)",)),
    (
        "an old Excel workbook (.xls)",
        _SAVE,
        # Since 1997 in an OLE file, before that as it is: versions 2, 3, 4 and 5.
        (
            *(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", rb"\t\x00\x04\x00", rb"\t\x02\x06\x00"),
            *(rb"\t\x04\x06\x00", rb"\t\x08[\x08\x10]\x00"),
        ),
    ),
    ("a zip archive", _UNPACK, (rb"PK\x03\x04", rb"PK\x05\x06")),
    ("compressed with gzip", f"{_UNPACK}, for example with gunzip", (rb"\x1f\x8b",)),
    ("compressed with bzip2", f"{_UNPACK}, for example with bunzip2", (rb"BZh[1-9]1AY&SY",)),
    ("compressed with xz", f"{_UNPACK}, for example with unxz", (rb"\xfd7zXZ\x00",)),
    ("compressed with zstd", f"{_UNPACK}, for example with unzstd", (rb"\x28\xb5\x2f\xfd",)),
    ("compressed with LZ4", f"{_UNPACK}, for example with unlz4", (rb"\x04\x22\x4d\x18",)),
    ("compressed with compress", f"{_UNPACK}, for example with uncompress", (rb"\x1f\x9d",)),
    ("a 7z archive", _UNPACK, (rb"7z\xbc\xaf\x27\x1c",)),
    ("a RAR archive", _UNPACK, (rb"Rar!\x1a\x07",)),
    ("a tar archive", _UNPACK, (rb".{257}ustar",)),
    ("a Parquet file", _WRITE, (rb"PAR1[^\t\r\n -~]",)),
    (
        "an Arrow or Feather file",
        _WRITE,
        (rb"ARROW1\x00", rb"FEA1[^\t\r\n -~]", rb"\xff{4}..\x00\x00"),
    ),
    ("an ORC file", _WRITE, (rb"ORC[\x00-\x08]",)),
    ("an Avro file", _WRITE, (rb"Obj\x01",)),
    ("a pickle of Python", _WRITE, (rb"\x80[\x02-\x05][\x95c\]}(]",)),
    ("a file of NumPy", _WRITE, (rb"\x93NUMPY",)),
    ("an HDF5 file", _WRITE, (rb"\x89HDF\r\n\x1a\n",)),
    ("an SQLite database", _WRITE, (rb"SQLite format 3\x00",)),
    ("a file of Stata", _WRITE, (rb"<stata_dta>", rb"[q-s][\x01\x02]\x01\x00")),
    ("a file of SPSS", _WRITE, (rb"\$FL[23]@",)),
    ("a file of SAS", _WRITE, (rb"\x00{12}\xc2\xea\x81\x60", rb"HEADER RECORD\*{7}LI")),
    ("a file of R", _WRITE, (rb"RD[AX][23]\n[ABX]\n",)),
    ("a PDF document", "copy its table into a spreadsheet and save that as CSV", (rb"%PDF-",)),
    (
        "a picture",
        "send the table itself",
        (rb"\x89PNG", rb"\xff\xd8\xff", rb"GIF8[79]a", rb"RIFF.{4}WEBP"),
    ),
    (
        "a web page (HTML)",
        "download the file itself, or open the page in a spreadsheet program and save it as CSV "
        "UTF-8",
        (rb"\s*+(?:<!--.*?-->\s*+)?+(?i:<!doctype html|<html|<head|<body|<meta|<table|<style)",),
    ),
    ("XML", _SAVE, (rb"\s*+<\?xml",)),
    (
        "a form (multipart/form-data)",
        "leave its media type to the client, as curl -F does where no Content-Type is given",
        (rb"(?:\r\n)?+--[^\r\n]{1,70}\r\n(?i:content-disposition:)",),
    ),
    (
        "JSON",
        "write its rows as CSV, or send them to a service as application/json",
        (rb'\s*+\{\s*+"', rb"\s*+\[\s*+[{\[]"),
    ),
    ("an ARFF file of Weka", _WRITE, (rb"(?:\s*+%[^\r\n]*+[\r\n])*+\s*+(?i:@relation)\s",)),
    (
        "text in UTF-32",
        "save it as CSV UTF-8",
        (rb"\xff\xfe\x00\x00", rb"\x00\x00\xfe\xff"),
    ),
    (
        "text in UTF-16 without a byte order mark",
        "save it as CSV UTF-8",
        (rb"(?:[ -~\t]\x00){4}", rb"(?:\x00[ -~\t]){4}"),
    ),
)


def _groups() -> Iterator[bytes]:
    for index, (_, _, beginnings) in enumerate(_FORMATS):
        yield b"(?P<f%d>%b)" % (index, b"|".join(beginnings))


# Matches the beginning of a file that is no CSV.
OTHER_FORMATS = re.compile(b"|".join(_groups()), re.DOTALL)


def refusal(found: re.Match[bytes]) -> MalformedBody:
    """Return the error that names the format of which `OTHER_FORMATS` found the beginning."""
    name, advice, _ = _FORMATS[int(str(found.lastgroup)[1:])]
    return MalformedBody(f"This is {name}, not CSV: {advice}.")
