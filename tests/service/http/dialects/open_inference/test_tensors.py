"""Tensors: what is written is read again, whatever it is, and what is broken is refused."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from service.errors import InvalidInferenceRequest
from service.http.dialects.open_inference.datatypes import BYTES, DTYPES
from service.http.dialects.open_inference.messages import InferRequest, read_message
from service.http.dialects.open_inference.tensors import Tensor, read_tensors, to_bytes
from tests.tensors import binary, message, tensor, with_lengths
from vitrine.errors import VitrineError

SHAPES = array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def arrays_of(datatype: str) -> st.SearchStrategy[NDArray[Any]]:
    """Make arrays of a datatype; NaN is what JSON's null becomes, and infinity JSON has not."""
    dtype = DTYPES[datatype]
    elements = None
    if dtype.kind == "f":
        elements = st.floats(width=8 * dtype.itemsize, allow_infinity=False)  # type: ignore[arg-type]
    return arrays(dtype, SHAPES, elements=elements)


def read(*tensors: Any) -> list[Tensor]:
    """Read tensors as a request has them."""
    body, length = message(*tensors)
    return read_tensors(read_message(body[:length]), body[length:], "model", max_instances=10_000)


@given(datatype=st.sampled_from([*DTYPES]), data=st.data())
def test_array_is_read_as_it_was_sent_in_bytes(datatype: str, data: st.DataObject) -> None:
    array = data.draw(arrays_of(datatype))

    (found,) = read(binary("a", datatype, array.shape, to_bytes(array)))

    assert isinstance(found.values, np.ndarray)
    assert found.values.dtype == DTYPES[datatype]
    np.testing.assert_array_equal(found.values, array)


@given(
    datatype=st.sampled_from([name for name in DTYPES if name != "FP16"]),
    nested=st.booleans(),
    data=st.data(),
)
def test_array_is_read_as_it_was_sent_in_json(
    datatype: str, nested: bool, data: st.DataObject
) -> None:
    array = data.draw(arrays_of(datatype))
    values = array.tolist() if nested else array.ravel().tolist()

    (found,) = read(tensor("a", values, datatype, array.shape))

    assert found.shape == array.shape
    np.testing.assert_array_equal(np.asarray(found.values, DTYPES[datatype]), array)


@given(st.lists(TEXTS, max_size=6))
def test_texts_are_read_as_they_were_sent(texts: list[str]) -> None:
    as_json, as_bytes = read(
        tensor("a", texts, BYTES, [len(texts)]),
        binary("b", BYTES, [len(texts), 1], to_bytes(texts)),
    )

    assert as_json.values == texts
    assert as_bytes.values == [text.encode() for text in texts]


@given(st.lists(st.binary(max_size=20), max_size=6), st.lists(arrays_of("FP32"), max_size=3))
def test_tensors_follow_each_other_in_their_order(
    elements: list[bytes], numbers: list[NDArray[Any]]
) -> None:
    texts = binary("texts", BYTES, [len(elements)], with_lengths(*elements))
    between = tensor("between", [1], "UINT8", [1])

    first, *others, last = read(
        texts, *(binary("a", "FP32", each.shape, each.tobytes()) for each in numbers), between
    )

    assert first.values == elements
    assert last.name == "between"
    for found, number in zip(others, numbers, strict=True):
        np.testing.assert_array_equal(np.asarray(found.values), number)


@given(
    datatype=st.sampled_from([*DTYPES, "BF16", BYTES]),
    shape=st.lists(st.integers(0, 5), max_size=4),
    data=st.binary(max_size=64),
    size=st.integers(0, 80),
)
def test_any_bytes_are_read_or_refused(
    datatype: str, shape: list[int], data: bytes, size: int
) -> None:
    head, _ = binary("a", datatype, shape, bytes(size))
    try:
        (found,) = read((head, data))
    except InvalidInferenceRequest as error:
        assert "b'" not in error.detail
    else:
        assert size == len(data)
        assert found.shape == tuple(shape)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=12,
)


@given(
    datatype=st.sampled_from([*DTYPES, "BF16", BYTES, "?"]),
    shape=st.lists(st.integers(-1, 5), max_size=4) | VALUES,
    data=VALUES,
)
def test_any_json_is_read_or_refused(datatype: str, shape: Any, data: Any) -> None:
    given_tensor = {"name": "a", "datatype": datatype, "shape": shape, "data": data}
    try:
        (found,) = read(given_tensor)
    except VitrineError as error:
        assert error.status in {400, 413}
    else:
        count = found.values.size if isinstance(found.values, np.ndarray) else len(found.values)
        assert count == np.prod(shape, dtype=int)


@given(VALUES | st.dictionaries(st.sampled_from(["inputs", "outputs", "id", "parameters"]), VALUES))
def test_any_message_is_read_or_refused(members: Any) -> None:
    try:
        found = read_message(json.dumps(members).encode())
    except VitrineError as error:
        assert error.status == 400
    else:
        assert isinstance(found, InferRequest)


@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    with pytest.raises(VitrineError) as refused:
        read_message(body)

    assert refused.value.status == 400


@pytest.mark.parametrize("datatype", ["UINT8", "FP64", BYTES])
def test_large_data_is_converted_in_pieces(datatype: str) -> None:
    numbers = [index % 10 for index in range(100_000)]
    values = [str(number) for number in numbers] if datatype == BYTES else numbers

    (found,) = read(tensor("a", [values], datatype, [1, len(values)]))

    read_values = (
        found.values.ravel().tolist() if isinstance(found.values, np.ndarray) else found.values
    )
    assert read_values == values


def test_more_bytes_than_the_shape_has_are_refused() -> None:
    with pytest.raises(InvalidInferenceRequest, match="byte size 5 for input 'a', expecting 4"):
        read(binary("a", "FP32", [1], bytes(5)))


def test_large_data_is_parsed_in_pieces() -> None:
    values = [[index % 256] * 100 for index in range(1000)]

    (found,) = read(tensor("a", values, "UINT8", [1000, 100]))

    assert np.asarray(found.values).tolist() == values


@pytest.mark.parametrize("broken", ["[1, 2", "[1,,2]", "[1e400]", "[01]", '["\\ud800"]'])
def test_broken_data_is_refused(broken: str) -> None:
    body, _ = message(tensor("a", [7], "FP32", [1]))

    with pytest.raises(VitrineError) as refused:
        read_tensors(
            read_message(body.replace(b"[7]", broken.encode())), None, "model", max_instances=9
        )

    assert refused.value.status == 400


@pytest.mark.parametrize("sides", [[10**18] * 32, [2**63 - 1] * 32, [10**999], [2**63]])
def test_shape_of_any_size_is_refused(sides: list[int]) -> None:
    for data in ([7], list(range(100))):
        with pytest.raises(VitrineError) as refused:
            read(tensor("a", data, "FP32", sides))

        assert refused.value.status in {400, 413}
        assert len(refused.value.detail) < 200


def test_axes_after_the_first_may_be_long() -> None:
    with pytest.raises(InvalidInferenceRequest, match="Shape does not match"):
        read(tensor("a", [7], "FP32", [1, *[2**63 - 1] * 31]))


def test_more_elements_than_the_shape_has_are_not_read() -> None:
    with pytest.raises(InvalidInferenceRequest, match="more than 1 elements"):
        read(binary("a", BYTES, [1], bytes(4) * 1_000_000))


@pytest.mark.parametrize("text", [b"x" * 2**22, b'\\"' * 2**21, b"\\n" * 2**21])
@pytest.mark.parametrize("end", [b'"}', b"", b"\\"])
def test_long_text_beside_nan_takes_no_time(text: bytes, end: bytes) -> None:
    with pytest.raises(VitrineError) as refused:
        read_message(b'{"id": NaN, "more": "' + text + end)

    assert refused.value.status == 400


def test_texts_with_nan_stay_as_they_are() -> None:
    body, _ = message(tensor("a", [float("nan")], "FP32", [1]), id='NaN "NaN\\')

    found = read_message(body)

    assert found.id == 'NaN "NaN\\'
