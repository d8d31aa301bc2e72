"""A published classifier of pictures."""

from pathlib import Path

import numpy as np

from tests.training.conftest import picture_config
from training.datasets.picture_sets import PictureSet
from training.drawing.digits import golden_digits
from training.experiments import pictures
from vitrine import bundle, loading


def test_golden_pictures_are_the_drawn_digits(picture_bundle: Path) -> None:
    instances, expected = bundle.read_golden(picture_bundle)
    drawn, _ = golden_digits()

    np.testing.assert_array_equal(instances["image"], drawn)
    assert expected.shape == (len(drawn), 10)


def test_served_sets_and_credibility_are_of_the_published_calibration(
    picture_bundle: Path,
) -> None:
    model = loading.load_version(picture_bundle, threads=1)
    asked = model.trust_options(coverage=0.8, default=0.9, abstain_below=None)

    predictions = model.predict({"image": golden_digits()[0]}, asked)

    assert predictions.confidence is not None
    assert predictions.confidence.sets is not None
    assert predictions.confidence.credibility is not None
    assert predictions.confidence.sets.any(axis=1).all()
    # The least that 50 calibrating pictures can give is 1 / 51.
    assert predictions.confidence.credibility.min() >= 1 / 51
    assert predictions.confidence.credibility.max() <= 1


def test_same_seed_gives_the_same_network(
    picture_bundle: Path, drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    again = pictures.train(picture_config(drawn_set, idx_folder, tmp_path))

    first, second = (bundle.read_golden(folder)[1] for folder in (picture_bundle, again))
    np.testing.assert_array_equal(first, second)
