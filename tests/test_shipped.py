"""What the shipped models promise, at small size."""

import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

import vitrine
from service.rollout.trial_records import TrialRecords
from service.settings import Settings
from tests import non_digits
from tests.servers import ROOT
from vitrine import bundle
from vitrine.bundle import Manifest
from vitrine.loading import load_version
from vitrine.model import Model
from vitrine.predictions import TrustOptions
from vitrine.signature import Instances

MODELS = ROOT / "models"


def manifest_of(name: str) -> Manifest:
    return bundle.read_manifest(MODELS / name / str(bundle.versions(MODELS, name)[-1]))


@pytest.fixture(scope="module")
def digits() -> Model:
    """The shipped model of digits."""
    return load_version(MODELS / "digits" / str(manifest_of("digits").version), threads=1)


def pictures(drawn: Iterator[NDArray[np.uint8]]) -> Instances:
    """Return pictures as they come out of their files."""
    decoded = [picture.reshape(*picture.shape[:2], -1) for picture in drawn]
    instances = np.empty(len(decoded), dtype=object)
    for place, picture in enumerate(decoded):
        instances[place] = picture
    return {"image": instances}


def credibility(model: Model, instances: Instances) -> NDArray[np.float64]:
    confidence = model.predict(instances, TrustOptions(coverage=0.9)).confidence
    assert confidence is not None
    assert confidence.credibility is not None
    return confidence.credibility


@pytest.mark.parametrize(
    "draw",
    [
        partial(non_digits.uniform_noise, 40, seed=5),
        partial(non_digits.dots, 40, seed=6),
        partial(non_digits.scribbles, 40, seed=7),
    ],
    ids=["noise", "dots", "scribbles"],
)
def test_pictures_of_no_digit_are_not_credible(
    digits: Model, draw: Callable[[], Iterator[NDArray[np.uint8]]]
) -> None:
    assert (credibility(digits, pictures(draw())) < 0.05).mean() >= 0.95


def test_drawn_digits_are_credible(digits: Model) -> None:
    golden, _ = bundle.read_golden(MODELS / "digits" / str(digits.version))

    assert (credibility(digits, golden) >= 0.05).mean() >= 0.75


@pytest.mark.parametrize(
    ("name", "least"), [("digits", 5000), ("fashion", 5000), ("housing", 2000)]
)
def test_enough_instances_calibrate(name: str, least: int) -> None:
    manifest = manifest_of(name)

    assert manifest.calibration is not None
    assert len(manifest.calibration.scores) == manifest.origin.split["calibration"] >= least


def test_prototypes_take_less_than_a_megabyte(digits: Model) -> None:
    network = onnx.load(str(MODELS / "digits" / str(digits.version) / bundle.ONNX_NAME))
    matrices = {
        name: array.nbytes
        for name, array in (
            (tensor.name, numpy_helper.to_array(tensor)) for tensor in network.graph.initializer
        )
        if "prototypes" in name
    }

    assert len(matrices) == 1
    assert sum(matrices.values()) < 10**6


@pytest.mark.parametrize("name", ["digits", "fashion", "housing"])
def test_card_states_what_was_covered_and_the_margin(name: str) -> None:
    card = (MODELS / name / str(manifest_of(name).version) / "CARD.md").read_text()

    assert "## How far to trust it" in card
    assert "| 90.0% |" in card
    assert "points |" in card


@pytest.mark.parametrize("name", ["digits", "fashion", "housing"])
def test_report_of_a_version_is_listed_whole(name: str) -> None:
    manifest = manifest_of(name)
    folder = MODELS / name / str(manifest.version)

    assert manifest.report == bundle.describe_report(folder)
    assert {"CARD.md", "history.csv", "plots/loss.png"} < manifest.report.keys()
    plots = re.findall(r"\]\((plots/[^)]+)\)", (folder / bundle.CARD_NAME).read_text())
    assert manifest.report.keys() == {"CARD.md", "history.csv", *plots}


@pytest.mark.parametrize("name", ["digits", "fashion", "housing"])
def test_version_is_a_model_of_mlflow_too(name: str) -> None:
    manifest = manifest_of(name)
    path = MODELS / name / str(manifest.version) / bundle.MLMODEL_NAME

    assert manifest.files[bundle.MLMODEL_NAME] == bundle.describe_file(path)
    assert "loader_module: vitrine.mlflow_loader\n" in path.read_text()
    assert "code:" not in path.read_text()


def test_clothes_are_told_apart_as_promised() -> None:
    manifest = manifest_of("fashion")

    assert manifest.scores["test"]["accuracy"] >= 0.93
    assert manifest.signature.picture is not None
    assert manifest.signature.picture.geometry == "fashion"


HOUSES = (
    "longitude;latitude;housing_median_age;total_rooms;total_bedrooms;population;households;"
    "median_income;ocean_proximity\n"
    "-122.27;37.8;41;1840;402;930;388;4.12;NEAR BAY\n"
    "-118.31;34.05;36;1620;455;1510;431;2.61;<1H OCEAN\n"
    "-119.8;36.75;22;2480;530;1405;505;2.95;INLAND\n"
)


def with_notes(notes: str, *, name: str) -> bytes:
    """Put columns that are no input at the end of each line."""
    header, *lines = HOUSES.splitlines()
    return "\n".join([f"{header};{name}", *(f"{line};{notes}" for line in lines)]).encode("cp1252")


@pytest.mark.parametrize(
    "body",
    [
        f"sep=;\r\n{HOUSES}".encode(),
        f"Houses of 1990\n# Source: census\n\n{HOUSES}".encode(),
        ("\ufeff" + HOUSES.replace(";", "\t")).encode("utf-16-le"),
        with_notes("near café \u2013 2 km", name="note"),
        with_notes("a;b", name="note;note"),
        with_notes("Größe", name="Straße"),
    ],
    ids=["sep", "title", "unicode text", "other bytes", "repeated columns", "name in other bytes"],
)
def test_files_of_other_people_have_the_predictions_of_plain_ones(body: bytes) -> None:
    housing = vitrine.load(MODELS / "housing")

    assert [row["value"] for row in housing.predict(body)] == [
        row["value"] for row in housing.predict(HOUSES.encode())
    ]


@pytest.mark.parametrize(("name", "most"), [("digits", 42), ("fashion", 45), ("housing", 77)])
def test_graphs_are_optimised_and_have_operations_of_onnx_alone(name: str, most: int) -> None:
    graph = onnx.load(MODELS / name / str(manifest_of(name).version) / bundle.ONNX_NAME)

    assert len(graph.graph.node) <= most
    assert {each.domain for each in graph.opset_import} == {""}


@pytest.mark.parametrize("name", ["digits", "fashion", "housing"])
def test_shipped_models_need_no_trial_at_the_start(name: str) -> None:
    records = TrialRecords(
        ROOT / "absent.json",
        shipped=ROOT / Settings().tried,
        max_bytes=Settings().max_version_bytes,
    )

    # `vitrine try models` writes the file anew.
    assert all(
        records.knows(bundle.manifest_digest(MODELS / name / str(version)))
        for version in bundle.versions(MODELS, name)
    )
