"""Texts on plots: their fonts, what is written for a character that no font has, and cut names."""

from collections.abc import Iterable
from functools import cache

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.text import Text

from training.progress import console

_FONT = "DejaVu Sans"
# Fonts of the scripts that the first font lacks, under the names that several systems have.
_OTHER_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR"),
    *("PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Apple SD Gothic Neo"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Nirmala UI", "Leelawadee UI"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAGothic"),
    *("NanumGothic", "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil"),
    *("Noto Sans Thai", "FreeSans", "FreeSerif", "Arial Unicode MS", "Symbola", "Unifont"),
)
# Longer names would leave no room for what is drawn.
_LONGEST_NAME = 28


@cache
def font_families() -> tuple[str, ...]:
    """Return the font of all plots, and the installed fonts for what it lacks."""
    installed = set(fontManager.get_font_names())
    return (_FONT, *(name for name in _OTHER_FONTS if name in installed))


@cache
def _known_characters() -> frozenset[int]:
    files = [fontManager.findfont(FontProperties(family=name)) for name in font_families()]
    return frozenset().union(*(get_font(file).get_charmap() for file in files))


def is_legible(text: str) -> bool:
    """Say whether the fonts of plots have all characters of a text."""
    return all(ord(character) in _known_characters() or character == "\n" for character in text)


def spell_unknown(text: str) -> str:
    """Write the code point instead of each character that no font of plots has.

    `正方 1` becomes `U+6B63 U+65B9 1` where no installed font has Chinese characters. The user is
    told once which fonts would help.
    """
    words: list[str] = []
    for character in text:
        if is_legible(character):
            words.append(character)
            continue
        _tell_once()
        gap = " " if words and not words[-1].isspace() else ""
        words.append(f"{gap}U+{ord(character):04X}")
    return "".join(words)


def short_names(names: Iterable[str]) -> list[str]:
    """Return names as plots show them: legible, and cut where they are long."""
    return [_shorten(spell_unknown(name)) for name in names]


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def make_legible(figure: Figure) -> None:
    """Spell what no font can show."""
    for text in figure.findobj(Text):
        text.set_text(spell_unknown(text.get_text()))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _make_ticks_legible(axis)


def _make_ticks_legible(axis: Axis) -> None:
    texts = [label.get_text() for label in axis.get_ticklabels()]
    if not all(map(is_legible, texts)):
        axis.set_ticks(axis.get_ticklocs(), [spell_unknown(text) for text in texts])


@cache
def _tell_once() -> None:
    console.print(
        "No installed font has some characters of your names. The plots show their code points; "
        "install a font for your script, such as Noto Sans CJK, and train again to see them."
    )
