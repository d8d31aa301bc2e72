"""The text of an amount -> its sign, its number and its unit, as in "($1,234)", "35 km" and "120-".

The number itself is left as it is written; `numbers` reads it as the dialect of the file has it.
"""

import re
from dataclasses import dataclass
from unicodedata import normalize

# A text with more characters is no amount. The limit bounds the time of the regular expression.
_MAX_CHARACTERS = 64

# Each currency with its other spellings behind it. A yen and a yuan share a sign, and crowns an
# abbreviation.
_CURRENCIES = (
    *("$ US$ USD", "€ EUR", "£ GBP", "R$ BRL", "₹ INR Rs Rs.", "CHF Fr Fr. SFr SFr.", "lei RON"),
    *("kr kr. Kr Kr.", "zł PLN", "Kč CZK", "Ft HUF", "₺ TRY TL", "₽ RUB", "₴ UAH", "₪ ILS", "DM"),
    *("₩ KRW", "₱ PHP", "฿ THB", "₫ VND", "₦ NGN", "R ZAR", "S/ S/. PEN", "A$ AU$ AUD", "JPY"),
    *("C$ CA$ CAD", "NZ$ NZD", "HK$ HKD", "S$ SGD", "MX$ MXN", "NT$ TWD", "AR$ ARS", "CNY", "CLP"),
    *("SEK", "NOK", "DKK", "ISK", "AED", "SAR", "EGP", "MAD", "COP", "UYU", "IDR", "MYR", "¥"),
)
_SPELLINGS = {spelling: line.split()[0] for line in _CURRENCIES for spelling in line.split()}
_CANONICAL = {spelling.lower(): currency for spelling, currency in _SPELLINGS.items()}
# Those of countries that write a decimal point, and a decimal comma.
_POINT_CURRENCIES = frozenset({"$", "£", "₹", "¥", "A$", "C$", "NZ$", "HK$", "S$", "MX$"})
_COMMA_CURRENCIES = frozenset(
    {"€", "R$", "kr", "zł", "Kč", "Ft", "DM", "lei", "₺", "₽", "₫", "SEK", "NOK", "DKK", "ISK"}
)

_SYMBOL = "$\u00a2-\u00a5\u0e3f\u20a0-\u20bf\ufdfc\uff04\uffe1\uffe5"
_WORDS = "|".join(
    re.escape(spelling)
    for spelling in _SPELLINGS
    if len(spelling) > 1 and not re.search(f"[{_SYMBOL}]", spelling)
)
# What may stand before a number: the sign of a currency, with letters or without, or its code.
# Other letters before a number name something, such as the cabin C85.
_BEFORE = rf"[A-Za-z]{{0,3}}[{_SYMBOL}]|(?:{_WORDS})(?![A-Za-z])|R(?= )"
# What may stand behind it: words or signs, such as km/h, m², °C, sq ft, % and €.
_AFTER = (
    rf"(?:[^\W\d_]|[%‰\uff05°{_SYMBOL}\u2033\u2032\"']|/(?=[^\W\d_]))"
    rf"(?:[^\W\d_]|[./·%^²³°{_SYMBOL}]|(?<=[^\W\d_])[23](?!\w)|(?<=/)100?| (?=[^\W\d_]))*"
)
_SIGN = "[-+\u2212]"
_DASH = "[-\u2013\u2014]"
_SPACE = "[ \t\u00a0\u202f\u2009]*"
_NUMBER = "[.,]?[0-9](?:[0-9.,'\u2019 \u00a0\u202f\u2009]*[0-9])?(?:[eE][+-]?[0-9]+)?"
_AMOUNT = re.compile(
    rf"(?P<sign>{_SIGN})?{_SPACE}(?P<before>{_BEFORE})?{_SPACE}(?P<inner>{_SIGN})?{_SPACE}"
    rf"(?P<open>\()?(?P<number>{_NUMBER})(?P<close>\))?(?:[.,]{_DASH}{{1,2}})?"
    rf"{_SPACE}(?P<after>{_AFTER})?{_SPACE}(?P<trailing>[-\u2212])?"
)
_NOTHING = re.compile(rf"(?P<before>{_BEFORE})?{_SPACE}{_DASH}+{_SPACE}(?P<after>{_AFTER})?")
_TIMES_OF_DAY = frozenset({"am", "pm", "a.m.", "p.m."})


@dataclass(frozen=True, slots=True)
class Amount:
    """What the text of an amount consists of.

    Attributes:
        number: The number without its sign, as it is written; "" where a dash stands for it.
        is_negative: Whether a sign before or behind it, or brackets, make it negative.
        unit: The unit, such as "$" or "km"; "" without one.
    """

    number: str
    is_negative: bool
    unit: str


def read_amount(text: str) -> Amount | None:
    """Split the text of an amount into its parts; None if it is no amount.

    Args:
        text: A cell without the spaces around it.
    """
    if len(text) > _MAX_CHARACTERS:
        return None
    has_brackets = text.startswith("(") and text.endswith(")")
    match = _AMOUNT.fullmatch(text[1:-1].strip() if has_brackets else text)
    if match is None:
        return _read_nothing(text)
    if bool(match["open"]) != bool(match["close"]):
        return None
    minuses = [match["sign"], match["inner"], match["trailing"]]
    signs = [*filter(None, minuses), *filter(None, (has_brackets, match["open"]))]
    unit = _unit(match)
    if len(signs) > 1 or unit.lower() in _TIMES_OF_DAY:
        return None
    return Amount(match["number"], bool(signs) and signs != ["+"], unit)


def _read_nothing(text: str) -> Amount | None:
    """Read "$ -", with which accounts say that there is no amount."""
    match = _NOTHING.fullmatch(text)
    return None if match is None else Amount("", is_negative=False, unit=_unit(match))


def _unit(match: re.Match[str]) -> str:
    before, after = match["before"] or "", match["after"] or ""
    if before and after and not same_unit(before, after):
        return f"{before} {after}" if after[0].isalpha() else before + after
    return before or after


def same_unit(one: str, other: str) -> bool:
    """Tell whether two texts are one unit: "€" and "EUR" are, "day" and "days" are."""
    return canonical_unit(one) == canonical_unit(other)


def canonical_unit(unit: str) -> str:
    """Return the text that stands for all spellings of a unit."""
    plain = normalize("NFKC", unit)  # a full-width sign, or m2 for m²
    currency = _CANONICAL.get(plain.lower())
    if currency is not None:
        return currency
    return plain[:-1] if len(plain) > 2 and plain.endswith("s") else plain


def writes_decimal_comma(unit: str) -> bool | None:
    """Tell which decimal mark goes with a currency: a comma or a point; None if it is unknown."""
    currency = canonical_unit(unit)
    if currency in _COMMA_CURRENCIES:
        return True
    return False if currency in _POINT_CURRENCIES else None
