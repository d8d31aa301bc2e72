"""The connected parts of a mask."""

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.fitted import Mask
from vitrine.opencv import cv2

# The number of the part that each pixel belongs to, from 1; 0 where the mask is not set.
Labels = NDArray[np.int32]


def label_components(mask: Mask) -> Labels:
    """Number the connected parts of a mask from 1; neighbours touch by a side or a corner.

    Parts are numbered in the order of their first pixels, row by row. Of OpenCV's algorithms only
    this one numbers them so.

    Shapes:
        (height, width) to (height, width).
    """
    _, labels = cv2.connectedComponentsWithAlgorithm(
        mask.view(np.uint8), 8, cv2.CV_32S, cv2.CCL_SAUF
    )
    return np.asarray(labels, np.int32)
