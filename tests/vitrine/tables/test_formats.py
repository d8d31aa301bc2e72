"""What is no CSV is named by its first bytes."""

import bz2
import gzip
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from tests.vitrine.tables.tables import number, reader
from vitrine.errors import MalformedBody
from vitrine.tables.formats import OTHER_FORMATS, refusal

CSV = b"x,kind\n1,a\n2,b\n"


def zipped(*names: str, body: bytes = CSV) -> bytes:
    """Make a zip archive of small files."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, body)
    return stream.getvalue()


def tarred() -> bytes:
    """Make a tar archive of a small file."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("rows.csv"))
    return stream.getvalue()


def written(write: Callable[[pa.Table, BytesIO], object]) -> bytes:
    """Write a small table in a format of Arrow's."""
    stream = BytesIO()
    write(pa.table({"x": [1, 2]}), stream)
    return stream.getvalue()


def streamed() -> bytes:
    """Write a small table as a stream of Arrow's."""
    table, stream = pa.table({"x": [1, 2]}), BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


def database() -> bytes:
    """Make an SQLite database with a table."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE houses (x)")
    body = connection.serialize()
    connection.close()
    return body


def array() -> bytes:
    """Save an array as NumPy does."""
    stream = BytesIO()
    np.save(stream, np.arange(3))
    return stream.getvalue()


SAVE = "open it in a spreadsheet program and save it as CSV UTF-8"
WRITE = "write its table as CSV, for example with pandas' to_csv"
OTHERS: dict[str, tuple[bytes, str, str]] = {
    "xlsx": (
        zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"),
        "an Excel workbook (.xlsx)",
        SAVE,
    ),
    "openpyxl": (
        zipped("docProps/app.xml", "xl/theme/theme1.xml", "xl/worksheets/sheet1.xml"),
        "an Excel workbook (.xlsx)",
        SAVE,
    ),
    "ods": (
        zipped("mimetype", body=b"application/vnd.oasis.opendocument.spreadsheet"),
        "an OpenDocument spreadsheet (.ods)",
        SAVE,
    ),
    "numbers": (zipped("Index/Document.iwa"), "an Apple Numbers spreadsheet", SAVE),
    "ole": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "an old Excel workbook (.xls)", SAVE),
    "biff": (b"\t\x08\x10\x00\x00\x06\x05\x00", "an old Excel workbook (.xls)", SAVE),
    "zip": (zipped("rows.csv"), "a zip archive", "unpack it first"),
    "empty zip": (zipped(), "a zip archive", "unpack it first"),
    "gzip": (
        gzip.compress(CSV),
        "compressed with gzip",
        "unpack it first, for example with gunzip",
    ),
    "bzip2": (
        bz2.compress(CSV),
        "compressed with bzip2",
        "unpack it first, for example with bunzip2",
    ),
    "xz": (lzma.compress(CSV), "compressed with xz", "unpack it first, for example with unxz"),
    "zstd": (
        pa.compress(CSV, codec="zstd", asbytes=True),
        "compressed with zstd",
        "unpack it first, for example with unzstd",
    ),
    "tar": (tarred(), "a tar archive", "unpack it first"),
    "parquet": (written(parquet.write_table), "a Parquet file", WRITE),
    "feather": (written(feather.write_feather), "an Arrow or Feather file", WRITE),
    "arrow": (streamed(), "an Arrow or Feather file", WRITE),
    "pickle": (pickle.dumps({"x": [1, 2]}), "a pickle of Python", WRITE),
    "numpy": (array(), "a file of NumPy", WRITE),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(9), "an HDF5 file", WRITE),
    "sqlite": (database(), "an SQLite database", WRITE),
    "stata": (b"<stata_dta><header>", "a file of Stata", WRITE),
    "pdf": (b"%PDF-1.7\n", "a PDF document", "copy its table into a spreadsheet and save that as "),
    "picture": (b"\x89PNG\r\n\x1a\n", "a picture", "send the table itself"),
    "html": (b"\r\n<!DOCTYPE html>\n<html>", "a web page (HTML)", "download the file itself, or "),
    "table": (b'<table border="1"><tr>', "a web page (HTML)", "download the file itself, or open"),
    "xml": (b'<?xml version="1.0"?>\n<Workbook', "XML", SAVE),
    "form": (
        b'--8d5f\r\nContent-Disposition: form-data; name="file"\r\n\r\nx,kind\r\n',
        "a form (multipart/form-data)",
        "leave its media type to the client, as curl -F does where no Content-Type is given",
    ),
    "object": (b'{"instances": [{"x": 1}]}', "JSON", "write its rows as CSV, or send them to a "),
    "records": (b' [\n {"x": 1}]', "JSON", "write its rows as CSV, or send them to a service as"),
    "lists": (b"[[1, 2]]", "JSON", "write its rows as CSV, or send them to a service as applica"),
    "arff": (b"% Iris\n\n@RELATION iris\n", "an ARFF file of Weka", WRITE),
    "utf-32": ("x,kind\n".encode("utf-32"), "text in UTF-32", "save it as CSV UTF-8"),
    "utf-16": (
        "x,kind\n".encode("utf-16-le"),
        "text in UTF-16 without a byte order mark",
        "save it as CSV UTF-8",
    ),
}


@pytest.mark.parametrize(("body", "name", "advice"), OTHERS.values(), ids=OTHERS)
def test_other_format_is_named_with_what_to_do(body: bytes, name: str, advice: str) -> None:
    found = OTHER_FORMATS.match(body)

    assert found is not None
    assert refusal(found).detail.startswith(f"This is {name}, not CSV: {advice}")


def test_other_format_is_refused_whatever_its_lines_are() -> None:
    with pytest.raises(MalformedBody, match=r"^This is an Excel workbook \(\.xlsx\), not CSV: "):
        reader(OTHERS["xlsx"][0], number("x"))


@pytest.mark.parametrize(
    "header",
    [
        *("PAR1,PAR2", "ORC\tx", "FEA1;x", "<1H OCEAN,x", "[a],b", "{x},y", "% change,x", "BZh,x"),
        *("PK,x", "GIF,x", "%PDF,x", '"<html>",x', "\t,x", "x<html>", "\x00x", "RDX3\nx"),
    ],
)
def test_header_that_begins_alike_is_read(header: str) -> None:
    assert OTHER_FORMATS.match(header.encode()) is None


@given(st.text(st.characters(min_codepoint=32, exclude_characters="<{[%"), min_size=1))
def test_text_is_no_other_format(text: str) -> None:
    assert OTHER_FORMATS.match(text.encode("utf-8", "replace")) is None
