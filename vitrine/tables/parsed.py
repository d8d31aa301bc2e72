"""What reading the cells of a column gives: values, blanks and faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

# The texts of a blank, in every kind of column, quoted or not: those that pandas reads as missing
# (it wrote or read most training files), NaT, and "?" of the UCI repository. The lower-case "none"
# and "na" are left out: they are categories in real files.
BLANKS = frozenset(
    {
        *("", "NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "?"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"),
        *("null", "NULL", "Null", "None", "NaT"),
    }
)
# Further texts that are blanks where a quantity is expected, in columns of numbers and of dates:
# dashes of accounts, what databases write, and errors of spreadsheets in several languages.
EMPTY_QUANTITIES = frozenset(
    {
        *("-", "--", "---", "\u2013", "\u2014", "\u2212", ".", "..", "...", "\u2026"),
        *("\\N", "(null)", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"),
        *("#CALC!", "#ERROR!", "#DIV/0", "#VALUE", "#REF", "#N/D", "#NV", "#WERT!", "#BEZUG!"),
        *("#ZAHL!", "#VALOR!", "#VALEUR!", "#\u00a1DIV/0!", "#\u00a1VALOR!", "#\u00a1REF!"),
    }
)
# The same in words, which are categories as often as blanks.
EMPTY_WORDS = frozenset(
    {
        *("none", "NONE", "na", "Na", "nil", "Nil", "NIL", "n.a.", "N.A.", "n/d", "N/D", "s/d"),
        *("k.A.", "#na", "#n/a", "not available", "Not available", "missing", "Missing"),
    }
)
NO_QUANTITIES = BLANKS | EMPTY_QUANTITIES | EMPTY_WORDS


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """The values of a column's cells.

    Attributes:
        values: One value for each cell; a faulty cell has the value of a blank.
        faults: Index of each faulty cell -> the rule that it breaks, such as "must be a number".
    """

    values: NDArray[Any]
    faults: Mapping[int, str]
