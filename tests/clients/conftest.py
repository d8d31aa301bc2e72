"""What the tests of every client are given."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

# Asks our own route: given a model and its instances in JSON, returns its answer.
AskOwnRoute = Callable[[str, list[Any]], Any]

_EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def url() -> str:
    """Where the service listens, without a slash at its end."""
    return os.environ["SERVER_URL"]


@pytest.fixture(scope="session")
def digits_url() -> str:
    """Where another service listens, in which `digits` answers where a request names no model."""
    return os.environ["DIGITS_URL"]


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the models that are served."""
    return Path(os.environ["MODELS"])


@pytest.fixture(scope="session")
def seven() -> bytes:
    """A picture of a seven, as a PNG file."""
    return (_EXAMPLES / "seven.png").read_bytes()


@pytest.fixture(scope="session")
def seven_in_base64(seven: bytes) -> str:
    """The same in base64."""
    return base64.b64encode(seven).decode()


@pytest.fixture(scope="session")
def houses() -> list[dict[str, Any]]:
    """The rows of the example, as instances of the model `housing`."""
    header, *lines = (_EXAMPLES / "houses.csv").read_text().splitlines()
    names = header.split(",")
    return [
        {name: _cell(text) for name, text in zip(names, line.split(","), strict=True)}
        for line in lines
    ]


def _cell(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text


@pytest.fixture(scope="session")
def ask_own_route(url: str) -> AskOwnRoute:
    """Return what our own route answers, which every language must agree with."""

    def ask(model: str, instances: list[Any]) -> Any:
        body = json.dumps({"instances": instances}).encode()
        request = Request(  # noqa: S310 - the address is ours
            f"{url}/models/{model}/predict?top=all", body, {"Content-Type": "application/json"}
        )
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)["predictions"]

    return ask
