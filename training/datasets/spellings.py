"""Texts of a column that differ in upper and lower case only."""

from collections import defaultdict
from collections.abc import Iterable

from vitrine.errors import shown
from vitrine.tables.spelling import same_booleans


def describe_spellings(name: str, texts: Iterable[str | None], noun: str) -> list[str]:
    """Say which texts are taken as one, and which are not though they look alike.

    Args:
        name: Name of the column.
        texts: The cells, None where missing.
        noun: What the texts are: "category" or "class label".
    """
    distinct = {text for text in texts if text is not None}
    booleans = same_booleans(distinct)
    if booleans:
        listed = ", ".join(map(shown, sorted(booleans)))
        words = " and ".join(map(shown, sorted(set(booleans.values()))))
        return [f"{shown(name)} has {listed}, which are read as {words}."]
    groups: dict[str, list[str]] = defaultdict(list)
    for text in sorted(distinct):
        groups[text.casefold()].append(text)
    alike = next((group for group in groups.values() if len(group) > 1), None)
    if alike is None:
        return []
    return [
        f"{shown(name)} has {shown(alike[0])} and {shown(alike[1])}, which differ in case only. "
        f"Each is a {noun} of its own; write them alike if they are one."
    ]
