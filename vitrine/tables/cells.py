"""The text of a cell -> its value, and the text of a category -> its code in a network.

Training reads its files with these functions, and the service reads its requests with them, so that
a cell means the same to both. A cell is a number, a date, a category, or a blank: nothing is known.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from vitrine.signature import OTHER_CODE, ColumnSpec, DateInput, Dialect, NumberInput
from vitrine.tables.dates import parse_dates
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.parsed import BLANKS, ParsedColumn
from vitrine.tables.spelling import boolean_words, nfc

# No vocabulary has a longer category. A whole file in one cell is a mistake of quoting.
MAX_CATEGORY_CHARACTERS = 4096

_FRACTION = re.compile(r"[+-]?[0-9]+\.[0-9]*")


def parse(spec: ColumnSpec, texts: Sequence[str], dialect: Dialect) -> ParsedColumn:
    """Parse the cells of a column.

    A category keeps its text in NFC, without the spaces around it; a blank is None. A text that is
    not in the vocabulary takes the vocabulary's spelling where it is the same number or the same
    word for yes or no: data frames turn the code "1" into "1.0" as soon as a column has a blank,
    and a spreadsheet's TRUE is JSON's true.

    Args:
        spec: The model's column.
        texts: Cells as they are written; spaces around them are allowed.
        dialect: Marks of the numbers.

    Shapes:
        values: (len(texts),), float32 or, of categories, object.
    """
    match spec:
        case NumberInput():
            return parse_numbers(texts, dialect, flags=_is_flag(spec), unit=spec.unit or "")
        case DateInput():
            return parse_dates(texts, spec.format)
        case _:
            return _parse_categories(texts, spec.vocabulary)


def encode_texts(texts: NDArray[np.object_], codes: Mapping[str | None, int]) -> NDArray[np.int32]:
    """Return the code of each text; `OTHER_CODE` for a text without a code of its own.

    Args:
        texts: Categories; None for a blank.
        codes: Codes of a category, as `CategoryInput.codes` has them.

    Shapes:
        texts: (n,); returns (n,).
    """
    found = map(codes.get, texts.tolist(), repeat(OTHER_CODE))
    return np.fromiter(found, dtype=np.int32, count=len(texts))


def _is_flag(spec: NumberInput) -> bool:
    """Tell whether a column runs from 0 to 1, so that "false" and "true" can stand for these."""
    return {spec.minimum, spec.maximum} <= {0.0, 1.0}


def _parse_categories(texts: Sequence[str], vocabulary: Sequence[str]) -> ParsedColumn:
    spellings = _spellings(tuple(vocabulary))
    cells = [text.strip() for text in texts]
    categories = {text: spellings.category(nfc(text)) for text in set(cells)}
    longest = MAX_CATEGORY_CHARACTERS
    rule = f"may have at most {longest} characters"
    faults = {index: rule for index, text in enumerate(cells) if len(text) > longest}
    values = np.empty(len(cells), object)
    values[:] = [categories[text] for text in cells]
    values[list(faults)] = None
    return ParsedColumn(values, faults)


class _Spellings:
    """The spellings of a vocabulary's texts."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._words = boolean_words(vocabulary)
        self._plain_texts = {self._plain(nfc(text)): text for text in reversed(vocabulary)}
        self._texts = {nfc(text): text for text in reversed(vocabulary)}

    def category(self, text: str) -> str | None:
        """Return a text as the vocabulary spells it, or as it is; None for a blank."""
        if text in BLANKS:
            return None
        return self._texts.get(text) or self._plain_texts.get(self._plain(text), text)

    def _plain(self, text: str) -> str:
        """Write a number without trailing zeros, and a word for yes or no in lower case."""
        if _FRACTION.fullmatch(text):
            return text.rstrip("0").rstrip(".")
        return text.lower() if text.lower() in self._words else text


@lru_cache(maxsize=256)
def _spellings(vocabulary: tuple[str, ...]) -> _Spellings:
    return _Spellings(vocabulary)
