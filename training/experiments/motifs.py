"""What depends on what the pictures show: how they are drawn anew, and what the card says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from training.augmentation import augment, erase, flip, shift
from training.datasets.pictures import Labels, Pixels
from training.penmanship import add_foreign_strokes
from training.silhouettes import golden_articles, golden_scenes
from training.strokes import golden_digits

Augmentation = Callable[[Pixels, Labels, np.random.Generator], Pixels]

# Of the 1s and 7s; with fewer, digits written outside America were misread.
_FOREIGN_SHARE = 0.25
# Of the side, by how much pictures of any kind are shifted: 4 of 32 pixels.
_SHIFT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Motif:
    """What pictures of one kind need.

    Attributes:
        draw_anew: Returns a changed copy of every picture, for one epoch.
        changes: What it does, as the card says it after "Every epoch sees every picture".
        golden: Draws pictures by code, of one size, that the geometry accepts.
        drawn: What these are.
        limits: Where the network ends, as a list in Markdown, with what the pictures are
            `{shows}`, the labels' `{count}`, and the `{doubt}` of it.
        doubt: What credibility tells, where it is calibrated.
        first_filters: Of the convolutional network: cloth and fur have finer detail than strokes.
    """

    draw_anew: Augmentation
    changes: str
    golden: Callable[[], Pixels]
    drawn: str
    limits: str
    doubt: str = ": credibility tells that, for most others"
    first_filters: int = 32


def _in_other_hands(digits: Pixels, labels: Labels, rng: np.random.Generator) -> Pixels:
    foreign = add_foreign_strokes(digits[..., 0], labels, rng, share=_FOREIGN_SHARE)
    return augment(foreign, rng)[..., np.newaxis]


def _laid_otherwise(articles: Pixels, _labels: Labels, rng: np.random.Generator) -> Pixels:
    moved = shift(flip(articles, rng), rng, pixels=2, beyond="constant")
    return erase(moved, rng)


def _seen_otherwise(pictures: Pixels, _labels: Labels, rng: np.random.Generator) -> Pixels:
    pixels = max(pictures.shape[1:3]) // _SHIFT
    return shift(flip(pictures, rng), rng, pixels=pixels, beyond="reflect")


def _partly_hidden(pictures: Pixels, labels: Labels, rng: np.random.Generator) -> Pixels:
    return erase(_seen_otherwise(pictures, labels, rng), rng)


_ANY_PICTURE = """\
- It knows only what it was trained on: {shows}. It answers any picture
  with one of its {count} labels. A high probability does not mean that the picture shows one at
  all{doubt}.
- A picture is seen whole and small: what matters in it should fill most of it."""

MOTIFS: Mapping[str, Motif] = {
    "digit": Motif(
        draw_anew=_in_other_hands,
        changes=(
            "warped and inked anew (`training/augmentation.py`), some 1s with a flag and a foot "
            "and some 7s with a bar (`training/penmanship.py`)"
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
    "article": Motif(
        draw_anew=_laid_otherwise,
        changes=(
            "anew: half of them with left and right exchanged, moved by up to 2 pixels, half with "
            "a part of them erased (`training/augmentation.py`)"
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
    "object": Motif(
        draw_anew=_partly_hidden,
        changes=(
            "anew: half of them with left and right exchanged, moved by up to an eighth of their "
            "side, half with a part of them erased (`training/augmentation.py`)"
        ),
        golden=golden_scenes,
        drawn=(
            "Shapes drawn by code, which are none of the labels: what the model answers all the "
            "same, and what the service asks it at every start."
        ),
        limits=_ANY_PICTURE,
    ),
    "class": Motif(
        draw_anew=_seen_otherwise,
        changes=(
            "anew: half of them with left and right exchanged, moved by up to an eighth of their "
            "side (`training/augmentation.py`)"
        ),
        golden=golden_scenes,
        drawn=(
            "Shapes drawn by code, which are none of the labels: what the model answers all the "
            "same, and what the service asks it at every start."
        ),
        limits=_ANY_PICTURE,
    ),
}
