"""The servers that the clients talk to, and the models that they serve."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bundles import (
    write_anomaly_bundle,
    write_labels_bundle,
    write_picture_bundle,
    write_table_bundle,
)
from tests.servers import ROOT, serving

# Environment variables by their names, for the tests of a client.
Addresses = Mapping[str, str]


@contextmanager
def serving_all(folder: Path) -> Iterator[Addresses]:
    """Serve the shipped models and small ones of every task, by two workers.

    Args:
        folder: An empty folder.
    """
    models = folder / "models"
    _write_models(models)
    with serving(models=models, workers=2, versions="all", default_model="housing") as server:
        yield {"SERVER_URL": server.url, "MODELS": str(models)}


def _write_models(models: Path) -> None:
    shutil.copytree(ROOT / "models", models)
    write_table_bundle(models, "rooms", 1, calibrated=True)
    write_table_bundle(models, "rooms", 2, calibrated=True, more=100.0)
    write_table_bundle(models, "plain", more=0.5)
    write_picture_bundle(models, calibrated=True)
    write_labels_bundle(models)
    write_anomaly_bundle(models)
    # A client loads and unloads this one, while the others use theirs.
    write_table_bundle(models, "spare")
    # What a client counts of this one, nobody else asks for.
    write_table_bundle(models, "counted")
