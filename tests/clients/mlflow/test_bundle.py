"""A bundle is a model of MLflow: it can be loaded, and served by MLflow's own server."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

AskOwnRoute = Callable[[str, list[Any]], Any]

_ROOT = Path(__file__).parents[3]
_START_SECONDS = 90


def test_bundle_names_its_loader_and_signature() -> None:
    model = Model.load(str(_ROOT / "models/housing/1"))

    flavor = model.flavors["python_function"]
    assert flavor["loader_module"].startswith("vitrine.")
    assert "code" not in flavor
    assert model.signature is not None
    types = {column.name: column.type.name for column in model.signature.inputs}
    assert types["longitude"] == types["total_bedrooms"] == "double"
    assert types["ocean_proximity"] == "string"


def test_loaded_table_model_predicts_as_the_service_does(
    houses: list[Any], ask_own_route: AskOwnRoute
) -> None:
    own = ask_own_route("housing", houses)

    model = mlflow.pyfunc.load_model(str(_ROOT / "models/housing/1"))

    assert model.predict(pd.DataFrame(houses)) == own


@pytest.mark.parametrize("model", ["digits", "fashion"])
def test_loaded_picture_model_predicts_as_the_service_does(
    model: str, ask_own_route: AskOwnRoute
) -> None:
    pictures = np.zeros((2, 28, 28, 1), dtype=np.uint8)
    pictures[0, 4:24, 12:15] = 255
    pictures[1, 4:24, 6:9] = 255
    own = ask_own_route(model, pictures.tolist())

    loaded = mlflow.pyfunc.load_model(str(_ROOT / "models" / model / "1"))

    assert loaded.predict(pictures) == own


def test_loaded_model_takes_picture_files(seven: bytes) -> None:
    model = mlflow.pyfunc.load_model(str(_ROOT / "models/digits/1"))

    (prediction,) = model.predict(pd.DataFrame({"image": [seven]}), params={"coverage": 0.95})

    assert prediction["label"] == "7"


def test_loaded_model_says_what_is_wrong(houses: list[Any]) -> None:
    model = mlflow.pyfunc.load_model(str(_ROOT / "models/housing/1"))

    with pytest.raises(MlflowException, match="latitude"):
        model.predict(pd.DataFrame(houses).drop(columns=["latitude"]))


@pytest.fixture(scope="module")
def server() -> Iterator[ScoringServerClient]:
    """MLflow's own server of the model `housing`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
        *("--model-uri", "models/housing/1", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1"),
    ]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(command, cwd=_ROOT, env={**os.environ, "PATH": path})
    try:
        client = ScoringServerClient("127.0.0.1", port)
        client.wait_server_ready(timeout=_START_SECONDS, scoring_server_proc=process)
        yield client
    finally:
        process.terminate()
        process.wait(30)


def test_mlflow_serves_a_bundle_as_the_service_does(
    server: ScoringServerClient, houses: list[Any], ask_own_route: AskOwnRoute
) -> None:
    answer = server.invoke(pd.DataFrame(houses))

    assert answer["predictions"] == ask_own_route("housing", houses)
