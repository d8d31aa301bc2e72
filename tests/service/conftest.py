"""What tests of pages stand on: a browser."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browsers import CHROMIUM, browsing


# Playwright keeps its event loop running; tests of other modules run loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one module; before a change lands it must be there."""
    if CHROMIUM is None and "CI" not in os.environ:
        pytest.skip("Chromium is not installed.")
    with browsing() as browser:
        yield browser
