"""Whether what comes in looks like what was trained on: bins, one distance, over HTTP too."""

from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from tests.bundles import (
    anomaly_manifest,
    calibrated_repository,
    picture_manifest,
    table_manifest,
)
from tests.fakes import Answers, blank_picture, client_of, picture
from vitrine import drift
from vitrine.bundle import Manifest, Reference
from vitrine.drift import DRIFTED, Bins, Drift, Feature, Verdict, population_stability_index
from vitrine.engines import Tensors
from vitrine.model import Model

ROOMS = "/models/rooms/predict"
STROKES = "/models/strokes/predict"


def counts(*numbers: int) -> NDArray[np.int64]:
    """Return counts by bin."""
    return np.array(numbers, dtype=np.int64)


def test_index_is_what_a_hand_works_out() -> None:
    # Shares of a half each against 3.5 / 4 and 0.5 / 4.
    index = population_stability_index(counts(1, 1), counts(3, 0))

    assert index == pytest.approx(0.375 * np.log(1.75) - 0.375 * np.log(0.25))


@pytest.mark.parametrize(
    ("expected", "found"),
    [((7, 0, 2), (7, 0, 2)), ((5, 5), (500, 500)), ((0, 0, 0), (0, 0, 0))],
    ids=["the same", "as even", "nothing"],
)
def test_index_of_equal_distributions_is_nothing(
    expected: tuple[int, ...], found: tuple[int, ...]
) -> None:
    assert population_stability_index(counts(*expected), counts(*found)) == 0


def test_index_of_proportional_counts_is_next_to_nothing() -> None:
    index = population_stability_index(counts(1000, 3000, 6000), counts(100, 300, 600))

    assert 0 <= index < 1e-4


@pytest.mark.parametrize(
    ("expected", "found"),
    [((10**9, 0), (0, 10**9)), ((5, 5), (0, 0)), ((0, 0), (5, 5)), ((0, 9), (9, 9))],
    ids=["all elsewhere", "nothing found", "nothing expected", "an empty bin"],
)
def test_index_is_finite_and_the_same_from_either_side(
    expected: tuple[int, ...], found: tuple[int, ...]
) -> None:
    index = population_stability_index(counts(*expected), counts(*found))

    assert np.isfinite(index)
    assert index >= 0
    assert index == pytest.approx(population_stability_index(counts(*found), counts(*expected)))


def test_feature_of_many_bins_is_not_judged_by_what_chance_moves() -> None:
    rng = np.random.default_rng(0)
    even = np.full(200, 1 / 200)
    reference = Reference(edges=None, counts=(0, 0, *rng.multinomial(20_000, even).tolist()))
    feature = Feature("town", ("blank", *map(str, range(201))), reference)

    few, many = (
        feature.compare(np.array([0, 0, *rng.multinomial(count, even)])) for count in (500, 5_000)
    )

    assert few.index > DRIFTED
    assert (few.verdict, many.verdict) == ("too few", "stable")


@pytest.mark.parametrize(
    ("index", "more_blanks", "values", "instances", "expected"),
    [
        (0.0, 0.0, 0, 0, "too few"),
        (9.0, 0.9, 499, 499, "too few"),
        (0.0, 0.0, 500, 500, "stable"),
        (0.0999, 0.0999, 500, 10**6, "stable"),
        (0.1, 0.0, 500, 500, "shifted"),
        (0.2499, 0.0, 10**6, 10**6, "shifted"),
        (0.25, 0.0, 500, 500, "drifted"),
        (9.0, 0.0, 499, 500, "too few"),
        (0.0, 0.1, 500, 600, "shifted"),
        (0.0, -0.1, 500, 500, "shifted"),
        (0.1, 0.25, 500, 700, "drifted"),
        (9.0, 1.0, 0, 500, "drifted"),
    ],
    ids=str,
)
def test_verdict_changes_at_the_usual_marks(
    index: float, more_blanks: float, values: int, instances: int, expected: Verdict
) -> None:
    found = Drift(index=index, more_blanks=more_blanks, values=values, instances=instances)

    assert found.verdict == expected


def test_blanks_are_told_apart_from_values() -> None:
    manifest = with_reference(table_manifest(), size=Reference(edges=(1.0,), counts=(60, 30, 10)))

    found = Bins(manifest).features[0].compare(counts(400, 200, 600))

    assert found.index < 1e-4
    assert found.more_blanks == pytest.approx(0.4)
    assert (found.values, found.instances, found.verdict) == (600, 1200, "drifted")


def test_numbers_are_in_the_bin_that_begins_at_its_edge() -> None:
    values = np.array([-np.inf, 0.9, 1.0, 1.5, 2.0, 3.0, np.inf, np.nan], dtype=np.float32)

    assert drift.bin_indices(values, (1.0, 2.0)).tolist() == [0, 0, 1, 1, 2, 2, 2, 3]


def test_edge_is_met_with_the_digits_that_a_number_has() -> None:
    value = np.float32(0.7)  # a little less than 0.7

    assert drift.bin_indices(np.array([value]), (0.7,)).tolist() == [1]
    assert drift.bin_indices(np.array([np.nextafter(value, value - 1)]), (0.7,)).tolist() == [0]


def test_without_edges_numbers_have_one_bin_and_blanks_another() -> None:
    assert drift.bin_indices(np.array([-5.0, np.nan, 5.0]), ()).tolist() == [0, 1, 0]


@given(
    st.lists(
        st.floats(-3, 3, width=32) | st.sampled_from([1.0, 0.7, np.nan]), min_size=9, max_size=20
    )
)
def test_many_numbers_are_counted_as_each_alone(sizes: list[float]) -> None:
    reference = Reference(edges=(-1.0, 0.7, 1.0), counts=(1, 1, 1, 1, 1))
    colours = Reference(edges=None, counts=(1,) * 4)
    bins = Bins(with_reference(table_manifest(), size=reference, colour=colours))
    values = {
        "size": np.array(sizes, np.float32),
        "colour": np.arange(len(sizes), dtype=np.int32) % 4,
    }

    together = bins.count(values)

    alone = [
        bins.count({name: column[index : index + 1] for name, column in values.items()})
        for index in range(len(sizes))
    ]
    assert together.tolist() == np.sum(alone, axis=0).tolist()


def bar(height: int, width: int, *, top: int = 2, left: int = 3, level: int = 255) -> Any:
    """Draw a filled rectangle.

    Shapes:
        (1, 28, 28, 1).
    """
    pixels = np.zeros((1, 28, 28, 1), dtype=np.uint8)
    pixels[0, top : top + height, left : left + width] = level
    return pixels


def test_picture_measures_of_a_bar() -> None:
    measures = drift.picture_measures(bar(20, 4), inked=True)

    assert measures["ink_mass"][0] == pytest.approx(80 / 784)
    assert (measures["box_width"][0], measures["box_height"][0]) == (4, 20)
    assert measures["stroke_width"][0] == pytest.approx(2 * 80 / 48, rel=0.03)


def test_picture_measures_of_nothing_are_zero() -> None:
    measures = drift.picture_measures(np.zeros((1, 28, 28, 1), dtype=np.uint8), inked=True)

    assert all(values.tolist() == [0] for values in measures.values())


def test_picture_measures_of_the_whole_are_its_size() -> None:
    measures = drift.picture_measures(bar(28, 28, top=0, left=0), inked=True)

    assert measures["ink_mass"].tolist() == [1]
    assert (measures["box_width"].tolist(), measures["box_height"].tolist()) == ([28], [28])


def test_box_of_the_ink_reaches_over_gaps_and_leaves_out_what_is_faint() -> None:
    pixels = bar(3, 2) | bar(1, 1, top=20, left=15) | bar(1, 1, top=27, left=27, level=100)

    measures = drift.picture_measures(pixels, inked=True)

    assert (measures["box_width"].tolist(), measures["box_height"].tolist()) == ([13], [19])


@pytest.mark.parametrize("inked", [True, False], ids=["ink", "light"])
def test_each_picture_is_measured_for_itself(inked: bool) -> None:
    pixels = np.concatenate([bar(20, 2), bar(20, 6)])

    together = drift.picture_measures(pixels, inked=inked)

    for name, values in together.items():
        alone = [drift.picture_measures(each[np.newaxis], inked=inked)[name][0] for each in pixels]
        assert values.tolist() == pytest.approx(alone)
        assert values[1] > values[0] or not np.ptp(values)


def test_wider_bar_has_wider_strokes() -> None:
    pixels = np.concatenate([bar(20, 2), bar(20, 6)])

    narrow, wide = drift.picture_measures(pixels, inked=True)["stroke_width"]

    assert wide > 2 * narrow


def test_light_of_a_picture_is_measured_in_shares_of_white() -> None:
    pixels = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    pixels[0, :2] = (255, 153, 0)  # a mean of 0.533

    measures = drift.picture_measures(pixels, inked=False)

    assert {name: round(float(each[0]), 3) for name, each in measures.items()} == {
        "brightness": 0.267,
        "contrast": 0.267,
        "detail": 0.089,  # one of three steps down, and none across
        "saturation": 0.5,
    }


def test_grey_picture_has_no_saturation() -> None:
    measures = drift.picture_measures(np.zeros((1, 4, 4, 1), dtype=np.uint8), inked=False)

    assert set(measures) == {"brightness", "contrast", "detail"}


def with_reference(manifest: Manifest, **reference: Reference) -> Manifest:
    """Return a manifest with another reference distribution."""
    return msgspec.structs.replace(manifest, reference=reference)


def with_vocabulary(*words: str) -> Manifest:
    """Return the table's manifest with other colours, of each of which training saw one."""
    manifest = table_manifest()
    size, colour = manifest.signature.inputs
    colour = msgspec.structs.replace(colour, vocabulary=words)
    signature = msgspec.structs.replace(manifest.signature, inputs=(size, colour))
    reference = Reference(edges=None, counts=(0, 0, *[1] * len(words)))
    changed = msgspec.structs.replace(manifest, signature=signature)
    return with_reference(changed, colour=reference)


def test_bins_of_numbers_are_named_by_their_edges() -> None:
    (feature, _) = Bins(table_manifest(calibrated=True)).features

    assert (feature.name, feature.bins) == (
        "size",
        ("0 below 2", "1 2 to 8", "2 from 8", "blank"),
    )


def test_bins_of_a_number_without_edges_are_two() -> None:
    manifest = with_reference(table_manifest(), size=Reference(edges=(), counts=(0, 3)))

    assert Bins(manifest).features[0].bins == ("0 any", "blank")


def test_bins_of_predicted_labels_are_named_by_them() -> None:
    named = {each.name: each.bins for each in Bins(picture_manifest(calibrated=True)).features}

    assert named["label"] == ("blank", "1 other", "2 left", "3 right")


@pytest.mark.parametrize(
    "manifest",
    [
        with_vocabulary("blank", "other", "1 other"),
        with_vocabulary(*map(str, range(200))),
        with_reference(
            table_manifest(), size=Reference(edges=(1.0, 1 + 2**-23, 1 + 2**-22), counts=(1,) * 5)
        ),
    ],
    ids=["words of ours", "numbers", "edges next to each other"],
)
def test_names_of_bins_are_unique_and_in_order(manifest: Manifest) -> None:
    (feature,) = Bins(manifest).features

    assert len(set(feature.bins)) == len(feature.bins) == len(feature.reference.counts)
    numbered = [name for name in feature.bins if name != "blank"]
    assert numbered == sorted(numbered)


def test_instances_are_counted_feature_by_feature() -> None:
    bins = Bins(table_manifest(calibrated=True))
    values = {
        "size": np.array([1, 2, 9, np.nan, 7], dtype=np.float32),
        "colour": np.array([0, 1, 3, 3, 2], dtype=np.int32),
    }

    found = bins.split(bins.count(values))

    assert len(bins) == 8
    assert {name: each.tolist() for name, each in found.items()} == {
        "size": [1, 2, 1, 1],
        "colour": [1, 1, 1, 2],
    }


SIZES = st.sampled_from((2.0, 8.0, np.nan, np.inf, -np.inf)) | st.floats(width=32)


@given(st.lists(st.tuples(SIZES, st.integers(0, 3)), min_size=1, max_size=30))
def test_rows_are_counted_one_by_one_as_together(rows: list[tuple[float, int]]) -> None:
    bins = Bins(table_manifest(calibrated=True))
    values = {
        "size": np.array([size for size, _ in rows], dtype=np.float32),
        "colour": np.array([colour for _, colour in rows], dtype=np.int32),
    }

    alone = sum(
        bins.count({name: column[index : index + 1] for name, column in values.items()})
        for index in range(len(rows))
    )

    assert np.array_equal(bins.count(values), alone)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.sampled_from((1, 3)), st.booleans())
def test_pictures_are_counted_one_by_one_as_together(
    seed: int, count: int, channels: int, blank: bool
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 28, 28, channels)).astype(np.float32)
    pixels[:, rng.integers(28) :] = 0
    if blank:
        pixels[0] = 0
    probabilities = rng.random((count, 2), dtype=np.float32)
    bins = Bins(picture_manifest(calibrated=True))

    alone = sum(
        bins.count(bins.measure({"image": one[np.newaxis]}, each[np.newaxis]))
        for one, each in zip(pixels, probabilities, strict=True)
    )

    together = bins.count(bins.measure({"image": pixels}, probabilities))
    assert np.array_equal(together, alone)


def test_last_bins_are_there_without_an_instance() -> None:
    bins = Bins(table_manifest(calibrated=True))

    found = bins.count({"size": np.zeros(1, np.float32), "colour": np.zeros(1, np.int32)})

    assert found.tolist() == [1, 0, 0, 0, 1, 0, 0, 0]


def test_pictures_are_measured_with_what_was_answered() -> None:
    bins = Bins(picture_manifest(calibrated=True))
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5]], dtype=np.float32)

    measured = bins.measure({"image": np.concatenate([bar(20, 4)] * 2)}, probabilities)

    assert measured["label"].tolist() == [3, 2]
    assert measured["probability"].tolist() == [0.75, 0.5]
    assert measured["box_height"].tolist() == [20, 20]


def test_pictures_of_anomalies_are_counted_by_their_ink_alone() -> None:
    def wonder(tensors: Tensors) -> Answers:
        return {"anomaly": tensors["image"].sum((1, 2, 3))[:, np.newaxis]}

    manifest = anomaly_manifest(pictures=True)
    reference = {"ink_mass": Reference(edges=(0.05, 0.1), counts=(10, 80, 10, 0))}
    model = Model(msgspec.structs.replace(manifest, reference=reference), wonder)
    pictures = np.empty(1, dtype=object)
    pictures[0] = bar(20, 3)[0].astype(np.uint8)

    found = model.count(model.predict({"image": pictures}))

    assert found.tolist() == [0, 1, 0, 0]


def test_manifest_without_a_reference_has_no_bins() -> None:
    assert len(Bins(table_manifest())) == 0


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two calibrated models; the table's version 1 has a label."""
    loaded = calibrated_repository(tmp_path)
    serving = ServedModel(versions=(1,), default=1, labels={"stable": 1})
    served = dict.fromkeys(("rooms", "strokes"), serving)
    loaded.swap(served, {(name, 1): loaded.get(name) for name in served})
    return loaded


@pytest.fixture
def client(repository: Repository, registry: CollectorRegistry) -> FlaskClient:
    """A client of models that know what they were trained on."""
    return client_of(repository, registry)


def features(client: FlaskClient, path: str = "/models/rooms/drift") -> dict[str, dict[str, Any]]:
    """Return what is said of each feature."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    members = response.get_json()
    assert list(members) == ["model", "version", "features"]
    return {each["feature"]: each for each in members["features"]}


def post_rows(client: FlaskClient, size: float, colour: str, count: int) -> None:
    """Send the same row again and again."""
    body = "size,colour\n" + f"{size},{colour}\n" * count
    response = client.post(ROOMS, data=body, content_type="text/csv")
    assert len(response.text.splitlines()) == 1 + count


def test_before_the_first_request_there_is_nothing_to_tell_by(client: FlaskClient) -> None:
    size = features(client)["size"]

    assert (size["verdict"], size["instances"]) == ("too few", 0)
    assert [each["bin"] for each in size["bins"]] == list(
        Bins(table_manifest(calibrated=True)).features[0].bins
    )
    assert [each["expected"] for each in size["bins"]] == [0.3, 0.5, 0.2, 0.0]
    assert [each["found"] for each in size["bins"]] == [0.0] * 4


def test_instances_of_all_requests_are_counted(client: FlaskClient) -> None:
    post_rows(client, 1, "red", 3)
    client.post(ROOMS, json={"instances": [{"size": 9, "colour": None}]})

    found = features(client)

    assert [each["instances"] for each in found.values()] == [4, 4]
    assert [each["found"] for each in found["size"]["bins"]] == [0.75, 0, 0.25, 0]
    assert [each["found"] for each in found["colour"]["bins"]] == [0.25, 0, 0, 0.75]


def test_rows_like_those_of_training_are_stable_and_others_are_not(client: FlaskClient) -> None:
    for size, count in ((1, 150), (5, 250), (9, 100)):
        post_rows(client, size, "pink", count)

    found = features(client)

    assert (found["size"]["verdict"], found["colour"]["verdict"]) == ("stable", "drifted")
    assert found["size"]["population_stability_index"] < 0.001
    assert found["colour"]["population_stability_index"] > 1


def test_verdict_is_given_from_500_instances_on(client: FlaskClient) -> None:
    post_rows(client, 9, "red", 499)
    before = features(client)["size"]["verdict"]
    post_rows(client, 9, "red", 1)

    assert (before, features(client)["size"]["verdict"]) == ("too few", "drifted")


def test_pictures_are_counted_by_their_ink_and_label(client: FlaskClient) -> None:
    client.post(STROKES, data=picture(), content_type="image/png")

    found = features(client, "/models/strokes/drift")

    counted = {
        name: next(each["bin"] for each in feature["bins"] if each["found"] == 1)
        for name, feature in found.items()
    }
    assert counted == {
        "ink_mass": "1 0.05 to 0.1",
        "box_height": "1 from 19.5",
        "label": "2 left",
        "probability": "1 0.6 to 0.9",
    }


def test_rows_with_errors_are_not_counted(client: FlaskClient) -> None:
    body = b"size,colour\n1,red\nx,red\n3e38,red\n"

    client.post(f"{ROOMS}?errors=report", data=body, content_type="text/csv")
    client.post(ROOMS, data=body, content_type="text/csv")

    assert features(client)["size"]["instances"] == 1


def test_pictures_with_errors_are_not_counted(client: FlaskClient) -> None:
    files = {
        name: (BytesIO(file), name)
        for name, file in {"a": blank_picture(), "b": b"no", "c": picture()}.items()
    }

    client.post(f"{STROKES}?errors=report", data=files)

    assert [each["instances"] for each in features(client, "/models/strokes/drift").values()] == (
        [1] * 4
    )


@pytest.mark.parametrize(
    "path", ["", "/versions/1", "/labels/stable"], ids=["default", "version", "label"]
)
def test_drift_is_told_wherever_a_version_answers(client: FlaskClient, path: str) -> None:
    post_rows(client, 1, "red", 2)

    members = client.get(f"/models/rooms{path}/drift").get_json()

    assert (members["model"], members["version"]) == ("rooms", 1)
    assert members["features"][0]["instances"] == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/models/attic/drift", "model-not-found"),
        ("/models/rooms/versions/2/drift", "version-not-found"),
        ("/models/rooms/labels/canary/drift", "label-not-found"),
    ],
    ids=["model", "version", "label"],
)
def test_drift_of_what_is_not_there_is_not_found(client: FlaskClient, path: str, kind: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.get_json(force=True)["type"] == f"/problems/{kind}"


def test_model_without_a_reference_has_no_features(registry: CollectorRegistry, app: Any) -> None:
    assert app.test_client().get("/models/rooms/drift").get_json() == {
        "model": "rooms",
        "version": 2,
        "features": [],
    }


def test_every_bin_is_in_the_metrics_from_the_start(
    client: FlaskClient, registry: CollectorRegistry, repository: Repository
) -> None:
    for name in ("rooms", "strokes"):
        for feature in repository.get(name).bins.features:
            for each, expected in zip(feature.bins, feature.reference.counts, strict=True):
                labels = {
                    "model": name,
                    "version": "1",
                    "feature": feature.name,
                    "bin": each,
                }
                found = "vitrine_feature_instances_total"
                assert registry.get_sample_value(found, labels) == 0
                assert registry.get_sample_value("vitrine_reference_instances", labels) == expected
    assert "# TYPE vitrine_feature_instances_total counter" in client.get("/metrics").text
    assert "# TYPE vitrine_reference_instances gauge" in client.get("/metrics").text


def test_metrics_count_what_drift_is_told_by(
    client: FlaskClient, registry: CollectorRegistry
) -> None:
    post_rows(client, 1, "red", 3)

    labels = {"model": "rooms", "version": "1", "feature": "size", "bin": "0 below 2"}
    assert registry.get_sample_value("vitrine_feature_instances_total", labels) == 3
