"""The servers that the clients talk to, and the models that they serve."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from service.keys import Key, hash_secret, make_secret, write_keys
from tests.bundles import (
    write_anomaly_bundle,
    write_half_plus_two_bundle,
    write_labels_bundle,
    write_picture_bundle,
    write_table_bundle,
)
from tests.servers import ROOT, Server, serving

# What stands in a line of a log if the service itself failed.
_FAILURE = '"traceback"'

# Environment variables by their names, for the tests of a client.
Addresses = Mapping[str, str]

# Those that Vertex AI gives a container for which its user names no others.
_VERTEX_ROUTES = {
    "AIP_HEALTH_ROUTE": "/v1/endpoints/123/deployedModels/456",
    "AIP_PREDICT_ROUTE": "/v1/endpoints/123/deployedModels/456:predict",
}


# The second may also change what is served; the third may ask once in a quarter of an hour.
_KEYS = {name: make_secret() for name in ("PREDICT_KEY", "MANAGE_KEY", "SLOW_KEY")}


def failures(folder: Path) -> list[str]:
    """Return the lines of the logs that tell of failures of the service itself."""
    lines = [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]
    return [line for line in lines if _FAILURE in line]


@contextmanager
def serving_all(folder: Path) -> Iterator[Addresses]:
    """Serve the shipped models and small ones of every task, by two workers.

    Where a request names no model, `housing` answers; at `DIGITS_URL`, where a service was started
    as Vertex AI starts containers, `digits`, the only model there, as it is at `KSERVE_URL`, where
    KServe's runtime started one. At `KEYED_URL`, clients need one of three keys; at `FUZZED_URL`
    too, where nobody else misses what is unloaded.

    Args:
        folder: An empty folder, which also takes the logs.
    """
    models = folder / "models"
    _write_models(models)
    with (
        _serving_everything(models, folder / "everything.log") as server,
        _serving_as_vertex_ai_does(folder) as vertex,
        _serving_as_kserve_does(folder) as runtime,
        _serving_with_keys(folder) as keyed,
        _serving_to_fuzz(folder) as fuzzed,
    ):
        yield {
            "SERVER_URL": server.url,
            "MODELS": str(models),
            "DIGITS_URL": vertex.url,
            **_VERTEX_ROUTES,
            "KSERVE_URL": runtime.url,
            "KEYED_URL": keyed.url,
            "FUZZED_URL": fuzzed.url,
            **_KEYS,
        }


def _serving_everything(models: Path, log: Path) -> AbstractContextManager[Server]:
    return serving(log=log, models=models, workers=2, versions="all", default_model="housing")


def _serving_as_vertex_ai_does(folder: Path) -> AbstractContextManager[Server]:
    models = folder / "only"
    shutil.copytree(ROOT / "models/digits", models / "digits")
    return serving(
        log=folder / "vertex.log",
        port_variable="AIP_HTTP_PORT",
        environment={"AIP_MODE": "PREDICTION", **_VERTEX_ROUTES},
        models=models,
        workers=1,
    )


def _serving_as_kserve_does(folder: Path) -> AbstractContextManager[Server]:
    """Serve one model from a folder of another name, with the environment of the runtime."""
    manifest = yaml.safe_load((ROOT / "deploy/kubernetes/kserve/runtime.yaml").read_text())
    (container,) = manifest["spec"]["containers"]
    stated = {each["name"]: each["value"] for each in container["env"]}
    models = folder / stated.pop("VITRINE_MODELS").lstrip("/")
    shutil.copytree(ROOT / "models/digits", models)
    # On this machine, the port that it states may be another program's.
    del stated["VITRINE_HOST"], stated["VITRINE_PORT"]
    return serving(log=folder / "runtime.log", environment=stated, models=models)


def _serving_with_keys(folder: Path) -> AbstractContextManager[Server]:
    models, file = folder / "few", folder / "keys.json"
    write_table_bundle(models, "plain", more=0.5)
    hashes = {name: hash_secret(secret) for name, secret in _KEYS.items()}
    keys = [
        Key(name="anybody", sha256=hashes["PREDICT_KEY"]),
        Key(name="manager", sha256=hashes["MANAGE_KEY"], role="manage"),
        Key(name="slow", sha256=hashes["SLOW_KEY"], rate=0.001, burst=1),
    ]
    write_keys(file, keys)
    return serving(log=folder / "keyed.log", models=models, workers=2, keys=file)


def _serving_to_fuzz(folder: Path) -> AbstractContextManager[Server]:
    return serving(
        log=folder / "fuzzed.log",
        models=ROOT / "models",
        workers=1,
        keys=folder / "keys.json",
        default_model="housing",
        # Bodies at this limit are made, and pictures take their time.
        max_instances=50,
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
