"""What calibration measures, and what it adds to a network, on numbers made to be known."""

from math import sqrt
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from tests.bundles import picture_manifest
from training import calibration, publishing
from training.architectures.labels import temper
from training.architectures.pictures import mlp, with_novelty
from training.architectures.tables import ValueHead, predict, table_network
from training.calibration import Reliability
from training.datasets.pictures import PictureSet
from training.datasets.tables import Rows
from training.distillation import Unexplained
from training.drawing.digits import DIGITS
from training.experiments.pictures import picture_signature
from training.outcomes.values import learn_quantiles
from vitrine import bundle
from vitrine.engines import load_engine
from vitrine.signature import NumberInput

Values = NDArray[np.float32]
Codes = NDArray[np.int64]


def probabilities_of(logits: NDArray[np.float64]) -> Values:
    """Return the softmax of each row."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def made_up(n: int, classes: int = 5) -> tuple[NDArray[np.float64], Codes]:
    """Make logits, and labels drawn with the probabilities that these stand for."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (n, classes))
    # The largest of logits with Gumbel noise is a draw from their softmax.
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, labels


@pytest.mark.parametrize("sharpened", [0.4, 1.0, 3.0], ids=["dulled", "as it is", "sharpened"])
def test_temperature_is_the_one_that_logits_were_sharpened_with(sharpened: float) -> None:
    logits, labels = made_up(8_000)

    found = calibration.fit_temperature(probabilities_of(sharpened * logits), labels)

    assert found == pytest.approx(sharpened, rel=0.06)


@pytest.mark.parametrize("share", [0.9, 1.0], ids=["sure", "certain"])
def test_temperature_is_finite_where_every_answer_is_right(share: float) -> None:
    labels = np.arange(12) % 3
    probabilities = np.full((12, 3), (1 - share) / 2, dtype=np.float32)
    probabilities[np.arange(12), labels] = share

    found = calibration.fit_temperature(probabilities, labels)

    assert 1 / 25 < found < 25
    after = calibration.tempered(probabilities, found)
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-6)
    assert (after.argmax(axis=1) == labels).all()


def test_temperature_is_finite_where_every_answer_is_certain_and_wrong() -> None:
    probabilities = np.eye(3, dtype=np.float32)

    found = calibration.fit_temperature(probabilities, np.array([1, 2, 0]))

    assert 1 < found < 25


def test_temperature_of_one_changes_nothing() -> None:
    probabilities = probabilities_of(made_up(50)[0])

    np.testing.assert_allclose(calibration.tempered(probabilities, 1.0), probabilities, rtol=1e-5)


def test_temperature_divides_logits() -> None:
    logits, _ = made_up(50)

    np.testing.assert_allclose(
        calibration.tempered(probabilities_of(logits), 2.5), probabilities_of(logits / 2.5), 1e-5
    )


def test_certain_probabilities_can_be_tempered() -> None:
    after = calibration.tempered(np.eye(3, dtype=np.float32), 20.0)

    assert np.isfinite(after).all()
    assert (after.argmax(axis=1) == np.arange(3)).all()


def test_tempered_network_gives_the_tempered_probabilities() -> None:
    network = mlp((6, 6, 1), 4)
    last = network.get_layer("probabilities")
    last.set_weights([last.get_weights()[0], np.array([1, -1, 2, 0], dtype=np.float32)])
    pictures = np.random.default_rng(0).integers(0, 256, (30, 6, 6, 1)).astype(np.float32)

    before = network.predict({"image": pictures}, verbose=0)["probabilities"]
    temper(network, 2.5)
    after = network.predict({"image": pictures}, verbose=0)["probabilities"]

    np.testing.assert_allclose(after, calibration.tempered(before, 2.5), rtol=1e-4)


def told(*tops: float) -> Values:
    """Return probabilities of three labels, of which the first has these."""
    return np.array([[top, 0.6 * (1 - top), 0.4 * (1 - top)] for top in tops], dtype=np.float32)


def test_calibration_error_weighs_the_gap_of_each_bin() -> None:
    probabilities = told(*[0.9] * 4, *[0.65] * 6)
    labels = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1, 1])

    found = Reliability.of(probabilities, labels)

    assert found.error == pytest.approx((4 * (0.9 - 0.5) + 6 * (0.65 - 0.5)) / 10, rel=1e-5)
    assert found.counts.sum() == 10
    assert found.accuracy[[9, 13]].tolist() == [0.5, 0.5]
    np.testing.assert_allclose(found.confidence[[9, 13]], [0.65, 0.9], rtol=1e-5)


def test_calibration_error_counts_bins_that_are_too_low_as_well() -> None:
    found = Reliability.of(told(0.9, 0.9, 0.5, 0.5), np.array([0, 1, 0, 0]))

    assert found.error == pytest.approx((0.4 + 0.5) / 2, rel=1e-5)


def test_calibration_error_of_honest_probabilities_is_nothing() -> None:
    labels = np.array([0, 0, 0, 1, 0, 1])

    found = Reliability.of(told(*[0.75] * 4, *[0.5] * 2), labels)

    assert found.error == pytest.approx(0, abs=1e-6)


def test_certainty_is_counted_into_the_last_bin() -> None:
    found = Reliability.of(told(1.0), np.array([0]))

    assert found.counts.tolist() == [0] * 14 + [1]


@pytest.mark.parametrize(("asked", "calibrating"), [(0.8, 60), (0.9, 100), (0.95, 60)])
def test_margins_are_left_by_one_of_a_thousand_calibrations(asked: float, calibrating: int) -> None:
    tested, trials = 150, 40_000
    rng = np.random.default_rng(0)
    scores = np.sort(rng.random((trials, calibrating), dtype=np.float32), axis=1)
    rank = next(k for k in range(1, calibrating + 1) if k >= asked * (calibrating + 1))
    limits = scores[:, [rank - 1]]
    found = (rng.random((trials, tested), dtype=np.float32) <= limits).mean(axis=1)

    low, high = calibration.margins(asked, calibrating=calibrating, tested=tested)

    # A share comes in steps, so that exactly one of a thousand is seldom possible.
    noise, hair = 4 * sqrt(0.001 / trials), 1e-6
    assert (found < asked - low - hair).mean() <= 0.001 + noise
    assert (found <= asked - low + hair).mean() >= 0.001 - noise
    assert (found > asked + high + hair).mean() <= 0.001 + noise
    assert (found >= asked + high - 1 / tested - hair).mean() >= 0.001 - noise


@pytest.mark.parametrize("asked", [0.8, 0.95, 0.99])
def test_margins_of_a_large_calibration_are_those_of_a_binomial(asked: float) -> None:
    low, high = calibration.margins(asked, calibrating=10**8, tested=500)

    expected = stats.binom(500, asked).ppf([0.001, 0.999]) / 500
    np.testing.assert_allclose([asked - low, asked + high], expected, atol=1e-9)


def test_margins_of_a_large_test_part_are_those_of_the_calibration() -> None:
    low, high = calibration.margins(0.9, calibrating=99, tested=20_000)

    expected = stats.beta(90, 10).ppf([0.001, 0.999])
    np.testing.assert_allclose([0.9 - low, 0.9 + high], expected, atol=1e-3)


SUPPORTED = {
    0: [],
    3: [],
    4: [0.8],
    9: [0.8, 0.9],
    98: [0.8, 0.9, 0.95],
    99: [0.8, 0.9, 0.95, 0.99],
    999: [0.8, 0.9, 0.95, 0.99, 0.999],
}


@pytest.mark.parametrize(("calibrating", "expected"), SUPPORTED.items(), ids=map(str, SUPPORTED))
def test_coverages_leave_out_what_the_size_does_not_support(
    calibrating: int, expected: list[float]
) -> None:
    assert list(calibration.coverages(calibrating)) == expected


@pytest.mark.parametrize("calibrating", [size for size in SUPPORTED if size >= 4])
def test_every_supported_coverage_has_margins(calibrating: int) -> None:
    for asked in calibration.coverages(calibrating):
        margins = calibration.margins(asked, calibrating=calibrating, tested=40)

        assert min(margins) >= 0
        assert max(margins) <= 1


def test_class_coverage_counts_sets_that_hold_the_truth() -> None:
    scores = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    probabilities = np.array(
        [[0.7, 0.25, 0.05], [0.6, 0.3, 0.1], [0.9, 0.06, 0.04]], dtype=np.float32
    )

    found = calibration.class_coverage(probabilities, np.array([1, 2, 0]), scores, 0.8)

    # The eighth of nine scores is 0.8: labels from a probability of 0.2 on are members.
    assert found.found == pytest.approx(2 / 3)
    assert found.size == pytest.approx((2 + 2 + 1) / 3)
    assert found.asked == 0.8
    assert found.margin == calibration.margins(0.8, calibrating=9, tested=3)


def test_value_coverage_counts_intervals_that_hold_the_truth() -> None:
    scores = np.array([0.5, 1, 1.5, 2], dtype=np.float32)
    values = np.array([10, 20, 30], dtype=np.float32)
    quantiles = np.array([[8, 13], [19, 21], [29, 33]], dtype=np.float32)
    truth = np.array([6.0, 22.5, 35.5])

    found = calibration.value_coverage(values, quantiles, truth, scores, 0.8)

    # The fourth of four scores is 2: 6 to 16, 18 to 22, 28 to 36.
    assert found.found == pytest.approx(2 / 3)
    assert found.size == pytest.approx((10 + 4 + 8) / 3)
    assert found.asked == 0.8
    assert found.margin == calibration.margins(0.8, calibrating=4, tested=3)


@pytest.mark.parametrize(("asked", "width"), [(0.6, 6), (0.8, 8)])
def test_constant_width_reaches_to_the_residual_on_either_side(asked: float, width: float) -> None:
    residuals = np.array([3, 1, 4, 2], dtype=np.float32)

    assert calibration.constant_width(residuals, asked) == width


def made_up_features(rows: int, width: int) -> Values:
    """Make features of a layer that cuts off what is negative."""
    rng = np.random.default_rng(0)
    return np.maximum(0, rng.normal(0.5, 1, (rows, width))).astype(np.float32)


def test_prototypes_are_as_long_as_one_and_every_class_has_some() -> None:
    features = made_up_features(305, width=12)
    labels = np.repeat([0, 1], [5, 300])

    prototypes = calibration.find_prototypes(features, labels, seed=0)

    assert prototypes.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(prototypes, axis=1), 1, rtol=1e-6)
    assert len(prototypes) == 1 + 300 // 20


def test_prototypes_are_the_directions_that_a_class_has() -> None:
    directions = np.array([[0.6, 0.8, 0], [0, 0.6, 0.8]])
    rng = np.random.default_rng(0)
    lengths = rng.uniform(1, 9, (60, 1))
    features = np.tile(directions, (30, 1)) * lengths + rng.normal(0, 1e-3, (60, 3))

    prototypes = calibration.find_prototypes(
        features.astype(np.float32), np.zeros(60, dtype=np.int64), seed=0
    )

    np.testing.assert_allclose((prototypes @ directions.T).max(axis=0), 1, atol=1e-4)


def test_prototype_is_of_directions_whatever_their_lengths() -> None:
    features = np.array([[1, 0], [0, 100]] * 15, dtype=np.float32)

    prototypes = calibration.find_prototypes(features, np.zeros(30, dtype=np.int64), seed=0)

    # Of lengths counted in, it would be all but (0, 1).
    np.testing.assert_allclose(prototypes, [[0.71, 0.71]], atol=0.15)


def test_prototypes_are_at_most_a_megabyte() -> None:
    # Forty rows a class are enough for two prototypes each, and these would be 1.28 MB.
    features = np.random.default_rng(0).random((80, 80_000), dtype=np.float32)

    prototypes = calibration.find_prototypes(features, np.arange(80) % 2, seed=0)

    assert prototypes.shape == (2, 80_000)
    assert prototypes.nbytes <= 1_000_000


def test_prototypes_follow_the_seed() -> None:
    features, labels = made_up_features(400, width=8), np.arange(400) % 2

    first, again, other = (
        calibration.find_prototypes(features, labels, seed=seed) for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.fixture(scope="module")
def pictures() -> Values:
    """Pictures of noise."""
    return np.random.default_rng(0).integers(0, 256, (12, 28, 28, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    """A classifier that has learned nothing."""
    keras.utils.set_random_seed(0)
    return mlp((28, 28, 1), 10)


@pytest.fixture(scope="module")
def prototypes(classifier: keras.Model, pictures: Values) -> Values:
    """The directions of the first five pictures' features."""
    features: Values = classifier.predict({"image": pictures}, verbose=0)["features"][:5]
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def doubting(classifier: keras.Model, prototypes: Values) -> keras.Model:
    """The classifier with novelty."""
    return with_novelty(classifier, prototypes)


def test_novelty_is_one_less_the_largest_cosine(
    doubting: keras.Model, classifier: keras.Model, prototypes: Values, pictures: Values
) -> None:
    features = classifier.predict({"image": pictures}, verbose=0)["features"]
    lengths = np.linalg.norm(features, axis=1, keepdims=True)

    outputs = doubting.predict({"image": pictures}, verbose=0)

    expected = 1 - (features / lengths @ prototypes.T).max(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs["novelty"], expected, atol=1e-6)
    assert outputs["novelty"][5:].min() > 1e-3


def test_novelty_of_a_prototype_is_nothing(doubting: keras.Model, pictures: Values) -> None:
    outputs = doubting.predict({"image": pictures[:5]}, verbose=0)

    np.testing.assert_allclose(outputs["novelty"], 0, atol=1e-6)


def test_novelty_leaves_probabilities_as_they_are(
    doubting: keras.Model, classifier: keras.Model, pictures: Values
) -> None:
    before, after = (
        network.predict({"image": pictures}, verbose=0)["probabilities"]
        for network in (classifier, doubting)
    )

    np.testing.assert_array_equal(before, after)


def test_novelty_runs_exported_with_the_inputs_of_the_signature_alone(
    doubting: keras.Model, drawn_set: PictureSet, pictures: Values, tmp_path: Path
) -> None:
    signature = picture_signature(drawn_set, (28, 28, 1), DIGITS, calibrated=True)
    publishing.export(doubting, signature, tmp_path)
    files = {bundle.ONNX_NAME: bundle.describe_file(tmp_path / bundle.ONNX_NAME)}
    manifest = msgspec.structs.replace(picture_manifest(), signature=signature, files=files)

    outputs = load_engine(tmp_path, manifest, threads=1)({"image": pictures})

    expected = doubting.predict({"image": pictures}, verbose=0)
    assert set(outputs) == {"probabilities", "novelty"}
    for name, values in outputs.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-6)


def test_novelty_survives_saving(doubting: keras.Model, pictures: Values, tmp_path: Path) -> None:
    doubting.save(tmp_path / "model.keras")

    opened = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)

    before, after = (
        network.predict({"image": pictures}, verbose=0)["novelty"] for network in (doubting, opened)
    )
    np.testing.assert_array_equal(before, after)


COLUMN = NumberInput(
    name="x",
    tensor="x",
    dtype="float32",
    shape=(1,),
    minimum=0,
    maximum=1,
    median=0.5,
    blanks=False,
)


def noisy_line(n: int, seed: int) -> tuple[Rows, NDArray[np.float64]]:
    """Make rows, and residuals ten times as large in the upper half of what they show."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 1)).astype(np.float32)
    residuals = rng.normal(0, np.where(x[:, 0] < 0.5, 0.2, 2.0))
    return Rows(x, np.empty((n, 0), dtype=np.int32)), residuals


@pytest.fixture(scope="module")
def regression() -> keras.Model:
    """A regression of one column that has learned nothing."""
    keras.utils.set_random_seed(0)
    rows, residuals = noisy_line(2_000, seed=0)
    head = ValueHead.of(3 * rows.numbers[:, 0] + residuals)
    return table_network(rows, [COLUMN], head, multiply_adds=4_000)


@pytest.fixture(scope="module")
def bounded(regression: keras.Model) -> keras.Model:
    """The regression with quantiles."""
    rows, residuals = noisy_line(2_000, seed=0)
    return learn_quantiles(regression, Unexplained(rows, residuals), seed=0)


def test_quantiles_leave_the_value_as_it_is(regression: keras.Model, bounded: keras.Model) -> None:
    rows, _ = noisy_line(200, seed=1)

    before, after = (predict(network, rows)["value"] for network in (regression, bounded))

    np.testing.assert_array_equal(before, after)


def test_quantiles_lie_on_either_side_of_the_value(bounded: keras.Model) -> None:
    outputs = predict(bounded, noisy_line(200, seed=1)[0])

    lower, upper = outputs["quantiles"].T
    assert (lower < outputs["value"]).all()
    assert (outputs["value"] < upper).all()


def test_quantiles_are_wider_where_the_noise_is(bounded: keras.Model) -> None:
    rows, _ = noisy_line(400, seed=1)

    widths = np.diff(predict(bounded, rows)["quantiles"], axis=1)

    is_noisy = rows.numbers > 0.5
    assert widths[is_noisy].mean() > 2 * widths[~is_noisy].mean()


def test_as_many_lie_beyond_each_quantile_as_its_level_says(bounded: keras.Model) -> None:
    rows, residuals = noisy_line(4_000, seed=1)
    outputs = predict(bounded, rows)

    below, above = (outputs["quantiles"] - outputs["value"][:, np.newaxis]).T

    assert (residuals < below).mean() == pytest.approx(0.05, abs=0.025)
    assert (residuals > above).mean() == pytest.approx(0.05, abs=0.025)
