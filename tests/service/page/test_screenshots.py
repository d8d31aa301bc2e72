"""The screenshots that the documents show.

Each is left in `screenshots/`. Whoever has looked at it copies it to `docs/screenshots/`.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from tests.browsers import SCREENSHOTS, Screen, keep, visiting
from tests.servers import ROOT, Server
from tests.strokes import DIGITS, SCRIBBLE, Stroke, draw

SCREEN = Screen(1280, 860)
FOLDER = ROOT / "docs/screenshots"
_PAPER = 200
_PEN = 25
_INK = "#26324f"


def _drawn(page: Page, folder: Path) -> None:
    page.goto("/")
    expect(page.locator("#draw")).to_have_attribute("aria-busy", "false")
    draw(page, DIGITS["3"])
    expect(page.locator("#draw-status")).to_contain_text("Prediction: 3.")
    page.mouse.move(0, 0)


def _pictures(page: Page, folder: Path) -> None:
    files = [_write(folder / f"{name}.png", strokes) for name, strokes in DIGITS.items()]
    files.append(_write(folder / "scribble.png", SCRIBBLE))
    (folder / "notes.png").write_text("No picture.")
    page.goto("/#pictures")
    page.set_input_files("#pictures input[type=file][multiple]", [*files, folder / "notes.png"])
    expect(page.get_by_text("12 pictures: 11 predicted, 1 failed")).to_be_visible()


def _write(path: Path, strokes: Sequence[Stroke]) -> Path:
    """Write strokes as a picture of ink on paper."""
    side = 4 * _PAPER
    picture = Image.new("RGB", (side, side), "#f7f4ea")
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        points = [(x * side, y * side) for x, y in stroke]
        pen.line(points, fill=_INK, width=2 * _PEN)
        for x, y in points:
            pen.ellipse((x - _PEN, y - _PEN, x + _PEN, y + _PEN), fill=_INK)
    picture.resize((_PAPER, _PAPER), Image.Resampling.LANCZOS).save(path)
    return path


def _table(page: Page, folder: Path) -> None:
    page.goto("/#tables")
    page.get_by_role("button", name="Try the example").click()
    expect(page.locator("#tables-download")).to_be_visible()
    page.get_by_role("gridcell").first.click()
    expect(page.locator("#tables-row-why")).not_to_be_empty()


def _models(page: Page, folder: Path) -> None:
    page.goto("/#models/digits/1")
    expect(page.locator("#models canvas").first).to_be_visible()


SHOWN: Mapping[str, Callable[[Page, Path], None]] = {
    "draw": _drawn,
    "pictures": _pictures,
    "tables": _table,
    "models": _models,
}


@pytest.mark.parametrize("name", SHOWN)
def test_screenshot_of_the_documents_is_made(
    browser: Browser, server: Server, tmp_path: Path, name: str
) -> None:
    with visiting(browser, server.url, screen=SCREEN, dark=name == "models") as visit:
        SHOWN[name](visit.page, tmp_path)
        keep(visit.page, f"documents-{name}", whole=False)

    made = _size(SCREENSHOTS / f"documents-{name}.png")
    assert made == (SCREEN.width, SCREEN.height)
    assert _size(FOLDER / f"{name}.png") == made


def _size(path: Path) -> tuple[int, int]:
    """Read the width and the height of a PNG file."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height
