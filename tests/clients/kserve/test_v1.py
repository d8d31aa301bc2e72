"""KServe's client with the first protocol."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from kserve.errors import UnsupportedProtocol

Ask = Callable[..., Any]
AskOwnRoute = Callable[[str, list[Any]], Any]


def test_server_is_live(ask: Ask, url: str) -> None:
    assert ask("v1", lambda client: client.is_server_live(url)) is True


def test_protocol_has_no_readiness_of_servers(ask: Ask, url: str) -> None:
    with pytest.raises(UnsupportedProtocol):
        ask("v1", lambda client: client.is_server_ready(url))


def test_model_is_ready(ask: Ask, url: str) -> None:
    assert ask("v1", lambda client: client.is_model_ready(url, "digits")) is True


def test_readiness_of_an_unknown_model_is_an_error(ask: Ask, url: str) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="nobody") as refused:
        ask("v1", lambda client: client.is_model_ready(url, "nobody"))

    assert refused.value.response.status_code == 404


def test_table_is_answered_as_on_our_own_route(
    ask: Ask, url: str, ask_own_route: AskOwnRoute
) -> None:
    rows = [{"size": 1, "colour": "red"}, {"size": 2.5, "colour": "blue"}]
    own = ask_own_route("rooms", rows)

    answer = ask("v1", lambda client: client.infer(url, {"instances": rows}, "rooms"))

    assert answer == {"predictions": [each["value"] for each in own]}


def test_columns_are_answered_as_rows_are(ask: Ask, url: str, houses: list[Any]) -> None:
    rows = houses[:5]
    columns = {name: [row[name] for row in rows] for name in rows[0]}

    of_rows = ask("v1", lambda client: client.infer(url, {"instances": rows}, "housing"))
    of_columns = ask("v1", lambda client: client.infer(url, {"inputs": columns}, "housing"))

    assert of_columns == {"outputs": of_rows["predictions"]}


def test_encoded_picture_is_answered(ask: Ask, url: str, seven_in_base64: str) -> None:
    data = {"instances": [{"b64": seven_in_base64}]}

    answer = ask("v1", lambda client: client.infer(url, data, "digits"))

    (probabilities,) = answer["predictions"]
    assert max(range(10), key=probabilities.__getitem__) == 7


def test_label_set_and_credibility_are_outputs_with_names(
    ask: Ask, url: str, seven_in_base64: str, ask_own_route: AskOwnRoute
) -> None:
    instances = [{"b64": seven_in_base64}]
    (own,) = ask_own_route("digits", instances)
    data = {"signature_name": "detailed", "instances": instances}

    answer = ask("v1", lambda client: client.infer(url, data, "digits"))

    (prediction,) = answer["predictions"]
    assert (prediction["label"], prediction["set"]) == (own["label"], own["set"])
    assert prediction["probability"] == pytest.approx(own["probability"])
    assert prediction["credibility"] == pytest.approx(own["credibility"])


def test_interval_is_an_output_with_names(
    ask: Ask, url: str, houses: list[Any], ask_own_route: AskOwnRoute
) -> None:
    (own,) = ask_own_route("housing", houses[:1])
    data = {"signature_name": "detailed", "instances": houses[:1]}

    answer = ask("v1", lambda client: client.infer(url, data, "housing"))

    (prediction,) = answer["predictions"]
    ends = own["interval"]
    assert [prediction[name] for name in ("prediction", "lower", "upper")] == pytest.approx(
        [own["value"], ends["lower"], ends["upper"]]
    )


@pytest.mark.parametrize(
    ("model", "data", "status", "sentence"),
    [
        ("nobody", {"instances": [1]}, 404, "nobody"),
        ("rooms", {}, 400, "instances"),
        ("rooms", {"instances": []}, 400, "instances"),
        ("rooms", {"instances": [{"size": 1}]}, 400, "colour"),
        ("rooms", {"instances": [{"size": "x", "colour": "red"}]}, 400, "x"),
        ("digits", {"instances": [{"b64": "!"}]}, 400, "b64|base64"),
    ],
    ids=["model", "key", "none", "input", "type", "base64"],
)
def test_client_is_told_what_is_wrong(
    ask: Ask, url: str, model: str, data: dict[str, Any], status: int, sentence: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=sentence) as refused:
        ask("v1", lambda client: client.infer(url, data, model))

    assert refused.value.response.status_code == status
    assert refused.value.response.json().keys() == {"error"}


def test_explanations_are_refused_in_words(ask: Ask, url: str) -> None:
    data = {"instances": [{"size": 1, "colour": "red"}]}

    with pytest.raises(httpx.HTTPStatusError) as refused:
        ask("v1", lambda client: client.explain(url, "rooms", data))

    assert 400 <= refused.value.response.status_code < 500
    assert refused.value.response.json().keys() == {"error"}


def test_answer_within_a_timeout_is_given(ask: Ask, url: str) -> None:
    data = {"instances": [{"size": 1, "colour": "red"}]}

    answer = ask("v1", lambda client: client.infer(url, data, "plain", timeout=30))

    assert answer["predictions"]
