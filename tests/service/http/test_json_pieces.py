"""A large JSON array in pieces gives the elements that it gives as a whole."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.json_pieces import MalformedPiece, parse_elements

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.sampled_from('ab"\\,[]{}\n\u00e9\u2028'), max_size=6)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def elements(array: bytes, piece_bytes: int, chunk_bytes: int) -> list[Any]:
    """Return all elements of an array."""
    pieces = parse_elements(array, piece_bytes=piece_bytes, chunk_bytes=chunk_bytes)
    return [element for piece in pieces for element in piece]


@given(
    st.lists(VALUES, max_size=12),
    st.booleans(),
    st.integers(1, 20),
    st.integers(1, 40),
)
def test_pieces_have_the_elements_of_the_whole(
    values: list[Any], is_indented: bool, piece_bytes: int, chunk_bytes: int
) -> None:
    array = orjson.dumps(values, option=orjson.OPT_INDENT_2 if is_indented else None)

    assert elements(array, piece_bytes, chunk_bytes) == orjson.loads(array)


@pytest.mark.parametrize(
    "array",
    [
        b"[1,2,1e400,3]",
        b"[1, 2, 3, 01]",
        '[1,"\u00e9",1e999]'.encode(),
        b"[1, [2, 3, [4, 1e400], 5]]",
        b'[1, {"a": 2, "b": 3, "c": 1e400}]',
    ],
    ids=[
        *("in the middle", "at the end", "after a character of two bytes"),
        *("inside an element", "inside an object"),
    ],
)
def test_place_where_it_goes_wrong_is_that_of_the_whole(array: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError) as whole:
        orjson.loads(array)
    with pytest.raises(MalformedPiece) as caught:
        elements(array, 1, 5)

    assert caught.value.position == len(whole.value.doc[: whole.value.pos].encode())


def test_pieces_are_small_and_made_as_they_are_asked_for() -> None:
    pieces = parse_elements(b"[" + b"1234," * 100 + b"oops]", piece_bytes=50, chunk_bytes=100)

    assert [len(next(pieces)) for _ in range(3)] == [11, 11, 11]
