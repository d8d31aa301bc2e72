"""The page on capacity shows the figures that are kept, and no others."""

import pytest

from benchmarks.capacity import figures, report
from benchmarks.machine import ROOT

PAGE = (ROOT / "docs/capacity.md").read_text()
SECTIONS = report.sections(figures.read())


@pytest.mark.parametrize("section", list(SECTIONS))
def test_page_shows_the_figures_that_are_kept(section: str) -> None:
    _, _, rest = PAGE.partition(f"<!-- {section} begins -->\n\n")

    assert rest.partition(f"\n\n<!-- {section} ends -->")[0] == SECTIONS[section]
