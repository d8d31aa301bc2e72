"""A service that asks for API keys, which tritonclient sends as a header."""

import os
from collections.abc import Callable, Iterator

import pytest
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

Rooms = Callable[..., list[InferInput]]


@pytest.fixture
def keyed() -> Iterator[InferenceServerClient]:
    """A client of the service that asks for keys."""
    with InferenceServerClient(os.environ["KEYED_URL"].removeprefix("http://")) as client:
        yield client


def _with_key(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {os.environ[name]}"}


def test_health_needs_no_key(keyed: InferenceServerClient) -> None:
    assert keyed.is_server_live()
    assert keyed.is_server_ready()


def test_request_without_a_key_is_refused_in_words(
    keyed: InferenceServerClient, rooms: Rooms
) -> None:
    for headers in (None, {"Authorization": "Bearer vk_wrong"}):
        with pytest.raises(InferenceServerException, match="key") as refused:
            keyed.infer("plain", rooms([1.0], ["red"]), headers=headers)

        assert refused.value.status() == "401"
        assert "decoding the response" not in refused.value.message()


def test_request_with_a_key_is_answered(keyed: InferenceServerClient, rooms: Rooms) -> None:
    result = keyed.infer("plain", rooms([1.0], ["red"]), headers=_with_key("PREDICT_KEY"))

    assert result.as_numpy("prediction").item() == 13.5


def test_request_above_the_rate_of_a_key_is_refused_in_words(
    keyed: InferenceServerClient, rooms: Rooms
) -> None:
    refusals: list[InferenceServerException] = []
    for _ in range(4):
        try:
            keyed.infer("plain", rooms([1.0], ["red"]), headers=_with_key("SLOW_KEY"))
        except InferenceServerException as refused:
            refusals.append(refused)

    assert refusals
    assert {refused.status() for refused in refusals} == {"429"}
    assert all("decoding the response" not in refused.message() for refused in refusals)


def test_models_are_changed_by_those_who_may(keyed: InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="key") as refused:
        keyed.unload_model("plain", headers=_with_key("PREDICT_KEY"))

    assert refused.value.status() == "403"
    keyed.load_model("plain", headers=_with_key("MANAGE_KEY"))
