"""The page about the library: every line of Python in it is run and gives what it shows."""

import doctest
import re

import pytest

from tests.servers import ROOT

PAGE = ROOT / "docs" / "library.md"


def test_python_in_the_page_gives_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    sessions = re.findall(r"```pycon\n(.*?)```", PAGE.read_text(), re.DOTALL)
    page = doctest.DocTestParser().get_doctest("\n".join(sessions), {}, PAGE.name, str(PAGE), 0)

    results = doctest.DocTestRunner().run(page)

    assert results.attempted > 15
    assert results.failed == 0
