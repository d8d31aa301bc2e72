"""Requests as Amazon SageMaker sends them to a container: its documented contract, by plain HTTP.

References:
    Amazon SageMaker AI Developer Guide, "Custom Inference Code with Hosting Services" and "... with
    Batch Transform".
"""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

_EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def csv() -> str:
    """Houses with a header."""
    return (_EXAMPLES / "houses.csv").read_text()


def test_ping_is_answered_with_nothing_but_200(url: str) -> None:
    answer = requests.get(f"{url}/ping", timeout=2)

    assert answer.status_code == 200
    assert answer.text.strip() == ""


@pytest.mark.parametrize("has_header", [True, False], ids=["header", "no header"])
def test_csv_is_answered_with_or_without_its_header(
    url: str, csv: str, has_header: bool, ask_own_route: Any, houses: list[Any]
) -> None:
    own = ask_own_route("housing", houses)
    body = csv if has_header else csv.split("\n", 1)[1]

    answer = requests.post(
        f"{url}/invocations", body, headers={"Content-Type": "text/csv"}, timeout=60
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == own


def test_answer_is_csv_where_csv_is_accepted(url: str, csv: str, houses: list[Any]) -> None:
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}

    answer = requests.post(f"{url}/invocations", csv, headers=headers, timeout=60)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/csv")
    header, *rows = answer.text.strip().splitlines()
    assert header.startswith("prediction")
    assert len(rows) == len(houses)


def test_first_line_with_other_columns_is_refused(url: str) -> None:
    answer = requests.post(
        f"{url}/invocations", "1,2\n3,4\n", headers={"Content-Type": "text/csv"}, timeout=60
    )

    assert answer.status_code in {400, 422}
    assert answer.json()["error_code"]


def test_json_is_answered(url: str, houses: list[Any]) -> None:
    answer = requests.post(f"{url}/invocations", json={"instances": houses}, timeout=60)

    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == len(houses)


@pytest.mark.parametrize("media_type", ["image/png", "application/x-image"])
def test_picture_is_answered(digits_url: str, seven: bytes, media_type: str) -> None:
    answer = requests.post(
        f"{digits_url}/invocations", seven, headers={"Content-Type": media_type}, timeout=60
    )

    assert answer.status_code == 200, answer.text
    assert [each["label"] for each in answer.json()["predictions"]] == ["7"]


def test_custom_attributes_are_handed_through(url: str, houses: list[Any]) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "trace=42"}

    answer = requests.post(
        f"{url}/invocations", json={"instances": houses}, headers=headers, timeout=60
    )

    assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == "trace=42"


def test_batch_transform_is_told_what_it_may_send(url: str) -> None:
    parameters = requests.get(f"{url}/execution-parameters", timeout=10).json()

    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    assert parameters["MaxConcurrentTransforms"] >= 1
    assert parameters["MaxPayloadInMB"] >= 1


def test_what_batch_transform_may_send_is_answered(url: str, csv: str) -> None:
    megabytes = requests.get(f"{url}/execution-parameters", timeout=10).json()["MaxPayloadInMB"]
    row = csv.splitlines()[1]
    rows = min(megabytes, 6) * 10**6 // (len(row) + 1)

    answer = requests.post(
        f"{url}/invocations",
        f"{row}\n" * rows,
        headers={"Content-Type": "text/csv", "Accept": "application/json"},
        timeout=120,
    )

    assert answer.status_code == 200, answer.text[:200]
    assert len(answer.json()["predictions"]) == rows


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/xml"}, "<a/>", 415),
        ({"Content-Type": "text/csv; charset=latin-1"}, "a", 415),
        ({"Content-Type": "application/json"}, "", 400),
        ({"Content-Type": "application/json"}, "nothing", 400),
        ({"Content-Type": "text/csv"}, "", 400),
    ],
    ids=["type", "charset", "no JSON", "malformed JSON", "no CSV"],
)
def test_wrong_request_is_refused(
    url: str, headers: dict[str, str], body: str, status: int
) -> None:
    answer = requests.post(f"{url}/invocations", body, headers=headers, timeout=60)

    assert answer.status_code == status
    assert answer.text
    if status == 400:
        assert json.loads(answer.text)["message"]
