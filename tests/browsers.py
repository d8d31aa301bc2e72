"""Chromium without a window, and visits that fail where the page or its requests do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.servers import ROOT

CHROMIUM = shutil.which("chromium")
# People look at what the tests leave here.
SCREENSHOTS = ROOT / "screenshots"

# It asks nobody for updates: the machine may have no network.
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
# A busy machine may take this long to show what a test waits for.
_PATIENCE_MILLISECONDS = 60_000
# Of axe-core: WCAG 2.2 at the levels A and AA, and what its authors recommend beyond.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Colours are measured where they come to rest. Some animations never end.
_WAIT_FOR_ANIMATIONS = """() => Promise.allSettled(document.getAnimations()
    .filter(animation => Number.isFinite(animation.effect.getComputedTiming().endTime))
    .map(animation => animation.finished))"""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page is shown on.

    Attributes:
        width: In CSS pixels, as the height.
        touch: Whether it is that of a phone, which fingers touch.
    """

    width: int
    height: int
    touch: bool = False


WIDE = Screen(1280, 800)
PHONE = Screen(390, 844, touch=True)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run Chromium until the block ends.

    No event loop of another kind can run in this thread meanwhile.
    """
    if CHROMIUM is None:
        raise FileNotFoundError("Chromium is not installed.")
    expect.set_options(timeout=_PATIENCE_MILLISECONDS)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS) as browser,
    ):
        yield browser


@dataclass
class Visit:
    """A page that is open, and what happens there.

    Attributes:
        page: It has no address yet; paths are relative to the address of the visit.
        requests: Address of each request, of scripts and workers as well.
    """

    page: Page
    origin: str
    requests: list[str] = field(default_factory=list)
    _failures: list[tuple[int | str, str]] = field(default_factory=list)
    _errors: list[tuple[str, str]] = field(default_factory=list)
    _expected: list[tuple[int | str, str]] = field(default_factory=list)

    def expect_failure(self, outcome: int | str, path: str) -> None:
        """Expect that requests for a path fail, at least once.

        Args:
            outcome: The status of the answer, or the error of Chromium where there is no answer:
                "net::ERR_CONNECTION_REFUSED".
            path: Without a query.
        """
        self._expected.append((outcome, path))

    def note_request(self, request: Request) -> None:
        """Note a request before it is sent."""
        self.requests.append(request.url)

    def note_response(self, response: Response) -> None:
        """Note an answer if its status is that of an error."""
        if response.status >= 400:
            self._failures.append((response.status, response.url))

    def note_failed_request(self, request: Request) -> None:
        """Note a request that has no answer."""
        # A page may cancel its own requests, for example when a newer one replaces them.
        if request.failure != "net::ERR_ABORTED":
            self._failures.append((request.failure or "no answer", request.url))

    def note_console(self, message: ConsoleMessage) -> None:
        """Note what the console shows as an error; what the policy forbids is one."""
        if message.type == "error":
            self._errors.append((message.text, message.location["url"]))

    def note_uncaught(self, error: object) -> None:
        """Note an error that no script caught."""
        self._errors.append((f"Uncaught: {error}", ""))

    def problems(self) -> list[str]:
        """List what must not happen and did, and what must happen and did not."""
        failed = [(outcome, urlsplit(url).path) for outcome, url in self._failures]
        # The console repeats each failed request.
        known = {url for _, url in self._failures}
        errors = [
            f"{text} ({url})"
            for text, url in self._errors
            if not (text.startswith("Failed to load resource") and url in known)
        ]
        return [
            *errors,
            *(f"{each[0]} for {each[1]}" for each in failed if each not in self._expected),
            *(f"no {each[0]} for {each[1]}" for each in self._expected if each not in failed),
            *(f"request to another origin: {url}" for url in self.requests if self._leaves(url)),
        ]

    def _leaves(self, url: str) -> bool:
        address = urlsplit(url.removeprefix("blob:"))
        return address.scheme != "data" and f"{address.scheme}://{address.netloc}" != self.origin


@contextmanager
def visiting(
    browser: Browser,
    url: str,
    *,
    screen: Screen = WIDE,
    dark: bool = False,
    locale: str = "en-US",
    reduced_motion: bool = False,
) -> Iterator[Visit]:
    """Visit a site with a browser that knows nothing of it yet.

    Args:
        browser: It may have other visits at the same time.
        url: Where the site is.
        screen: How large the page is shown, and whether fingers touch it.
        dark: Whether the person prefers a dark page.
        locale: What the person reads.
        reduced_motion: Whether the person prefers that little moves.

    Raises:
        AssertionError: After the block, for an error in the console, an uncaught one, whatever the
            content security policy forbids, and a request that fails or leaves the origin.
    """
    with browser.new_context(
        base_url=url,
        viewport=ViewportSize(width=screen.width, height=screen.height),
        has_touch=screen.touch,
        is_mobile=screen.touch,
        device_scale_factor=2 if screen.touch else 1,
        color_scheme="dark" if dark else "light",
        locale=locale,
        reduced_motion="reduce" if reduced_motion else "no-preference",
    ) as context:
        address = urlsplit(url)
        visit = Visit(context.new_page(), f"{address.scheme}://{address.netloc}")
        _listen(context, visit)
        try:
            yield visit
        except BaseException as error:
            for problem in visit.problems():
                error.add_note(f"In the browser: {problem}")
            raise
        # The events that come before this answer have arrived, too.
        visit.page.evaluate("0")
        problems = visit.problems()
        assert not problems, "\n".join(problems)


def _listen(context: BrowserContext, visit: Visit) -> None:
    context.set_default_timeout(_PATIENCE_MILLISECONDS)
    context.on("request", visit.note_request)
    context.on("response", visit.note_response)
    context.on("requestfailed", visit.note_failed_request)
    context.on("console", visit.note_console)
    context.on("weberror", lambda event: visit.note_uncaught(event.error))


def keep(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a screenshot, for people to look at.

    Args:
        page: As it is now.
        name: Of the file, without its extension; no two tests give the same.
        whole: Whether all of the page is shown, not only what fits on the screen.
    """
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole, animations="disabled")


def assert_accessible(page: Page) -> None:
    """Check the page, as it is now, with axe-core.

    Raises:
        AssertionError: With each rule that is broken, where, and how it is mended.
    """
    page.evaluate(_WAIT_FOR_ANIMATIONS)
    options = {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]}
    # It is evaluated from outside of the page, so that its content security policy stays in force.
    violations = Axe().run(page, options=options).response["violations"]
    assert not violations, "\n".join(_described(each) for each in violations)


def _described(violation: dict[str, Any]) -> str:
    nodes = [f"  {each['target']}: {each['failureSummary']}" for each in violation["nodes"]]
    rule = f"{violation['id']}: {violation['help']} ({violation['helpUrl']})"
    return "\n".join([rule, *nodes])
