"""Forms: their parts in order, and the pictures or the table among them."""

from io import BytesIO

import pytest

from service.http.forms import Part, pictures_of, read_fields, read_multipart, table_of
from tests.fakes import picture, table
from vitrine.errors import EmptyBody, InvalidInstances, MalformedBody, TooManyInstances

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="b"; filename="b.png"\r\n\r\nfile\r\n'
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ntext\r\n'
    b'--b\r\nContent-Disposition: form-data; name="b"; filename=""\r\n\r\n\r\n'
    b"--b--\r\n"
)


def text(data: bytes, name: str = "field") -> Part:
    """Return a field that holds a text."""
    return Part(name, data, is_file=False)


def file(data: bytes, name: str = "field") -> Part:
    """Return a field that holds a file."""
    return Part(name, data, is_file=True)


def test_parts_keep_their_order() -> None:
    parts = read_multipart(BytesIO(FORM), "b", max_parts=3)

    assert parts == [file(b"file", "b"), text(b"text", "a"), text(b"", "b")]


def test_large_part_is_read_whole() -> None:
    large = bytes(range(256)) * 1000

    (part, *_) = read_multipart(BytesIO(FORM.replace(b"file\r", large + b"\r")), "b", max_parts=3)

    assert part.data == large


@pytest.mark.parametrize(
    ("body", "boundary"),
    [(FORM, None), (FORM, ""), (FORM, "c"), (FORM, "é"), (FORM[:100], "b"), (b"", "b")],
    ids=["no boundary", "empty boundary", "another", "odd", "broken off", "nothing"],
)
def test_what_is_no_form_is_malformed(body: bytes, boundary: str | None) -> None:
    with pytest.raises(MalformedBody):
        read_multipart(BytesIO(body), boundary, max_parts=3)


def test_parts_are_counted() -> None:
    with pytest.raises(TooManyInstances, match="at most 2 files"):
        read_multipart(BytesIO(FORM), "b", max_parts=2)


def test_fields_keep_their_order_and_the_digits_of_base64() -> None:
    fields = read_fields(b"b=data%3A%2C&a=ab+/%2B=&b=", max_fields=3)

    assert fields == [text(b"data:,", "b"), text(b"ab+/+=", "a"), text(b"", "b")]


def test_fields_are_counted() -> None:
    with pytest.raises(TooManyInstances, match="at most 2 fields"):
        read_fields(b"a=&b=&c=", max_fields=2)


def test_pictures_are_the_files_and_the_texts_that_are_pictures() -> None:
    texts = [text(b"hello"), text(b'{"top": 1}'), text(b"data:,"), text(picture())]

    assert pictures_of([file(b"anything"), *texts]) == [b"anything", b"data:,", picture()]


@pytest.mark.parametrize("parts", [[], [text(b"")]], ids=["no fields", "an empty field"])
def test_form_that_holds_nothing_is_empty(parts: list[Part]) -> None:
    with pytest.raises(EmptyBody):
        pictures_of(parts)
    with pytest.raises(EmptyBody):
        table_of(parts)


def test_text_that_is_no_picture_is_named_by_its_field() -> None:
    with pytest.raises(InvalidInstances, match="Field 'image' holds a text that is no picture"):
        pictures_of([text(b"", "empty"), text(b"hello", "image")])


@pytest.mark.parametrize("part", [file(table(2)), text(table(2))], ids=["file", "text"])
def test_table_is_the_only_file_or_text_of_lines(part: Part) -> None:
    assert table_of([text(b"a note"), part]) == table(2)


def test_several_tables_are_refused() -> None:
    with pytest.raises(TooManyInstances, match="at most 1 tables"):
        table_of([file(table(1)), file(table(1))])


@pytest.mark.parametrize("part", [file(b'{"instances": []}'), text(b"[[1]]")], ids=["file", "text"])
def test_json_in_a_form_is_named(part: Part) -> None:
    with pytest.raises(InvalidInstances, match="Field 'field' holds JSON"):
        table_of([part])
