"""A frame that was drawn or printed around a digit: how it is found in the ink, and cut away.

A frame is a thin closed line around something that is drawn within it. A 0 is a closed line, too,
but there is nothing within it, or a dot or a dash. An 8 has nothing but its own stroke within its
outline.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.components import Labels, label_components
from vitrine.geometry.fitted import Levels, Mask, Pixels, Shape
from vitrine.geometry.raster import Box, border_pixels, bounding_box, dilate, squareness
from vitrine.geometry.segmentation import Segmentation
from vitrine.opencv import cv2

# So many parts are tried, those with the most ink. A frame has at least this share of the ink of
# the part that has most.
_MOST_CANDIDATES = 4
_LEAST_MASS = 0.05
# In fewer pixels a frame cannot be told from a 0.
_LEAST_SIDE = 10
# The share of a frame's outline that is ink: of a frame in one part, in several, and in many.
_LEAST_CLOSED = 0.5
_LEAST_BROKEN = 0.6
_LEAST_DASHED = 0.35
_FEWEST_DASHES = 8
# Widths of a frame's line, as shares of its longer side. The widest line is a tenth of it, or a
# little more; a thin one is thinner than most strokes of a 0.
_WIDEST_LINE = 0.16
_THIN_LINE = 0.06
# A box fills at least this share of the smallest rectangle around it, even with round corners; a
# circle fills a share of pi / 4.
_LEAST_SQUARENESS = 0.87
_LEAST_ROUNDNESS = 0.74
# A ring that is this much longer than wide is rather a 0 than a circle around a digit.
_LONGEST_CIRCLE = 1.2
# The longer side of what a frame is drawn around, as a share of the frame's: in a box with a thin
# line, in a circle, and in any other box. A dot in a 0 is hardly longer than the line is wide.
_LEAST_CONTENT = 0.15
_LEAST_CONTENT_OF_CIRCLE = 0.2
_LEAST_CONTENT_OF_THICK = 0.45
_LEAST_LINE_WIDTHS = 3
# The height of a digit that a box touches, as a share of the height within the box: the bar of an 8
# is lower. The hole of the box has this share of both sides.
_LEAST_TOUCHING_CONTENT = 0.4
_LEAST_HOLE = 0.8
# The line of a frame reaches into its hole by this share of the shorter side at most.
_OUTSKIRTS = 0.05
# A digit is further from the circle around it than the dash in a 0, as a share of the diameter.
_CIRCLE_DISTANCE = 0.015
# The paper within a box has another colour than the paper around it, if it differs by more levels.
_OTHER_PAPER = 10.0
# What is cut out has a margin of paper that is this share of the frame's longer side.
_MARGIN = 0.15
# A frame along the picture's edge is narrower than this share of the shorter side. Its levels lie
# within the range, and so do those of this share of the paper around the digit, which differ from
# the edge.
_WIDEST_EDGE = 0.1
_EVEN_RANGE = 40.0
_LEAST_EVEN = 0.7
_EDGE_CONTRAST = 60.0


@dataclass(frozen=True)
class _Ring:
    """A line around a hole, alone or together with what it touches.

    Attributes:
        box: The box around it.
        ink: All the ink in the box.
        line: The ring's own ink.
        line_width: Width of the line, in pixels.
        filled: The ring and what it encloses.
        hole: What the line encloses, without a pixel for the line's soft edge.

    Shapes:
        ink, line, filled, hole: those of the box.
    """

    box: Box
    ink: Mask
    line: Mask
    line_width: int
    filled: Mask
    hole: Mask

    @cached_property
    def sides(self) -> tuple[int, int]:
        """Height and width, without what sticks out."""
        top, bottom, left, right = bounding_box(self.hole)
        lines = 2 * (self.line_width + 1)
        return bottom - top + lines, right - left + lines

    @cached_property
    def middle(self) -> Mask:
        """The hole without its outskirts, into which a wide spot of the line may reach."""
        return _peeled(self.hole, max(1, round(_OUTSKIRTS * min(self.sides))))

    @property
    def is_thin(self) -> bool:
        """Whether the line is thinner than most strokes of a 0."""
        return self.line_width <= _THIN_LINE * max(self.sides)

    @cached_property
    def squareness(self) -> float:
        """The share of the smallest rectangle around the hole that the hole fills."""
        return squareness(self.hole)

    @property
    def is_box(self) -> bool:
        """Whether it is a rectangle, turned or with round corners."""
        return self.squareness >= _LEAST_SQUARENESS

    @property
    def is_circle(self) -> bool:
        """Whether it is about as round as a circle."""
        return self.squareness >= _LEAST_ROUNDNESS and max(self.sides) <= _LONGEST_CIRCLE * min(
            self.sides
        )


def add_margin(pixels: Pixels) -> Pixels:
    """Put paper around a picture that was cut along a frame; others are not changed.

    Otherwise the frame would be taken for paper, which is at the edge of most pictures.

    Shapes:
        (height, width, channels).
    """
    width = max(2, round(_WIDEST_EDGE * min(pixels.shape[:2])))
    if min(pixels.shape[:2]) <= 4 * width:
        return pixels
    # 1. Paper in four corners that looks like the edge tells most pictures, at little cost.
    depths = (width, 3 * width // 2, 2 * width)
    ends = depths[-1], -depths[-1] - 1
    corners = np.array([pixels[row, column] for row in ends for column in ends], np.float32)
    if np.abs(corners - pixels[0, 0]).max(axis=1).min() < _EDGE_CONTRAST:
        return pixels
    # 2. The edge is all of one colour, and most of what is a little further in is of another one.
    edge = border_pixels(pixels).astype(np.float32)
    within = np.concatenate([border_pixels(pixels[d:-d, d:-d]) for d in depths]).astype(np.float32)
    paper = np.median(within, axis=0)
    is_paper = np.abs(within - paper).max(axis=1) <= _EVEN_RANGE
    if np.ptp(edge, axis=0).max() > _EVEN_RANGE or is_paper.mean() < _LEAST_EVEN:
        return pixels
    # 3. Continue that one around the picture.
    height, breadth, channels = pixels.shape
    larger = np.empty((height + 2 * width, breadth + 2 * width, channels), pixels.dtype)
    larger[:] = paper
    larger[width:-width, width:-width] = pixels
    return larger


def within_frame(pixels: Pixels, view: Levels, segmentation: Segmentation) -> Pixels | None:
    """Cut a picture to what a frame encloses; None where there is no frame.

    The frame and what lies outside of it become paper.

    Args:
        pixels: The picture.
        view: The picture, reduced to working size.
        segmentation: The view's ink and paper.

    Shapes:
        pixels, view: (height, width, channels).
    """
    for ring in _rings(segmentation):
        enclosed = _enclosed(ring, segmentation.difference[ring.box.slices])
        if enclosed is not None:
            return _cut(pixels, view, segmentation, ring, enclosed)
    return None


def _rings(segmentation: Segmentation) -> Iterator[_Ring]:
    """Find rings in the parts with the most ink, then one that consists of several parts."""
    labels, mass = segmentation.labels, segmentation.mass
    ink = labels > 0
    for part in np.argsort(mass)[: -_MOST_CANDIDATES - 1 : -1]:
        if mass[part] >= _LEAST_MASS * mass.max():
            own = labels == part + 1
            ring = _find_ring(own, ink, _LEAST_CLOSED, outermost=_LEAST_CLOSED, is_open=False)
            if ring is not None:
                yield ring
    if len(mass) > 1:
        # Fewer parts than these cannot be so many dashes.
        outermost = _LEAST_BROKEN if len(mass) < _FEWEST_DASHES else _LEAST_DASHED
        ring = _find_ring(ink, ink, _LEAST_DASHED, outermost=outermost, is_open=True)
        if ring is not None:
            yield from _dashed(ring, labels[ring.box.slices])


def _find_ring(
    line: Mask, ink: Mask, least: float, *, outermost: float, is_open: bool
) -> _Ring | None:
    """Take ink for a ring if its outline is ink, and if there is room within.

    Args:
        line: The ink of the ring, and what it touches.
        ink: All the ink.
        least: Share of the outline that is ink.
        outermost: The same for the outermost pixels of the ring.
        is_open: Whether the ring has gaps.
    """
    box = bounding_box(line)
    line, ink = line[box.slices], ink[box.slices]
    if min(line.shape) < _LEAST_SIDE or not (_has_two_sides(line) and _has_two_sides(line.T)):
        return None
    # 1. Fill it.
    filled = _filled(line, is_open=is_open)
    # 2. Peel it, a pixel at a time, as long as most of the outline is ink.
    depth = _depth(filled)
    sizes = np.bincount(depth.ravel()).tolist()
    inked = np.bincount(depth[line], minlength=len(sizes)).tolist()
    line_width, share = 0, outermost
    while line_width + 1 < len(sizes) and inked[line_width + 1] / sizes[line_width + 1] > share:
        line_width, share = line_width + 1, least
        if line_width > _WIDEST_LINE * min(line.shape):
            return None
    # 3. A pixel more is the line's soft edge.
    hole = depth > line_width + 1
    if not line_width or not hole.any():
        return None
    return _Ring(box, ink, line, line_width, filled, hole)


def _depth(mask: Mask) -> NDArray[np.intp]:
    """Return after how many peels each pixel is gone; 0 outside of the mask."""
    sides = (1, 1, 1, 1)
    padded = cv2.copyMakeBorder(mask.view(np.uint8), *sides, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_C, 3)
    return np.asarray(depth[1:-1, 1:-1], np.intp)


def _has_two_sides(line: Mask) -> bool:
    """Tell whether there is ink to the left and to the right of the middle; few digits have it."""
    height, width = line.shape
    reach = 1 + height // 16
    middle = np.max(line[height // 2 - reach : height // 2 + reach], axis=0)
    return bool(middle[: width // 4 + 1].any() and middle[-width // 4 :].any())


def _filled(line: Mask, *, is_open: bool) -> Mask:
    """Fill what has ink to the left and to the right, and above and below."""
    if is_open:
        # What a gap opens to one side is closed from the other sides.
        line = _between(line) | _between(line.T).T
    return np.asarray(_between(line) & _between(line.T).T)


def _between(mask: Mask) -> Mask:
    """Fill each row from its first to its last pixel."""
    columns = np.arange(mask.shape[1], dtype=np.int16)
    first = mask.argmax(axis=1).astype(np.int16)
    last = (mask.shape[1] - mask[:, ::-1].argmax(axis=1)).astype(np.int16)
    last[~mask.any(axis=1)] = 0
    return np.asarray((columns >= first[:, np.newaxis]) & (columns < last[:, np.newaxis]))


def _peeled(mask: Mask, times: int = 1) -> Mask:
    """Take the outermost pixels away."""
    peeled = cv2.erode(
        mask.view(np.uint8), None, iterations=times, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return np.asarray(peeled).view(np.bool_)


def _dashed(ring: _Ring, labels: Labels) -> Iterator[_Ring]:
    """Keep the parts of a ring that are wholly in its line, if they are enough for a line."""
    reaches_within = np.zeros(labels.max() + 1, np.bool_)
    reaches_within[labels[ring.hole]] = True
    dashes = ring.line & ~reaches_within[labels]
    is_many = np.count_nonzero(np.bincount(labels[dashes])) >= _FEWEST_DASHES
    outline = ring.filled & ~_peeled(ring.filled)
    if dashes[outline].mean() > (_LEAST_DASHED if is_many else _LEAST_BROKEN):
        yield replace(ring, line=dashes)


def _enclosed(ring: _Ring, difference: Levels) -> Mask | None:
    """Return where the ink is that a ring encloses; None if the ring is no frame.

    Args:
        ring: The ring.
        difference: The picture less the paper's colour.

    Shapes:
        difference: (height, width, channels), of the ring's box; result: (height, width).
    """
    if _longest_side(ring.line & _peeled(ring.hole)) >= _LEAST_CONTENT * max(ring.sides):
        return ring.hole if _is_touching_box(ring) else None
    enclosed = ring.filled & ~ring.line
    content = enclosed & ring.ink
    if not (
        _is_box_around(ring, content)
        or _is_circle_around(ring, content)
        or _is_box_of_other_paper(ring, difference)
    ):
        return None
    # The line's soft edge is no content, but a stroke that comes close to the line is.
    return np.asarray(enclosed & (~dilate(ring.line) | dilate(content)))


def _is_touching_box(ring: _Ring) -> bool:
    """Tell whether a ring that is connected with something within is a box around a digit."""
    height = ring.sides[0] - 2 * (ring.line_width + 1)
    is_hole_large = all(
        side >= _LEAST_HOLE * outer for side, outer in zip(ring.sides, ring.line.shape, strict=True)
    )
    if not (ring.is_box and ring.is_thin and is_hole_large):
        return False
    content = _largest(ring.middle & ring.ink)
    return content is not None and content.bottom - content.top >= _LEAST_TOUCHING_CONTENT * height


def _is_box_around(ring: _Ring, content: Mask) -> bool:
    if not ring.is_box:
        return False
    least = _LEAST_CONTENT_OF_THICK
    if ring.is_thin:
        least = max(_LEAST_CONTENT, _LEAST_LINE_WIDTHS * ring.line_width / max(ring.sides))
    return _longest_side(content) >= least * max(ring.sides)


def _is_circle_around(ring: _Ring, content: Mask) -> bool:
    if not (ring.is_circle and ring.is_thin):
        return False
    longest = max(ring.sides)
    middle = _peeled(ring.hole, round(_CIRCLE_DISTANCE * longest))
    is_apart = not (content & ~middle).any()
    return is_apart and _longest_side(content) >= _LEAST_CONTENT_OF_CIRCLE * longest


def _is_box_of_other_paper(ring: _Ring, difference: Levels) -> bool:
    """Tell whether a box has its own paper, on which ink is found only without the rest."""
    other = np.abs(np.median(difference[ring.hole], axis=0)).max()
    return ring.is_box and ring.is_thin and bool(other > _OTHER_PAPER)


def _longest_side(mask: Mask) -> int:
    largest = _largest(mask)
    return 0 if largest is None else largest.longer_side


def _largest(mask: Mask) -> Box | None:
    """Return the box around the largest of the connected parts of a mask."""
    if not mask.any():
        return None
    labels = label_components(mask)
    return bounding_box(labels == 1 + np.bincount(labels.ravel())[1:].argmax())


def _cut(
    pixels: Pixels, view: Levels, segmentation: Segmentation, ring: _Ring, enclosed: Mask
) -> Pixels:
    # 1. Take a margin around the frame.
    box, within = _enlarged(ring, enclosed, view.shape)
    # 2. The paper within a frame may have another colour than the paper around it.
    difference = segmentation.difference[box.slices]
    paper = view[box.slices] - difference + np.median(difference[within], axis=0)
    paper = np.clip(np.rint(paper), 0, 255).astype(pixels.dtype)
    # 3. A pixel of the view is a block of the picture's.
    down, across = (pixels.shape[axis] // view.shape[axis] for axis in (0, 1))
    top, bottom, left, right = box
    part = pixels[top * down : bottom * down, left * across : right * across]
    is_within = within[..., np.newaxis].repeat(down, axis=0).repeat(across, axis=1)
    return np.where(is_within, part, paper.repeat(down, axis=0).repeat(across, axis=1))


def _enlarged(ring: _Ring, enclosed: Mask, shape: Shape) -> tuple[Box, Mask]:
    """Return a larger box than the ring's, and what is enclosed there."""
    margin = round(_MARGIN * max(ring.sides))
    top, bottom, left, right = ring.box
    box = Box(
        max(0, top - margin),
        min(shape[0], bottom + margin),
        max(0, left - margin),
        min(shape[1], right + margin),
    )
    whole = np.zeros(shape[:2], np.bool_)
    whole[ring.box.slices] = enclosed
    return box, whole[box.slices]
