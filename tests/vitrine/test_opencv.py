"""OpenCV works in the thread that calls it, so that a worker may be forked at any time."""

import subprocess
import sys

from tests.servers import ROOT

BLUR_A_LARGE_PICTURE = """
import os
import numpy as np
from vitrine.opencv import cv2

before = len(os.listdir("/proc/self/task"))
cv2.GaussianBlur(np.zeros((3000, 3000), np.float32), (31, 31), 3)
print(len(os.listdir("/proc/self/task")) - before, cv2.getNumThreads())
"""


def test_opencv_starts_no_threads() -> None:
    run = subprocess.run(
        [sys.executable, "-c", BLUR_A_LARGE_PICTURE],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert run.stdout == "0 1\n"
