"""JSON in pieces: what stands outside of its texts, wherever it is cut."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.http.json_tokens import pieces, with_null_for_nan

TEXTS = st.text() | st.sampled_from(["NaN", '"NaN', "\\", '\\"NaN\\', ', NaN, "NaN": NaN'])
VALUES = st.recursive(
    st.just(float("nan")) | st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


def blanked(value: Any) -> Any:
    """Return a value with None for NaN."""
    if isinstance(value, dict):
        return {name: blanked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [blanked(each) for each in value]
    return None if isinstance(value, float) else value


@given(VALUES, st.integers(4, 40))
def test_nan_becomes_null_and_texts_stay(value: Any, chunk_bytes: int) -> None:
    body = json.dumps(value, ensure_ascii=False).encode(errors="replace")

    written = with_null_for_nan(body, chunk_bytes=chunk_bytes)

    assert json.loads(written) == blanked(json.loads(body))


@given(st.binary(), st.integers(4, 40))
def test_pieces_are_the_whole_of_any_body(body: bytes, chunk_bytes: int) -> None:
    cut = list(pieces(body, chunk_bytes=chunk_bytes))

    assert b"".join(piece for piece, _ in cut) == body
    assert all(len(piece) == len(outside) for piece, outside in cut)


def test_text_without_an_end_takes_no_longer_than_others() -> None:
    body = b'{"a": NaN, "' + b'\\"' * 10**6

    assert with_null_for_nan(body).startswith(b'{"a": null, "')
