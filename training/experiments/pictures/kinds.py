"""What depends on the kind of pictures: their augmentation, golden examples and texts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from training.architectures.pictures import cnn, large_cnn
from training.augmentation.digits import augment_digits
from training.augmentation.pictures import erase, flip, shift
from training.augmentation.regional_digits import add_regional_strokes
from training.datasets.picture_data import Labels, Pixels, Shape
from training.drawing.clothes import golden_articles
from training.drawing.digits import golden_digits
from training.drawing.scenes import golden_scenes

Augmentation = Callable[[Pixels, Labels, np.random.Generator], Pixels]

# Share of the 1s and 7s; with fewer, digits written outside the United States were misread.
_REGIONAL_SHARE = 0.4
# Pictures of any kind are moved by up to this part of their side: by 4 of 32 pixels.
_SHIFTED_PART = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureKind:
    """What pictures of one kind need.

    Attributes:
        augment: Function that returns a changed copy of every picture, for one epoch.
        golden: Function that draws pictures of one size, which the geometry accepts.
        augmentation_text: Template of the card about the augmentation.
        golden_text: Template of the card about the golden pictures.
        limits_text: Template of the card about what the network cannot do.
        network: Function that builds the convolutional network for a shape and a number of class
            labels: cloth and fur have finer detail than strokes.
    """

    augment: Augmentation
    golden: Callable[[], Pixels]
    augmentation_text: str
    golden_text: str
    limits_text: str
    network: Callable[[Shape, int], keras.Model] = partial(cnn, first=32)


def _augment_digits(digits: Pixels, labels: Labels, rng: np.random.Generator) -> Pixels:
    written = add_regional_strokes(digits[..., 0], labels, rng, share=_REGIONAL_SHARE)
    return augment_digits(written, rng)[..., np.newaxis]


def _augment_articles(articles: Pixels, _labels: Labels, rng: np.random.Generator) -> Pixels:
    moved = shift(flip(articles, rng), rng, pixels=2, beyond="constant")
    return erase(moved, rng)


def _augment_classes(pictures: Pixels, _labels: Labels, rng: np.random.Generator) -> Pixels:
    pixels = max(pictures.shape[1:3]) // _SHIFTED_PART
    return shift(flip(pictures, rng), rng, pixels=pixels, beyond="reflect")


def _augment_objects(pictures: Pixels, labels: Labels, rng: np.random.Generator) -> Pixels:
    return erase(_augment_classes(pictures, labels, rng), rng)


PICTURE_KINDS: Mapping[str, PictureKind] = {
    "digit": PictureKind(
        augment=_augment_digits,
        golden=lambda: golden_digits()[0],
        augmentation_text="digit_augmentation",
        golden_text="digit_examples",
        limits_text="digit_limits",
        network=cnn,
    ),
    "article": PictureKind(
        augment=_augment_articles,
        golden=lambda: golden_articles()[0],
        augmentation_text="article_augmentation",
        golden_text="article_examples",
        limits_text="article_limits",
        network=large_cnn,
    ),
    "object": PictureKind(
        augment=_augment_objects,
        golden=golden_scenes,
        augmentation_text="object_augmentation",
        golden_text="scene_examples",
        limits_text="picture_limits",
    ),
    "class": PictureKind(
        augment=_augment_classes,
        golden=golden_scenes,
        augmentation_text="class_augmentation",
        golden_text="scene_examples",
        limits_text="picture_limits",
    ),
}
