"""The frames of an animation are counted."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import saved
from vitrine.frame_counts import count_frames

OPTIONS: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "PNG": {"default_image": False}}


def animation(form: str, *, frames: int, side: int = 60) -> bytes:
    """Make an animation, or a file of several pages, of noise."""
    levels = np.random.default_rng(0).integers(0, 256, (frames, side, side)).astype(np.uint8)
    pictures = [Image.fromarray(each) for each in levels]
    options = OPTIONS.get(form, {})
    return saved(pictures[0], form, save_all=True, append_images=pictures[1:], **options)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_frames_are_counted(form: str, frames: int) -> None:
    assert count_frames(animation(form, frames=frames)) == frames


@pytest.mark.parametrize("form", ["JPEG", "BMP", "GIF", "WEBP", "PNG", "TIFF"])
def test_picture_is_one_frame(form: str) -> None:
    assert count_frames(saved(np.zeros((20, 20), np.uint8), form)) == 1


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_broken_file_ends_the_count(form: str) -> None:
    whole = animation(form, frames=3, side=8)

    counts = [count_frames(whole[:length]) for length in range(len(whole))]

    assert set(counts) <= {1, 2, 3}


def test_pages_that_follow_each_other_in_a_circle_are_counted_once() -> None:
    empty_directory = b"\0\0" + (8).to_bytes(4, "little")

    assert count_frames(b"II*\0" + (8).to_bytes(4, "little") + empty_directory) == 1


def test_file_of_endless_parts_is_counted_up_to_a_limit() -> None:
    head = b"GIF89a" + bytes(7)

    assert count_frames(head + (b"," + bytes(11)) * 150_000) == 100_000
