"""Engines made of NumPy, and payloads made by code: no TensorFlow, no ONNX Runtime, no files."""

from collections.abc import Collection, Sequence
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from service.admission.scheduler import Scheduler
from service.errors import (
    ChangedMeanwhile,
    NotAgreed,
    NotKept,
    SourceFailed,
    VersionNotFound,
    VersionRefused,
)
from service.http.access import Access
from service.http.app import create_app
from service.keys import KeyFile
from service.rates import Rates
from service.rollout.desired import DesiredModel, Edit
from service.rollout.repository import Repository
from service.rollout.selection import select_versions
from service.rollout.served import ModelVersion, ServedModel
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.bundles import picture_manifest, table_manifest
from vitrine.engines import Tensors
from vitrine.model import Model

Answers = dict[str, NDArray[np.float32]]


def price(tensors: Tensors) -> Answers:
    """Answer ten times the size plus the colour's code; infinite for the largest sizes."""
    with np.errstate(over="ignore"):
        return {"value": np.float32(10) * tensors["size"] + tensors["colour"]}


def price_between(tensors: Tensors) -> Answers:
    """Answer as `price`, with quantiles 1 below and 2 above."""
    value = price(tensors)["value"]
    return {"value": value, "quantiles": value + np.array([-1, 2], dtype=np.float32)}


def weigh(tensors: Tensors) -> Answers:
    """Answer how much of the ink lies in the left and in the right half."""
    image = tensors["image"]
    ink = np.stack([image[:, :, :14].sum((1, 2, 3)), image[:, :, 14:].sum((1, 2, 3))], axis=1)
    with np.errstate(invalid="ignore"):  # of no ink
        return {"probabilities": ink / ink.sum(axis=1, keepdims=True)}


def weigh_all(tensors: Tensors) -> Answers:
    """Answer as `weigh`, and take a picture with more ink for a newer one."""
    return {**weigh(tensors), "novelty": tensors["image"].sum((1, 2, 3))[:, np.newaxis]}


def fail(tensors: Tensors) -> Answers:
    """Fail as only a mistake of ours would."""
    raise ZeroDivisionError("a secret")


def fail_on_large(tensors: Tensors) -> Answers:
    """Fail as `fail` does, from the first row on that has a size of 1000 or more."""
    return fail(tensors) if (tensors["size"] >= 1000).any() else price(tensors)


def fake_repository() -> Repository:
    """Return a table model in versions 1 and 2, a picture model, and ones that fail."""
    return Repository(
        {
            "rooms": {n: Model(table_manifest("rooms", n), price) for n in (1, 2)},
            "strokes": {1: Model(picture_manifest(), weigh)},
            "broken": {1: Model(table_manifest("broken"), fail)},
            "fragile": {1: Model(table_manifest("fragile"), fail_on_large)},
        }
    )


class FakeControlPlane:
    """Serves at once what is desired of a fake repository's models; knows a third, bad version.

    Args:
        repository: The models.
        by_number: Versions that answer only requests that name them.
    """

    def __init__(self, repository: Repository, by_number: Collection[ModelVersion] = ()) -> None:
        self._repository = repository
        self._by_number = by_number
        self._desired: dict[str, DesiredModel] = {}

    def available(self, name: str) -> list[int]:
        """List versions, as if a store had them."""
        return [1, 2, 3] if name == "rooms" else [1]

    def by_number(self, name: str, versions: Sequence[int]) -> set[int]:
        """Return those of the versions that were named at the start."""
        return {version for version in versions if (name, version) in self._by_number}

    def load(self, name: str) -> ServedModel:
        """Find the bad version, or fail as a source or a disk may."""
        if name == "fragile":
            raise SourceFailed("s3://somewhere cannot be reached.")
        if name == "strokes-full":
            raise NotKept("No space left on device")
        if name == "rooms":
            raise VersionRefused(name, 3, "model.onnx is missing.")
        return self.change(name, lambda model: msgspec.structs.replace(model, loaded=True))

    def change(self, name: str, edit: Edit) -> ServedModel:
        """Serve what is desired, but for the model that some worker never serves."""
        if name == "broken":
            raise NotAgreed(60.0)
        if name == "popular":
            raise ChangedMeanwhile
        self._repository.entry(name)
        desired = edit(self._desired.get(name, DesiredModel()))
        for version in desired.named - {1, 2}:
            raise VersionNotFound(name, version, [1, 2])
        self._desired[name] = desired
        models = {
            (of, version): model
            for of, versions in fake_repository().models.items()
            for version, model in versions.items()
        }
        served = {of: self._select(of, [v for what, v in models if what == of]) for of, _ in models}
        self._repository.swap(served, models)
        return served[name]

    def _select(self, name: str, available: Sequence[int]) -> ServedModel:
        return select_versions(
            self._desired.get(name, DesiredModel()),
            available,
            {3: "model.onnx is missing."} if name == "rooms" else {},
            policy="all",
            by_number=self.by_number(name, available),
        )


class Client(FlaskClient):
    """Reads every answer to its end and closes it, as a server does."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Send a request."""
        return super().open(*args, buffered=True, **options)


def metrics_of(registry: CollectorRegistry, *models: Model) -> Metrics:
    """Return metrics that show these models, each the only version of its name."""
    metrics = Metrics(registry)
    Repository({model.name: {model.version: model} for model in models}).watch(metrics.show)
    return metrics


def client_of(
    repository: Repository,
    registry: CollectorRegistry,
    settings: Settings | None = None,
    scheduler: Scheduler | None = None,
) -> FlaskClient:
    """Return a client of an application over these models."""
    metrics, control_plane = Metrics(registry), FakeControlPlane(repository)
    app = create_app(settings or Settings(), repository, metrics, control_plane, scheduler)
    app.test_client_class = Client
    return app.test_client()


def guard(keys: KeyFile, registry: CollectorRegistry, settings: Settings | None = None) -> Flask:
    """Return an application over fake models that asks for keys, with rates of its own."""
    settings, repository = settings or Settings(), fake_repository()
    rates = Rates(memoryview(bytearray(Rates.BYTES)))
    app = create_app(
        settings,
        repository,
        Metrics(registry),
        FakeControlPlane(repository),
        access=Access(keys, rates=rates),
    )
    app.test_client_class = Client
    return app


def picture(*, left: bool = True, kind: str = "PNG", scale: int = 1) -> bytes:
    """Draw a bar that has most of its ink on one side, as a file."""
    pixels = np.zeros((28, 28), dtype=np.uint8)
    # In MNIST's geometry already: 20 pixels high, its centre of mass in the middle.
    pixels[4:24, 12:14] = 255
    pixels[13:15, 14:22] = 255
    if not left:
        pixels = pixels[:, ::-1]
    stream = BytesIO()
    Image.fromarray(pixels).resize((28 * scale, 28 * scale)).save(stream, kind)
    return stream.getvalue()


def blank_picture() -> bytes:
    """Draw nothing, as a file."""
    stream = BytesIO()
    Image.new("L", (28, 28)).save(stream, "PNG")
    return stream.getvalue()


def levels(height: int = 28, width: int = 28) -> list[list[int]]:
    """Draw a bar in nested lists."""
    pixels = np.zeros((height, width), dtype=int)
    pixels[height // 8 : -height // 8, width // 2 - 2 : width // 2 + 2] = 255
    rows: list[list[int]] = pixels.tolist()
    return rows


def table(rows: int, *, bad: Sequence[int] = ()) -> bytes:
    """Write rows of size and colour as CSV; those in `bad` have a text for their size."""
    lines = [f"{'x' if row in bad else row % 1000},red" for row in range(rows)]
    return ("size,colour\n" + "".join(f"{line}\n" for line in lines)).encode()
