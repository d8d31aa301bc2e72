"""What depends on the kind of pictures: their augmentation, golden examples and limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from training.augmentation.digits import augment_digits
from training.augmentation.pictures import erase, flip, shift
from training.augmentation.regional_digits import add_regional_strokes
from training.datasets.picture_data import Labels, Pixels
from training.drawing.clothes import golden_articles
from training.drawing.digits import golden_digits
from training.drawing.scenes import golden_scenes

Augmentation = Callable[[Pixels, Labels, np.random.Generator], Pixels]

# Share of the 1s and 7s; with fewer, digits written outside the United States were misread.
_REGIONAL_SHARE = 0.25
# Pictures of any kind are moved by up to this part of their side: by 4 of 32 pixels.
_SHIFTED_PART = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureKind:
    """What pictures of one kind need.

    Attributes:
        augment: Function that returns a changed copy of every picture, for one epoch.
        changes: Text for the card that follows "Every epoch sees every picture".
        golden: Function that draws pictures of one size, which the geometry accepts.
        drawn: Text for the card about the pictures that are drawn.
        limits: List for the card of what the network cannot do, with `{shows}` for what the
            pictures show, `{count}` for the number of labels, and `{doubt}`.
        doubt: Text for the card about what credibility tells, where it is calibrated.
        first_filters: Number of filters in the first layers of the convolutional network: cloth
            and fur have finer detail than strokes.
    """

    augment: Augmentation
    changes: str
    golden: Callable[[], Pixels]
    drawn: str
    limits: str
    doubt: str = ": credibility tells that, for most others"
    first_filters: int = 32


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


_ANY_PICTURE = """\
- It knows only what it was trained on: {shows}. It answers any picture
  with one of its {count} labels. A high probability does not mean that the picture shows one at
  all{doubt}.
- A picture is seen whole and small: what matters in it should fill most of it."""

PICTURE_KINDS: Mapping[str, PictureKind] = {
    "digit": PictureKind(
        augment=_augment_digits,
        changes=(
            "warped and inked anew (`training/augmentation/digits.py`), some 1s with a flag and a "
            "foot and some 7s with a bar (`training/augmentation/regional_digits.py`)"
        ),
        golden=lambda: golden_digits()[0],
        drawn="Digits drawn by code, never seen in training, as the model reads them.",
        limits="""\
- It knows only what it was trained on: {shows}.
- It answers anything that has ink with one of its labels, a letter or a doodle too. A high
  probability does not mean that the picture shows a digit at all{doubt}.
- Several digits in one picture are read as one.""",
        doubt=(
            ": credibility tells that, for most\n  letters, not for those that look like a digit"
        ),
        first_filters=16,
    ),
    "article": PictureKind(
        augment=_augment_articles,
        changes=(
            "anew: half of them with left and right exchanged, moved by up to 2 pixels, half with "
            "a part of them erased (`training/augmentation/pictures.py`)"
        ),
        golden=lambda: golden_articles()[0],
        drawn=(
            "Silhouettes of clothes, shoes and bags drawn by code, before grounds of several "
            "colours, as the model reads them. They are simpler than any photo of training."
        ),
        limits="""\
- It knows only what it was trained on: {shows}. On a
  person, on a hanger in a room or beside another article it has not seen them.
- It answers any picture with one of its labels, a hat or a cup too. A high probability does not
  mean that the picture shows one of them at all{doubt}.
- It sees 28 x 28 grey pixels. Shirt, T-shirt, pullover and coat look much alike there, to people
  too: the matrix above shows which are taken for each other.""",
    ),
    "object": PictureKind(
        augment=_augment_objects,
        changes=(
            "anew: half of them with left and right exchanged, moved by up to an eighth of their "
            "side, half with a part of them erased (`training/augmentation/pictures.py`)"
        ),
        golden=golden_scenes,
        drawn=(
            "Shapes drawn by code, which are none of the labels: what the model answers all the "
            "same, and what the service asks it at every start."
        ),
        limits=_ANY_PICTURE,
    ),
    "class": PictureKind(
        augment=_augment_classes,
        changes=(
            "anew: half of them with left and right exchanged, moved by up to an eighth of their "
            "side (`training/augmentation/pictures.py`)"
        ),
        golden=golden_scenes,
        drawn=(
            "Shapes drawn by code, which are none of the labels: what the model answers all the "
            "same, and what the service asks it at every start."
        ),
        limits=_ANY_PICTURE,
    ),
}
