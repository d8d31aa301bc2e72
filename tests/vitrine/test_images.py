"""Bytes of a picture become pixels: formats, limits, orientation, transparency, colour."""

import random
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from tests.pictures import coverage, mnist_like, painted, saved
from vitrine.errors import EmptyBody, MalformedPicture, PictureTooLarge, UnsupportedPicture
from vitrine.images import (
    _decode_still_webp,
    _Memory,
    _pixels,
    _reduced,
    begins_like_picture,
    declared_size,
    decode,
)
from vitrine.levels import Picture

ANY_SIZE = 50_000_000
GREY = np.arange(0, 240, 2).astype(np.uint8).reshape(10, 12)
COLOUR = painted(coverage(side=40), ink=(200, 30, 40))
ORIENTATION = 0x0112


def bmp_of(width: int, height: int, *, compression: int, data: bytes = b"") -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 1078) + header + bytes(1024) + data


def opened(body: bytes) -> Picture:
    return decode(body, max_pixels=ANY_SIZE)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_grey_file_keeps_every_level(form: str) -> None:
    pixels = opened(saved(GREY, form)).pixels

    assert np.array_equal(pixels[..., 0], GREY)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
    ],
    ids=["png", "bmp", "tiff", "tiff-lzw", "webp"],
)
def test_lossless_colour_file_keeps_every_level(form: str, options: dict[str, object]) -> None:
    assert np.array_equal(opened(saved(COLOUR, form, **options)).pixels, COLOUR)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_lossy_file_keeps_the_picture(form: str) -> None:
    pixels = opened(saved(COLOUR, form, quality=95)).pixels

    assert np.abs(pixels.astype(int) - COLOUR).mean() < 6


def test_mnist_picture_keeps_every_byte() -> None:
    picture = opened(saved(mnist_like()))

    assert np.array_equal(picture.pixels, mnist_like()[..., np.newaxis])
    assert picture.steps == ()


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("1", "PNG"),
        ("1", "BMP"),
        ("P", "PNG"),
        ("P", "GIF"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("RGBA", "WEBP"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"),
    ],
)
def test_every_mode_becomes_grey_or_colour(mode: str, form: str) -> None:
    image = Image.fromarray(painted(coverage(side=40))).convert(mode)

    pixels = opened(saved(image, form)).pixels

    assert pixels.dtype == np.uint8
    assert pixels.shape in {(40, 40, 1), (40, 40, 3)}
    assert pixels.min() < 60
    assert pixels.max() > 220


def test_lab_file_becomes_colour() -> None:
    grey = Image.fromarray(GREY)
    neutral = Image.new("L", grey.size, 128)
    lab = Image.merge("LAB", (grey, neutral, neutral))

    assert opened(saved(lab, "TIFF")).pixels.shape == (10, 12, 3)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bit_levels_are_scaled_by_their_depth(form: str) -> None:
    deep = GREY.astype(np.uint16) * 257

    assert np.array_equal(opened(saved(deep, form)).pixels[..., 0], GREY)


@pytest.mark.parametrize(
    "levels",
    [
        (GREY / 255).astype(np.float32),
        GREY.astype(np.float32),
        GREY.astype(np.int32),
        GREY.astype(np.int32) * 257,
    ],
    ids=["unit-float", "byte-float", "byte-integer", "deep-integer"],
)
def test_levels_of_no_certain_depth_are_scaled_by_their_range(levels: NDArray[np.generic]) -> None:
    assert np.array_equal(opened(saved(levels, "TIFF")).pixels[..., 0], GREY)


def test_negative_levels_are_scaled_from_lowest_to_highest() -> None:
    pixels = opened(saved(np.array([[-3.0, 0.0, np.nan, 3.0]], np.float32), "TIFF")).pixels

    assert pixels[0, :, 0].tolist() == [0, 128, 128, 255]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_undone(form: str, orientation: int) -> None:
    upright = np.zeros((40, 56), np.uint8)
    upright[:20, :28] = 255
    turned = {
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation

    picture = opened(saved(turned, form, exif=exif))

    assert np.abs(picture.pixels[..., 0].astype(int) - upright).mean() < 3
    assert picture.steps == ("turned upright",)


def test_broken_exif_is_no_fault_of_the_picture() -> None:
    body = saved(GREY, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    assert np.array_equal(opened(body).pixels[..., 0], GREY)


@pytest.mark.parametrize("ink", [0, 255], ids=["black", "white"])
def test_ink_on_a_transparent_canvas_can_be_seen(ink: int) -> None:
    share = coverage(side=40)
    canvas = np.full((40, 40, 4), ink, np.uint8)
    canvas[..., 3] = np.rint(share * 255)

    picture = opened(saved(canvas))

    assert (
        np.abs(picture.pixels[..., 0] - (255 * (1 - share) if ink == 0 else 255 * share)).max() <= 1
    )
    assert picture.steps == ("made opaque",)


def test_half_transparent_levels_are_rounded() -> None:
    canvas = np.zeros((1, 3, 4), np.uint8)
    canvas[0, :, :3] = (0, 0, 90), (0, 0, 91), (0, 0, 92)
    canvas[0, :, 3] = 128

    assert opened(saved(canvas)).pixels[0].tolist() == [
        [127, 127, 172],
        [127, 127, 173],
        [127, 127, 173],
    ]


def test_transparent_colour_of_a_palette_is_not_ink() -> None:
    image = Image.fromarray(np.where(coverage(side=40) > 0.5, 1, 0).astype(np.uint8), "P")
    image.putpalette([90, 10, 10, 0, 0, 0])

    pixels = opened(saved(image, "GIF", transparency=0)).pixels

    assert set(np.unique(pixels)) == {0, 255}


def test_cut_out_paper_stays_the_ground() -> None:
    cut_out = np.dstack([painted(coverage(side=60)), np.full((60, 60), 255, np.uint8)])
    canvas = np.pad(cut_out, ((10, 10), (10, 10), (0, 0)))

    pixels = opened(saved(canvas)).pixels

    assert pixels[0, 0].tolist() == [240, 238, 230]


@pytest.mark.parametrize("alpha", [0, 255], ids=["empty", "full"])
def test_alpha_that_says_nothing_is_ignored(alpha: int) -> None:
    layered = np.dstack([COLOUR, np.full(COLOUR.shape[:2], alpha, np.uint8)])

    picture = opened(saved(layered))

    assert np.array_equal(picture.pixels, COLOUR)
    assert picture.steps == ()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation_counts(form: str) -> None:
    frames = [Image.new("L", (20, 20), level) for level in (200, 50)]
    options = {"lossless": True} if form == "WEBP" else {}

    body = saved(frames[0], form, save_all=True, append_images=frames[1:], **options)

    assert np.all(opened(body).pixels == 200)


def test_large_picture_is_averaged_down() -> None:
    pixels = np.zeros((2000, 3000), np.uint8)
    pixels[:, 1500:] = 200

    small = opened(saved(pixels)).pixels

    assert small.shape == (1000, 1500, 1)
    assert small[500, [0, 749, 750, 1499], 0].tolist() == [0, 0, 200, 200]


def test_large_transparent_picture_keeps_its_colours() -> None:
    canvas = np.zeros((2200, 2200, 4), np.uint8)
    canvas[501:900, 500:900] = (255, 0, 0, 255)

    small = opened(saved(canvas)).pixels

    assert small.shape == (1100, 1100, 3)
    assert small[300, 300].tolist() == [255, 0, 0]
    assert small[250, 300].tolist() == [255, 127, 127]  # half red, not half black


def test_large_float_picture_is_averaged_down() -> None:
    large = np.full((2200, 2200), 0.5, np.float32)

    assert opened(saved(large, "TIFF")).pixels.shape == (1100, 1100, 1)


def test_large_jpeg_is_averaged_down() -> None:
    assert opened(saved(np.zeros((3000, 4000), np.uint8), "JPEG")).pixels.shape == (1500, 2000, 1)


@pytest.mark.parametrize("side", [40, 2100], ids=["small", "reduced"])
@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 40}], ids=["lossless", "lossy"]
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_has_the_pixels_that_pillow_decodes(
    side: int, options: dict[str, object], mode: str
) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (side // 10, side // 10, len(mode)), np.uint8)
    image = Image.fromarray(noise).resize((side, side))
    body = saved(image, "WEBP", method=0, **options)

    decoded = _decode_still_webp(body)

    assert decoded is not None
    assert np.array_equal(_reduced(decoded), _pixels(Image.open(BytesIO(body))))


# A lossless file of 38 bytes, which holds 7000 x 7000 pixels of one colour.
BOMB = bytes.fromhex("524946461e000000574542505650384c110000002f57dbd5060750852257a1ff8188e87f0000")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (BOMB, "WEBP"),
        (saved(np.zeros((5001, 5000), np.uint8), "PNG"), "PNG"),
        (saved(np.zeros((5001, 5000), np.uint8), "JPEG", progressive=True), "progressive JPEG"),
    ],
    ids=["webp", "png", "progressive"],
)
def test_picture_that_is_decoded_whole_may_have_fewer_pixels(body: bytes, kind: str) -> None:
    with pytest.raises(PictureTooLarge, match=f"A picture in {kind} may have at most 25000000"):
        opened(body)


def test_jpeg_that_is_reduced_while_it_is_decoded_may_have_more_pixels() -> None:
    assert opened(saved(np.zeros((5001, 5000), np.uint8), "JPEG")).pixels.shape == (1251, 1250, 1)


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError("out of memory when reading image file")], ids=["own", "C"]
)
def test_lack_of_memory_is_no_fault_of_the_picture(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: ImageFile.ImageFile) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)

    with pytest.raises(MemoryError):
        opened(saved(GREY, "GIF"))


def test_threads_share_the_memory_in_which_large_pictures_are_decoded() -> None:
    memory, order = _Memory(10), []

    def decode_another() -> None:
        with memory.taken(99):  # more than there is: alone
            order.append("second")

    with memory.taken(4), memory.taken(6):
        thread = threading.Thread(target=decode_another)
        thread.start()
        order.append("first")
    thread.join()

    assert order == ["first", "second"]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_size_is_checked_against_the_limit(form: str) -> None:
    body = saved(GREY, form)

    assert decode(body, max_pixels=120).pixels.shape[:2] == (10, 12)
    with pytest.raises(PictureTooLarge, match=r"at most 119 pixels\. Received: 12 x 10"):
        decode(body, max_pixels=119)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_declared_size_is_read_without_decoding(form: str) -> None:
    assert declared_size(saved(GREY, form)) == (12, 10)


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", saved(GREY)[:20], bmp_of(10_000, 5_000, compression=1)],
    ids=["empty", "text", "truncated", "too-large"],
)
def test_file_that_declares_no_size_has_none(body: bytes) -> None:
    assert declared_size(body) is None


def test_no_bytes_are_an_empty_body() -> None:
    with pytest.raises(EmptyBody):
        opened(b"")


@pytest.mark.parametrize("body", [b"hello", b"RIFF\0\0\0\0WAVE"], ids=["text", "wav"])
def test_other_files_are_unsupported(body: bytes) -> None:
    with pytest.raises(UnsupportedPicture) as caught:
        opened(body)

    assert caught.value.detail == (
        "The first bytes belong to none of the supported picture formats: "
        "PNG, JPEG, WebP, GIF, BMP, TIFF."
    )


def test_picture_of_another_format_is_named_with_what_to_do() -> None:
    with pytest.raises(UnsupportedPicture) as caught:
        opened(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")

    assert caught.value.detail == (
        "This is a HEIC picture, which cannot be read. Save it as JPEG or PNG. "
        "Supported picture formats: PNG, JPEG, WebP, GIF, BMP, TIFF."
    )


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n", saved(GREY, "BMP"), b"%PDF-1.7"])
def test_picture_begins_like_one(body: bytes) -> None:
    assert begins_like_picture(body)


@pytest.mark.parametrize("body", [b"", b"size,colour\n1,red\n", b"BMI,age,region\n21.5,40,1\n"])
def test_table_does_not_begin_like_a_picture(body: bytes) -> None:
    assert not begins_like_picture(body)


def test_raw_picture_in_a_tiff_file_is_named() -> None:
    # A TIFF whose only directory refers to others, in which a camera keeps its picture.
    body = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 330, 4, 1, 26, 0)

    with pytest.raises(UnsupportedPicture, match=r"raw picture of a camera.*Export it as JPEG"):
        opened(body)


@pytest.mark.parametrize("form", ["JPEG", "GIF"])
def test_file_that_curl_took_bytes_from_is_named(form: str) -> None:
    body = saved(COLOUR, form).translate(None, b"\0\r\n")

    with pytest.raises(MalformedPicture, match=r"truncated or corrupt.*--data-binary"):
        opened(body)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated_file_is_malformed(form: str, share: float) -> None:
    body = saved(COLOUR, form)

    with pytest.raises(MalformedPicture, match="truncated or corrupt"):
        opened(body[: int(len(body) * share)])


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return saved(GREY)[:8] + chunk(b"IHDR", header) + saved(GREY)[33:]


def png_with(extra: bytes) -> bytes:
    return saved(GREY)[:33] + extra + saved(GREY)[33:]


def gif_with(extra: bytes, *, width: int = 12) -> bytes:
    """Put blocks before the first frame of a GIF, and change the width of that frame."""
    body = saved(GREY, "GIF")
    at = 13 + (3 << ((body[10] & 7) + 1))
    at = body.index(b",\0\0\0\0", at)
    frame = b",\0\0\0\0" + struct.pack("<HH", width, 10)
    return body[:at] + extra + frame + body[at + 9 :]


def tiff_of(*entries: tuple[int, int, int, int]) -> bytes:
    """Write a TIFF directory of (tag, type, count, value); type 3 has two bytes, type 4 four."""
    size = ((256, 4, 1, 28), (257, 4, 1, 28), (258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1))
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(size + entries))
    count = struct.pack("<H", len(size) + len(entries))
    return b"II*\0" + struct.pack("<I", 8) + count + packed + bytes(2000)


@pytest.mark.parametrize(
    "body",
    [
        png_of(60_000, 60_000),
        gif_with(b"", width=65_000),
        saved(GREY, "WEBP", exif=b"x")[:24] + b"\xff\xff\x3f\xff\xff\x03" + bytes(50),
        bmp_of(10_000, 5_000, compression=1),
        bmp_of(-(2**31), -(2**31), compression=0),
    ],
    ids=["png", "gif-frame-beyond-screen", "webp-canvas", "bmp-runs", "bmp-negative"],
)
def test_promise_of_too_many_pixels_is_too_large(body: bytes) -> None:
    with pytest.raises(PictureTooLarge):
        decode(body, max_pixels=500_000)


COUNT = 100_001
OFFSETS = np.full(COUNT, 200, "<u4").tobytes()
MANY_STRIPS = tiff_of((273, 4, COUNT, 2000), (279, 4, COUNT, 2000), (278, 4, 1, 1))[:2000] + OFFSETS
PROGRESSIVE = saved(COLOUR, "JPEG", progressive=True)
SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]


@pytest.mark.parametrize(
    "body",
    [
        png_of(0, 10),
        png_with(chunk(b"abCd") * 20_000),
        png_with(chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(5_000_000)))),
        PROGRESSIVE[:-2] + SCAN * 100 + b"\xff\xd9",
        b"\xff\xd8" + b"\xff\xe5\0\2" * 20_000,
        b"\xff\xd8\xff" + bytes(50_000),
        gif_with(b"!\xfe\0" * 20_000),
        gif_with(b"?"),
        MANY_STRIPS,
        tiff_of((322, 4, 1, 2**15), (323, 4, 1, 2**15)),
        bmp_of(10, 10, compression=1, data=bytes(100_000)),
    ],
    ids=[
        "png-no-width",
        "png-chunks",
        "png-profile-bomb",
        "jpeg-scans",
        "jpeg-segments",
        "jpeg-padding",
        "gif-extensions",
        "gif-junk",
        "tiff-strips",
        "tiff-tile",
        "bmp-idle-runs",
    ],
)
def test_file_made_to_keep_us_busy_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPicture):
        opened(body)


def test_old_bitmap_header_is_read() -> None:
    header = struct.pack("<IHHHH", 12, 2, 1, 1, 24)
    body = b"BM" + struct.pack("<IHHI", 34, 0, 0, 26) + header + bytes([9, 8, 7, 6, 5, 4, 0, 0])

    assert opened(body).pixels.tolist() == [[[7, 8, 9], [4, 5, 6]]]


def test_jpeg_with_padded_markers_is_read() -> None:
    body = saved(GREY, "JPEG")

    assert np.array_equal(opened(body[:2] + b"\xff" + body[2:]).pixels, opened(body).pixels)


@pytest.mark.filterwarnings(r"ignore:::PIL\..*")
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
    ],
    ids=["png", "jpeg", "progressive", "webp", "gif", "bmp", "tiff", "tiff-lzw", "tiff-jpeg"],
)
def test_damaged_file_is_read_or_refused(form: str, options: dict[str, object]) -> None:
    chance = random.Random(form)
    whole = saved(COLOUR, form, **options)
    refusals = (EmptyBody, MalformedPicture, PictureTooLarge, UnsupportedPicture)
    for _ in range(150):
        damaged = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)

        try:
            pixels = decode(bytes(damaged), max_pixels=100_000).pixels
        except refusals:
            continue

        assert pixels.ndim == 3


def test_threads_do_not_disturb_each_other() -> None:
    bodies = [saved(np.full((30, 30), level, np.uint8)) for level in range(0, 250, 10)] * 4

    with ThreadPoolExecutor(8) as threads:
        levels = [int(picture.pixels.mean()) for picture in threads.map(opened, bodies)]

    assert levels == list(range(0, 250, 10)) * 4
