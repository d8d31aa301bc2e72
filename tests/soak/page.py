"""The web page in Chromium: how soon it is there, how soon it answers, whether it stays responsive.

Chromium draws without a graphics card here, on the cores that the service computes on.
"""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, Page

from tests.browsers import browsing, visiting
from tests.houses import drawn
from tests.servers import ROOT, Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.strokes import DIGITS, draw
from vitrine.tables.writer import write_csv

_OPENINGS = 7
_STROKES = 40
_ROWS = 100_000
# From the request for the page. It is useful as soon as it can be drawn on.
_FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_IS_OPEN = "() => document.querySelector('#draw[aria-busy=false]') !== null"
_OPENED = """() => new Promise(resolve => {
  const look = () => document.querySelector('#draw[aria-busy=false]')
    ? resolve(performance.now()) : requestAnimationFrame(look);
  look();
})"""
_ANSWERS = "() => performance.getEntriesByName('stroke answered').map(each => each.duration)"
_WATCH_TASKS = """() => {
  window.longTasks = [];
  new PerformanceObserver(list => longTasks.push(...list.getEntries().map(each => each.duration)))
    .observe({ type: 'longtask', buffered: true });
}"""


def all_figures() -> Iterator[Figure]:
    """Open the page, draw on it, and drop a long table on it."""
    with (
        serving(SERVICE_PYTHON, models=ROOT / "models", workers=1) as server,
        browsing() as browser,
    ):
        yield from _opening(browser, server)
        yield from _strokes(browser, server)
        yield from _long_table(browser, server)


def _opening(browser: Browser, server: Server) -> Iterator[Figure]:
    """Open the page in browsers that have nothing of it."""
    painted, opened = [], []
    for _ in range(_OPENINGS):
        with visiting(browser, server.url) as visit:
            visit.page.goto("/")
            opened.append(visit.page.evaluate(_OPENED))
            visit.page.wait_for_function(_FIRST_PAINT)
            painted.append(visit.page.evaluate(_FIRST_PAINT))
    yield Figure(name="page: first paint", value=median(painted), unit="ms", at_most=300)
    yield Figure(name="page: ready to be drawn on", value=median(opened), unit="ms", at_most=300)
    yield Figure(name="page: slowest first paint", value=max(painted), unit="ms")


def _strokes(browser: Browser, server: Server) -> Iterator[Figure]:
    """Draw digit after digit, and time each answer from the end of the stroke until it is shown."""
    with visiting(browser, server.url) as visit:
        visit.page.goto("/")
        visit.page.wait_for_function(_IS_OPEN)
        for strokes in itertools.islice(itertools.cycle(DIGITS.values()), _STROKES):
            before = len(visit.page.evaluate(_ANSWERS))
            draw(visit.page, strokes[-1:])
            visit.page.wait_for_function(f"() => ({_ANSWERS})().length > {before}")
            visit.page.keyboard.press("Delete")
        times = sorted(visit.page.evaluate(_ANSWERS))
    slow = times[int(0.95 * len(times))]
    yield Figure(name="page: stroke to prediction, p95", value=slow, unit="ms", at_most=100)
    yield Figure(name="page: stroke to prediction, median", value=median(times), unit="ms")
    yield Figure(name="page: stroke to prediction, slowest", value=times[-1], unit="ms")


def _long_table(browser: Browser, server: Server) -> Iterator[Figure]:
    """Choose a long file, then sort its rows and go to the last one."""
    with visiting(browser, server.url) as visit, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "houses.csv"
        file.write_bytes(write_csv(drawn(np.random.default_rng(0), _ROWS), header=True))
        page = visit.page
        page.goto("/#tables")
        page.wait_for_selector("#tables[aria-busy=false]")
        page.evaluate(_WATCH_TASKS)
        page.set_input_files("#tables-input", file)
        page.wait_for_selector("#tables-download:not([hidden])", timeout=120_000)
        _use(page)
        tasks = page.evaluate("() => longTasks")
        rows = page.locator(
            "#tables-grid[aria-rowcount], #tables-grid [aria-rowcount]"
        ).get_attribute("aria-rowcount")
    yield Figure(name="page: rows of a table shown", value=int(rows or 0) - 1, unit="rows")
    yield Figure(
        name="page: longest task for them, from 50 ms on",
        value=max([0, *tasks]),
        unit="ms",
        at_most=200,
    )


def _use(page: Page) -> None:
    """Sort by the prediction, both ways, and look at the end of the table."""
    header = page.get_by_role("columnheader", name="prediction").get_by_role("button")
    for _ in range(2):
        header.click()
        page.wait_for_timeout(500)
    page.get_by_role("row").nth(1).click()
    page.keyboard.press("End")
    page.wait_for_timeout(500)
