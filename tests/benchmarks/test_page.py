"""The page that shows the last figures."""

from pathlib import Path

import pytest

from benchmarks.page import PAGE, publish


def test_section_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- peers begins -->\n\nold\n\n<!-- peers ends -->\n\nB\n")

    publish("peers", "| new |\n", page=page)

    assert page.read_text() == (
        "# A\n\n<!-- peers begins -->\n\n| new |\n\n<!-- peers ends -->\n\nB\n"
    )


def test_section_that_the_page_lacks_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n")

    with pytest.raises(ValueError, match="no section 'peers'"):
        publish("peers", "new", page=page)


@pytest.mark.parametrize("section", ["peers", "parts"])
def test_page_has_the_sections_that_are_measured(section: str) -> None:
    assert f"<!-- {section} begins -->" in PAGE.read_text()
