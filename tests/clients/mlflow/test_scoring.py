"""MLflow's client of a scoring server, pointed at the service."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

AskOwnRoute = Callable[[str, list[Any]], Any]


@pytest.fixture
def client(url: str) -> ScoringServerClient:
    """A client of the service, whose default model is `housing`."""
    return _client(url)


def _client(url: str) -> ScoringServerClient:
    address = urlsplit(url)
    return ScoringServerClient(address.hostname, address.port)


@pytest.fixture
def own(ask_own_route: AskOwnRoute, houses: list[Any]) -> Any:
    """What our own route answers for the houses: values, intervals and warnings."""
    return ask_own_route("housing", houses)


def test_server_is_up(client: ScoringServerClient) -> None:
    client.ping()
    client.wait_server_ready(timeout=10)


def test_version_is_a_version(client: ScoringServerClient) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", client.get_version())


def test_data_frame_with_a_blank_is_answered_as_on_our_own_route(
    client: ScoringServerClient, houses: list[Any], own: list[Any]
) -> None:
    assert client.invoke(pd.DataFrame(houses))["predictions"] == own


def test_columns_may_come_in_any_order_and_more_of_them(
    client: ScoringServerClient, houses: list[Any], own: list[Any]
) -> None:
    frame = pd.DataFrame(houses)
    frame = frame[sorted(frame.columns, reverse=True)].assign(note="mine")

    assert client.invoke(frame)["predictions"] == own


def test_index_of_a_data_frame_changes_nothing(
    client: ScoringServerClient, houses: list[Any], own: list[Any]
) -> None:
    frame = pd.DataFrame(houses, index=[f"house {n}" for n in range(len(houses))])

    assert client.invoke(frame)["predictions"] == own


def test_whole_numbers_of_a_data_frame_are_taken(
    client: ScoringServerClient, houses: list[Any], own: list[Any]
) -> None:
    frame = pd.DataFrame(houses[:5]).astype({"total_rooms": int, "population": int})

    assert client.invoke(frame)["predictions"] == own[:5]


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_every_form_of_json_is_answered_as_on_our_own_route(
    client: ScoringServerClient, houses: list[Any], own: list[Any], form: str
) -> None:
    columns = list(houses[0])
    forms = {
        "dataframe_split": {
            "columns": columns,
            "data": [[house[name] for name in columns] for house in houses],
        },
        "dataframe_records": houses,
        "instances": houses,
        "inputs": {name: [house[name] for house in houses] for name in columns},
    }

    assert client.invoke(json.dumps({form: forms[form]}))["predictions"] == own


def test_answer_is_a_data_frame_for_its_client(
    client: ScoringServerClient, houses: list[Any], own: list[Any]
) -> None:
    frame = client.invoke(pd.DataFrame(houses)).get_predictions()

    assert frame["value"].tolist() == [each["value"] for each in own]
    assert frame["interval"].tolist() == [each["interval"] for each in own]


def test_params_choose_the_coverage(client: ScoringServerClient, houses: list[Any]) -> None:
    frame = pd.DataFrame(houses[:1])

    widths = []
    for coverage in (0.5, 0.9):
        (prediction,) = client.invoke(frame, params={"coverage": coverage})["predictions"]
        assert prediction["interval"]["coverage"] == coverage
        widths.append(prediction["interval"]["upper"] - prediction["interval"]["lower"])

    assert widths[0] < widths[1]


def test_arrays_of_pictures_are_answered_as_on_our_own_route(
    digits_url: str, ask_own_route: AskOwnRoute
) -> None:
    pictures = np.zeros((2, 28, 28, 1), dtype=np.uint8)
    pictures[0, 4:24, 12:15] = 255
    pictures[1, 4:24, 6:9] = 255
    own = ask_own_route("digits", pictures.tolist())

    assert _client(digits_url).invoke(pictures)["predictions"] == own


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "exactly one"),
        ({"instances": [], "inputs": []}, "exactly one"),
        ([1, 2], "JSON"),
        ("{", "JSON"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]]}}, "longitude"),
        ({"dataframe_split": {"columns": ["a"]}}, "data"),
        ({"dataframe_split": [1]}, "must be a dictionary"),
        ({"dataframe_records": {"a": 1}}, "must be a list"),
        ({"instances": [[1, 2]]}, "."),
        ({"inputs": {"longitude": [1, 2], "latitude": [1]}}, "not the same"),
        ({"instances": [{}], "signature_name": "x"}, "signature_name"),
        ({"instances": [{}], "params": [1]}, "params"),
        ({"instances": [{}], "params": {"warmth": 1}}, "warmth"),
    ],
    ids=range(13),
)
def test_client_is_told_what_is_wrong(
    client: ScoringServerClient, body: Any, sentence: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)

    with pytest.raises(Exception, match=sentence) as refused:
        client.invoke(text)

    found = re.search(r"error code (\d+), response: (.*)\)$", str(refused.value), flags=re.DOTALL)
    assert found is not None, str(refused.value)
    assert found[1] == "400"
    answer = json.loads(found[2])
    assert answer["error_code"]
    assert answer["message"]
