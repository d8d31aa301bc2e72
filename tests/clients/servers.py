"""The servers that the clients talk to, and the models that they serve."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.bundles import (
    write_anomaly_bundle,
    write_half_plus_two_bundle,
    write_labels_bundle,
    write_picture_bundle,
    write_table_bundle,
)
from tests.servers import ROOT, Server, serving

# Environment variables by their names, for the tests of a client.
Addresses = Mapping[str, str]

# Those that Vertex AI gives a container for which its user names no others.
_VERTEX_ROUTES = {
    "AIP_HEALTH_ROUTE": "/v1/endpoints/123/deployedModels/456",
    "AIP_PREDICT_ROUTE": "/v1/endpoints/123/deployedModels/456:predict",
}


@contextmanager
def serving_all(folder: Path) -> Iterator[Addresses]:
    """Serve the shipped models and small ones of every task, by two workers.

    Where a request names no model, `housing` answers; at `DIGITS_URL`, where a service was started
    as Vertex AI starts containers, `digits` does.

    Args:
        folder: An empty folder.
    """
    models = folder / "models"
    _write_models(models)
    with (
        serving(models=models, workers=2, versions="all", default_model="housing") as server,
        _serving_as_vertex_ai_does(models) as vertex,
    ):
        yield {
            "SERVER_URL": server.url,
            "MODELS": str(models),
            "DIGITS_URL": vertex.url,
            **_VERTEX_ROUTES,
        }


def _serving_as_vertex_ai_does(models: Path) -> AbstractContextManager[Server]:
    return serving(
        environment={"AIP_MODE": "PREDICTION", **_VERTEX_ROUTES},
        models=models,
        workers=1,
        default_model="digits",
    )


def _write_models(models: Path) -> None:
    shutil.copytree(ROOT / "models", models)
    write_table_bundle(models, "rooms", 1, calibrated=True)
    write_table_bundle(models, "rooms", 2, calibrated=True, more=100.0)
    write_table_bundle(models, "plain", more=0.5)
    write_picture_bundle(models, calibrated=True)
    write_labels_bundle(models)
    write_half_plus_two_bundle(models, 123)
    write_half_plus_two_bundle(models, 123, name="half_plus_three", added=3.0)
    write_anomaly_bundle(models)
    # A client loads and unloads this one, while the others use theirs.
    write_table_bundle(models, "spare")
    # What a client counts of this one, nobody else asks for.
    write_table_bundle(models, "counted")
