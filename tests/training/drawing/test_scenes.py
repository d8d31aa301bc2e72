"""Scenes drawn by code."""

import numpy as np

from training.drawing.scenes import golden_scenes


def test_golden_scenes_are_all_different() -> None:
    scenes = golden_scenes()

    assert len(np.unique(scenes.reshape(len(scenes), -1), axis=0)) == len(scenes)
