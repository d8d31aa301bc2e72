"""Spellings of one text: accents in one or in two characters, and words for yes and no."""

from collections.abc import Iterable, Mapping
from unicodedata import normalize

# Words that say no and yes, in lower case.
BOOLEAN_PAIRS = (
    *(("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"), ("não", "sim")),
    *(("nao", "sim"), ("no", "sí"), ("no", "si"), ("non", "oui"), ("nein", "ja")),
)
# These are such words beside any other text. "N" and "on" may also be codes.
_BOOLEAN_WORDS = frozenset({"false", "true", "no", "yes"})


def nfc(text: str) -> str:
    """Write a text in Unicode's form NFC, in which an accented letter is one character.

    Files from macOS often have the letter and its accent as two characters, which look the same.
    """
    return text if text.isascii() else normalize("NFC", text)


def known_names(received: Iterable[object], known: Iterable[str]) -> dict[object, str]:
    """Map received names to the known names that are the same texts in NFC.

    Names in ASCII have one spelling only, and are left out.
    """
    texts = [name for name in received if isinstance(name, str) and not name.isascii()]
    if not texts:
        return {}
    names = {nfc(name): name for name in known}
    return {text: names[nfc(text)] for text in texts if nfc(text) in names}


def boolean_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words for yes and no, in lower case, whose case means nothing among some texts."""
    folded = {text.lower() for text in texts}
    pair = next((pair for pair in BOOLEAN_PAIRS if folded <= {*pair}), ())
    return _BOOLEAN_WORDS | {*pair}


def same_booleans(texts: Iterable[str]) -> Mapping[str, str]:
    """Map words for yes and no to lower case, if some of the texts differ in their case only."""
    distinct = set(texts)
    words = boolean_words(distinct)
    booleans = {text: text.lower() for text in distinct if text.lower() in words}
    return booleans if len(set(booleans.values())) < len(booleans) else {}
