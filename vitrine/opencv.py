"""OpenCV as the library uses it: in the calling thread alone.

The rooms that work on pixels import `cv2` from here, so that none meets it unprepared.
"""

import cv2

__all__ = ["cv2"]

# OpenCV starts its threads with the first call that could use them. Zero keeps every call in the
# thread that makes it: a thread of the parent would be missing after a fork, and the service gives
# each of its own threads one core.
cv2.setNumThreads(0)
