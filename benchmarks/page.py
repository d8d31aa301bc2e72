"""The page that shows the last figures: its marked sections are written by the measurements."""

import re
from pathlib import Path

from benchmarks.machine import ROOT

PAGE = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "performance"


def publish(section: str, text: str, *, page: Path = PAGE) -> None:
    """Replace what stands between the two marks of a section.

    Raises:
        ValueError: The page has no such section.
    """
    begin, end = f"<!-- {section} begins -->\n", f"<!-- {section} ends -->"
    old = page.read_text()
    if not re.search(f"{begin}.*{end}", old, re.DOTALL):
        raise ValueError(f"{page} has no section {section!r}.")
    before, _, rest = old.partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}")
