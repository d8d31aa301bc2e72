"""Why: what the model saw, the steps to it, which ink and which feature decided."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import ExifTags, Image
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from service.admission.scheduler import Scheduler
from service.settings import Settings
from tests.bundles import anomaly_manifest, calibrated_repository, picture_manifest, table_manifest
from tests.fakes import blank_picture, client_of, picture, price, table
from tests.pictures import coverage, painted, saved
from vitrine import images
from vitrine.bundle import Manifest, Reference
from vitrine.engines import Tensors
from vitrine.explain import explain
from vitrine.geometry import GEOMETRIES
from vitrine.model import Model
from vitrine.signature import DateInput, NumberInput, ProbabilitiesOutput, Signature

ROOMS = "/models/rooms/predict"
STROKES = "/models/strokes/predict"
MOST = 17  # more than the pictures of one block


@pytest.fixture
def client(tmp_path: Path, registry: CollectorRegistry) -> FlaskClient:
    """A client of real models that may explain a few instances."""
    return client_of(calibrated_repository(tmp_path), registry, Settings(max_explained=MOST))


def explanations(response: TestResponse) -> list[dict[str, Any]]:
    """Return what explains each prediction of a 200."""
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = [
        prediction["explanation"] for prediction in response.get_json()["predictions"]
    ]
    return found


def explained(client: FlaskClient, file: bytes) -> dict[str, Any]:
    """Return what explains the answer to a picture."""
    path = f"{STROKES}?explain=true"
    (explanation,) = explanations(client.post(path, data=file, content_type="image/png"))
    return explanation


def seen(data_uri: str) -> NDArray[np.uint8]:
    """Return the levels of a picture as a browser shows it."""
    kind, _, body = data_uri.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(BytesIO(b64decode(body, validate=True))) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        return np.asarray(image)


def photograph(*, turned: bool = False) -> bytes:
    """Draw a digit, dark on white paper; as a camera held sideways stores it, if turned."""
    pixels = painted(np.pad(coverage(side=60), 20))
    exif = Image.Exif()
    if turned:
        pixels = np.rot90(pixels).copy()
        exif[ExifTags.Base.Orientation] = 6
    return saved(pixels, "PNG", exif=exif)


def post_files(client: FlaskClient, *files: bytes, query: str = "explain=true") -> TestResponse:
    """Upload pictures."""
    fields = {f"f{place}": (BytesIO(file), "a.png") for place, file in enumerate(files)}
    return client.post(f"{STROKES}?{query}", data=fields)


def test_answer_is_explained_where_that_is_asked(client: FlaskClient) -> None:
    plain = client.post(STROKES, data=picture(), content_type="image/png").get_json()
    asked = client.post(f"{STROKES}?explain=true", data=picture(), content_type="image/png")

    (prediction,) = asked.get_json()["predictions"]
    assert list(prediction.pop("explanation")) == ["image", "steps", "saliency"]
    assert plain["predictions"] == [prediction]


@pytest.mark.parametrize(
    "file", [picture(), photograph(), photograph(turned=True)], ids=["fitting", "paper", "turned"]
)
def test_picture_is_shown_as_the_network_took_it(client: FlaskClient, file: bytes) -> None:
    pixels = images.decode(file, max_pixels=10**6).pixels
    taken = GEOMETRIES["mnist"].fit(pixels, (28, 28, 1)).pixels

    np.testing.assert_array_equal(seen(explained(client, file)["image"]), taken[..., 0])


def test_steps_name_what_was_done_in_order(client: FlaskClient) -> None:
    assert explained(client, picture())["steps"] == []

    steps = explained(client, photograph())["steps"]
    assert {"inverted", "cropped"} <= set(steps)
    assert "turned upright" not in steps
    assert explained(client, photograph(turned=True))["steps"] == ["turned upright", *steps]


def test_ink_that_speaks_for_the_label_is_bright(client: FlaskClient) -> None:
    explanation = explained(client, picture())

    inked, saliency = seen(explanation["image"]) > 0, seen(explanation["saliency"])
    assert saliency.shape == inked.shape
    assert saliency.max() == 255
    assert saliency[:, :14][inked[:, :14]].min() > 0
    # Patches that hold this ink hold none of the left half.
    assert inked[13:15, 18:22].all()
    assert saliency[:, 18:].max() == 0
    assert saliency[~inked].max() == 0


def test_saliency_is_of_the_label_that_is_answered(client: FlaskClient) -> None:
    explanation = explained(client, picture(left=False))

    saliency = seen(explanation["saliency"])
    assert np.unravel_index(saliency.argmax(), saliency.shape)[1] >= 14
    assert saliency[:, :9].max() == 0


def test_ink_is_bright_in_the_place_where_it_decides() -> None:
    def look_up(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        ink = tensors["image"][:, 4:9].sum((1, 2, 3)) / np.float32(255)
        left = ink / (ink + 1)
        return {"probabilities": np.stack([left, 1 - left], axis=1)}

    model = Model(picture_manifest(), look_up)
    pixels = np.empty(1, dtype=object)
    pixels[0] = images.decode(picture(), max_pixels=10**6).pixels

    (explanation,) = explain(model, model.predict({"image": pixels}))

    saliency = seen(explanation["saliency"])
    assert saliency[5:8, 12:14].min() > 100
    assert saliency[13:].max() == 0  # no patch reaches from there


def test_ink_that_decides_nothing_is_dark(client: FlaskClient) -> None:
    bar = np.zeros((28, 28), dtype=np.uint8)
    bar[4:24, 12:16] = 255  # as much on the left as on the right

    saliency = seen(explained(client, saved(bar))["saliency"])

    assert saliency[4:24, 12:14].max() == 255
    assert saliency[4:24, 15].max() < 128


def test_saliency_of_an_anomaly_is_where_covered_ink_lowers_the_score() -> None:
    def engine(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        # Ink on the left is strange; ink on the right makes up for it.
        left, right = (
            tensors["image"][:, :, half].sum((1, 2, 3)) for half in (slice(14), slice(14, None))
        )
        return {"anomaly": (left - right)[:, np.newaxis]}

    model = Model(anomaly_manifest(pictures=True), engine)
    bars = np.zeros((28, 28, 1), dtype=np.uint8)
    bars[4:24, 4:6] = bars[4:24, 22:24] = 255
    picture = np.empty(1, dtype=object)
    picture[0] = bars

    (explanation,) = explain(model, model.predict({"image": picture}))

    saliency = seen(explanation["saliency"])
    assert saliency[:, :14].max() == 255
    assert saliency[:, 14:].max() == 0


def colour_manifest(side: int) -> Manifest:
    """Describe a classifier of pictures in colour."""
    manifest = picture_manifest()
    spec = msgspec.structs.replace(
        manifest.signature.inputs[0], shape=(side, side, 3), geometry="fit", geometry_version=1
    )
    signature = msgspec.structs.replace(manifest.signature, inputs=(spec,))
    return msgspec.structs.replace(manifest, signature=signature)


def redness(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
    """Tell how much redder than blue a picture is."""
    images_ = tensors["image"]
    red = 1 / (1 + np.exp(-(images_[..., 0] - images_[..., 2]).mean((1, 2)) / 10))
    return {"probabilities": np.stack([red, 1 - red], axis=1).astype(np.float32)}


@pytest.mark.parametrize("side", [16, 32, 200])
def test_what_decides_in_a_picture_in_colour_is_bright(side: int) -> None:
    model = Model(colour_manifest(side), redness)
    pixels = np.empty(1, dtype=object)
    pixels[0] = np.full((side, side, 3), 120, np.uint8)
    pixels[0][: side // 2, : side // 2] = (250, 0, 0)

    (explanation,) = explain(model, model.predict({"image": pixels}))

    with Image.open(BytesIO(b64decode(explanation["image"].partition(",")[2]))) as shown:
        np.testing.assert_array_equal(np.asarray(shown), pixels[0])
    saliency = seen(explanation["saliency"]).astype(int)
    third = side // 3
    assert saliency[:third, :third].min() > 64
    assert saliency[:third, :third].max() == 255
    assert saliency[-third:, -third:].max() == 0


def test_picture_of_one_colour_has_nothing_that_decides() -> None:
    model = Model(colour_manifest(24), redness)
    pixels = np.empty(1, dtype=object)
    pixels[0] = np.full((24, 24, 3), (0, 200, 90), np.uint8)

    (explanation,) = explain(model, model.predict({"image": pixels}))

    assert seen(explanation["saliency"]).max() == 0


def test_explanations_are_of_their_own_pictures(client: FlaskClient) -> None:
    files = [picture(), photograph(), picture(left=False), photograph(turned=True)]

    together = explanations(post_files(client, *files))

    assert together == [explained(client, file) for file in files]


def test_explanations_keep_their_place_beside_errors(client: FlaskClient) -> None:
    turned = photograph(turned=True)
    files = [b"no", photograph(), blank_picture(), picture(), turned, b"no"]

    response = post_files(client, *files, query="explain=true&errors=report")

    predictions = response.get_json()["predictions"]
    assert ["error" in prediction for prediction in predictions] == [
        *(True, False, True),
        *(False, False, True),
    ]
    found = {
        place: prediction["explanation"]
        for place, prediction in enumerate(predictions)
        if "error" not in prediction
    }
    assert found == {place: explained(client, files[place]) for place in (1, 3, 4)}
    assert found[4]["steps"][0] == "turned upright"


def test_nothing_but_errors_has_nothing_to_explain(client: FlaskClient) -> None:
    response = post_files(client, b"no", blank_picture(), query="explain=true&errors=report")

    assert [list(each) for each in response.get_json()["predictions"]] == [["error"]] * 2


def test_picture_in_lists_is_explained_without_a_file(client: FlaskClient) -> None:
    pixels = images.decode(picture(), max_pixels=10**6).pixels

    response = client.post(
        f"{STROKES}?explain=true", json={"instances": [pixels[..., 0].tolist()] * 2}
    )

    assert explanations(response) == [explained(client, picture())] * 2


def test_contributions_are_how_far_each_feature_moves_the_value(client: FlaskClient) -> None:
    rows = [{"size": 7, "colour": "blue"}, {"size": 5, "colour": "red"}, {"size": 4, "colour": ""}]

    response = client.post(f"{ROOMS}?explain=true", json={"instances": rows})

    # Ten times the size, of which 5 is usual; red, whose code is 3, is the commonest colour.
    assert [each["contributions"] for each in explanations(response)] == [
        {"size": 20.0, "colour": -1.0},
        {"size": 0.0, "colour": 0.0},
        {"size": -10.0, "colour": -3.0},
    ]


def test_rows_of_csv_are_explained_in_json(client: FlaskClient) -> None:
    response = client.post(
        f"{ROOMS}?explain=true&errors=report",
        data=b"size,colour\nx,red\n6,red\n",
        content_type="text/csv",
        headers={"Accept": "application/json"},
    )

    first, second = response.get_json()["predictions"]
    assert list(first) == ["error"]
    assert second["explanation"] == {"contributions": {"size": 10.0, "colour": 0.0}}


@pytest.mark.parametrize(
    ("path", "body", "kind", "accept"),
    [
        (ROOMS, table(1), "text/csv", "*/*"),
        (STROKES, picture(), "image/png", "text/csv"),
    ],
    ids=["rows", "picture"],
)
def test_csv_answer_has_no_room_for_explanations(
    client: FlaskClient, path: str, body: bytes, kind: str, accept: str
) -> None:
    response = client.post(
        f"{path}?explain=true", data=body, content_type=kind, headers={"Accept": accept}
    )

    assert response.status_code == 400
    assert response.get_json(force=True)["type"] == "/problems/invalid-parameter"
    assert "is for JSON answers only" in response.get_json(force=True)["detail"]


@pytest.mark.parametrize("count", [MOST, MOST + 1], ids=["the most", "one more"])
@pytest.mark.parametrize("path", [ROOMS, STROKES], ids=["rows", "pictures"])
def test_only_so_many_instances_are_explained(client: FlaskClient, path: str, count: int) -> None:
    pixels = images.decode(picture(), max_pixels=10**6).pixels[..., 0].tolist()
    instance = pixels if path == STROKES else {"size": 1, "colour": "red"}

    response = client.post(f"{path}?explain=true", json={"instances": [instance] * count})

    if count == MOST:
        assert len(explanations(response)) == MOST
    else:
        assert response.status_code == 413
        assert response.get_json(force=True)["type"] == "/problems/too-many-instances"
        assert f"at most {MOST} instances to be explained" in response.text


def test_limit_on_explanations_is_none_on_predictions(client: FlaskClient) -> None:
    body = {"instances": [{"size": 1, "colour": "red"}] * (MOST + 1)}

    response = client.post(f"{ROOMS}?explain=false", json=body)

    assert len(response.get_json()["predictions"]) == MOST + 1


def test_number_without_a_median_is_taken_for_blank() -> None:
    def count_blanks(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        return {"value": np.isnan(tensors["size"]).astype(np.float32)}

    manifest = table_manifest()
    size, colour = manifest.signature.inputs
    assert isinstance(size, NumberInput)
    unknown = msgspec.structs.replace(size, minimum=None, maximum=None, median=None)
    signature = msgspec.structs.replace(manifest.signature, inputs=(unknown, colour))
    model = Model(msgspec.structs.replace(manifest, signature=signature), count_blanks)
    rows = {"size": np.ones(1, np.float32), "colour": np.array(["red"], dtype=object)}

    assert list(explain(model, model.predict(rows))) == [
        {"contributions": {"size": -1, "colour": 0}}
    ]


@pytest.mark.parametrize(
    ("counts", "usual"),
    [((9, 0, 1, 1), 0), ((0, 0, 1, 5), 3), (None, 2)],
    ids=["blank", "red", "unknown"],
)
def test_usual_category_is_the_commonest(counts: tuple[int, ...] | None, usual: int) -> None:
    manifest = table_manifest()
    if counts is not None:
        reference = {"colour": Reference(edges=None, counts=counts)}
        manifest = msgspec.structs.replace(manifest, reference=reference)
    model = Model(manifest, price)
    rows = {"size": np.full(1, 5, np.float32), "colour": np.array(["red"], dtype=object)}

    (explanation,) = explain(model, model.predict(rows))

    assert explanation == {"contributions": {"size": 0.0, "colour": 3.0 - usual}}


def test_contributions_to_a_label_are_of_its_log_odds() -> None:
    def odds(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        logits = tensors["size"] - 5 + (tensors["built"] - 10) / 2
        dear = 1 / (1 + np.exp(-logits))
        return {"class": np.concatenate([1 - dear, dear], axis=1).astype(np.float32)}

    size, _ = table_manifest().signature.inputs
    built = DateInput(
        name="built",
        tensor="built",
        dtype="float32",
        shape=(1,),
        format="%Y-%m-%d",
        minimum=0,
        maximum=100,
        median=10,
        blanks=False,
    )
    output = ProbabilitiesOutput(
        name="class", tensor="class", dtype="float32", shape=(2,), labels=("cheap", "dear")
    )
    signature = Signature(inputs=(size, built), outputs=(output,))
    model = Model(msgspec.structs.replace(table_manifest(), signature=signature), odds)
    rows = {
        "size": np.array([7, 4], dtype=np.float32),
        "built": np.array([12, 8], dtype=np.float32),
    }

    predictions = model.predict(rows)

    # For "dear" what raises the odds speaks for it; for "cheap" what lowers them.
    assert predictions.labels().tolist() == ["dear", "cheap"]
    found = [each["contributions"] for each in explain(model, predictions)]
    assert found == [
        pytest.approx({"size": 2, "built": 1}, abs=1e-4),
        pytest.approx({"size": 1, "built": 1}, abs=1e-4),
    ]


class Counting(Scheduler):
    """Counts how often a core is given back, as if others always waited for it."""

    waiting = 1

    def __init__(self) -> None:
        super().__init__(1)
        self.given = 0

    def finish(self, **kind: Any) -> None:
        """Count, and give it back."""
        self.given += 1
        super().finish(**kind)


@pytest.mark.parametrize(
    ("query", "given"), [("", 1), ("?explain=true", 5)], ids=["plain", "explained"]
)
def test_others_may_compute_after_each_explanation(
    tmp_path: Path, registry: CollectorRegistry, query: str, given: int
) -> None:
    scheduler = Counting()
    client = client_of(calibrated_repository(tmp_path), registry, scheduler=scheduler)
    body = {"instances": [{"size": 1, "colour": "red"}] * 4}

    response = client.post(f"{ROOMS}{query}", json=body)

    assert response.status_code == 200
    assert scheduler.given == given
