"""Where the ink of a digit is, on a picture of any paper."""

from dataclasses import dataclass, replace

import numpy as np

from vitrine.errors import BlankPicture
from vitrine.geometry.fitted import Levels, Mask, Pixels, Steps
from vitrine.geometry.frames import add_margin, within_frame
from vitrine.geometry.paper import differences_from_paper
from vitrine.geometry.raster import Box, bounding_box, dilate, reduce_to
from vitrine.geometry.ruling import remove_lines
from vitrine.geometry.segmentation import Segmentation, segment

# A digit is searched in a picture of at most this size, and again around it where it is smaller
# than `_SMALL_SIDE` there.
_WORKING_SIDE = 160
_SMALL_SIDE = 56
# A frame may stand within another one, and both within a table.
_MOST_FRAMES = 3
# Shadows and tables are in photographs, which have at least this size.
_PHOTOGRAPH_SIDE = 64
# So much is added to the doubt about ink in a smaller picture that was found in another way than
# the first.
_PENALTY = 0.4
# Nine tenths of the levels of even paper lie within so many levels.
_EVEN_RANGE = 12.0


@dataclass(frozen=True, slots=True)
class _Digit:
    """A digit that was found.

    Attributes:
        view: The picture, reduced to working size.
        segmentation: The picture's ink and paper.
        parts: Which connected parts of the ink are the digit's.
        mask: The pixels of those parts, and their neighbours.
        box: The smallest box around `mask`.
    """

    view: Levels
    segmentation: Segmentation
    parts: Mask
    mask: Mask
    box: Box


def find_ink(pixels: Pixels, steps: Steps) -> Levels:
    """Map the ink of the digit, cut to where the digit is.

    Args:
        pixels: Levels in [0, 255].
        steps: Receives what was removed from the picture.

    Shapes:
        pixels: (height, width, channels); returns (height, width), of the digit.

    Raises:
        BlankPicture: Nothing stands out from the paper.
    """
    # 1. Find the digit in the whole picture, or in what a frame encloses.
    pixels, view, segmentation = _without_frames(pixels, steps)
    digit = _find_digit(view, segmentation, steps)
    # 2. If it is small there, find it once more in the part of the picture around it.
    is_reduced = view.shape[0] < pixels.shape[0]
    if is_reduced and digit.box.longer_side < _SMALL_SIDE:
        view = reduce_to(pixels[_surroundings(digit, pixels)], _WORKING_SIDE)
        digit = _find_digit(view, _best_segmentation(view), steps)
    # 3. Cut the digit out, without the ink that is not its own.
    _add_steps(digit, steps)
    mask, ink = digit.mask[digit.box.slices], digit.segmentation.ink[digit.box.slices]
    return np.where(mask, ink, np.float32(0))


def _without_frames(pixels: Pixels, steps: Steps) -> tuple[Pixels, Levels, Segmentation]:
    """Return what the innermost frame encloses, its view of working size, and its ink and paper."""
    pixels = add_margin(pixels)
    view = reduce_to(pixels, _WORKING_SIDE)
    segmentation = _best_segmentation(view)
    for _ in range(_MOST_FRAMES):
        enclosed = within_frame(pixels, view, segmentation)
        if enclosed is None:
            break
        smaller = reduce_to(enclosed, _WORKING_SIDE)
        try:
            segmentation = _best_segmentation(smaller)
        except BlankPicture:  # a ring around nothing is a 0
            break
        steps["frame removed"] = None
        pixels, view = enclosed, smaller
    return pixels, view, segmentation


def _find_digit(view: Levels, segmentation: Segmentation, steps: Steps) -> _Digit:
    # 1. Lines of ruled paper touch the border on both sides.
    if segmentation.contact.sum() > 1:
        segmentation = _without_lines(segmentation, steps)
    # 2. Choose the connected parts of the ink that make up the digit.
    parts = _digit_parts(segmentation)
    own = segmentation.inked if parts.all() else np.append(False, parts)[segmentation.labels]
    mask = dilate(own)
    return _Digit(view, segmentation, parts, mask, bounding_box(mask))


def _surroundings(digit: _Digit, pixels: Pixels) -> tuple[slice, slice]:
    """Return the digit's rows and columns in the whole picture, with half its side around it."""
    margin = digit.box.longer_side // 2 + 2
    down, across = (pixels.shape[axis] / digit.view.shape[axis] for axis in (0, 1))
    top, bottom, left, right = digit.box
    return (
        slice(max(0, int((top - margin) * down)), int((bottom + margin) * down)),
        slice(max(0, int((left - margin) * across)), int((right + margin) * across)),
    )


def _add_steps(digit: _Digit, steps: Steps) -> None:
    taken = {
        "background removed": _is_uneven(digit.view, digit.segmentation),
        "specks removed": not digit.parts.all(),
        "inverted": digit.segmentation.direction.sum() < 0,
        "cropped": digit.box.longer_side < max(digit.view.shape),
    }
    steps.update((step, None) for step, is_taken in taken.items() if is_taken)


def _is_uneven(view: Levels, segmentation: Segmentation) -> bool:
    """Tell whether the paper has a shade, a gradient or a grain that was removed."""
    every_fourth = slice(None, None, 4), slice(None, None, 4)
    is_paper = segmentation.ink[every_fourth] <= segmentation.floor
    paper = np.sort(view[every_fourth][is_paper], axis=0)
    twentieth = len(paper) // 20
    return len(paper) > 0 and bool((paper[-1 - twentieth] - paper[twentieth]).max() > _EVEN_RANGE)


def _best_segmentation(view: Levels) -> Segmentation:
    """Choose the estimate of the paper that leaves the least doubt about the ink."""
    candidates: list[Segmentation] = []
    for difference in differences_from_paper(view):
        segmentation = segment(difference)
        if segmentation is None:
            continue
        candidates.append(segmentation)
        # No doubt is negative, so that what no later candidate could undercut is chosen at once.
        if len(candidates) == 1 and (
            segmentation.is_plain
            or (not _is_photograph(segmentation) and segmentation.doubt <= _PENALTY)
        ):
            return segmentation
    if not candidates:
        raise BlankPicture
    first = candidates[0]
    return min(candidates, key=lambda candidate: candidate.doubt + _penalty(candidate, first))


def _is_photograph(segmentation: Segmentation) -> bool:
    return bool(max(segmentation.ink.shape) >= _PHOTOGRAPH_SIDE)


def _penalty(candidate: Segmentation, first: Segmentation) -> float:
    """Return what is added to the doubt of every candidate but the first, the smoothest one.

    The holes of a digit are as good a digit on ink as the digit is on paper. So a candidate with
    the opposite ink is less plausible, unless the first took a sheet on a table for ink.
    """
    if candidate is first:
        return 0.0
    is_photograph = _is_photograph(candidate)
    penalty = 0.0 if is_photograph else _PENALTY
    if float(candidate.direction @ first.direction) > -0.2:
        return penalty
    is_sheet = (
        is_photograph
        and np.count_nonzero(candidate.largest) < 0.5 * first.area
        and candidate.thickness < 0.3
        and first.squareness > 0.85
    )
    return -4.0 if is_sheet else penalty + 0.6


def _without_lines(segmentation: Segmentation, steps: Steps) -> Segmentation:
    """Remove the lines of ruled or squared paper, if enough ink is left without them."""
    ink = remove_lines(segmentation.ink, segmentation.floor)
    left = ink.sum() / segmentation.ink.sum()
    if not 0.1 < left < 1 or not (ink > segmentation.floor).any():
        return segmentation
    steps["ruled lines removed"] = None
    return replace(segmentation, ink=ink)


def _digit_parts(segmentation: Segmentation) -> Mask:
    """Tell the parts of the digit from specks, scraps of lines and what reaches in from outside."""
    # 1. Specks have little ink.
    inside, mass = segmentation.inside, segmentation.mass
    parts = inside & (mass >= 0.04 * mass[inside].max())
    if inside.all():
        return np.asarray(parts)
    # 2. Beside what reaches in from outside lie its pale edges: a digit has some dark pixels.
    labels = segmentation.labels.ravel()
    dark = np.bincount(labels, segmentation.ink.ravel() > 0.6)[1:]
    parts_with_ink = parts & (dark > 0.1 * np.bincount(labels)[1:])
    return np.asarray(parts_with_ink if parts_with_ink.any() else parts)
