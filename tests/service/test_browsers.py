"""What fails a visit: nothing that goes wrong in a page may go unnoticed."""

import re

import pytest
from playwright.sync_api import Browser, Route

from tests.browsers import Visit, assert_accessible, visiting

_SITE = "http://site.test"
_POLICY = "default-src 'none'; script-src 'self'; connect-src *"
_HTML = "<!doctype html><html lang=en><title>A page</title>%s<script src=s.js></script>"


def _show(visit: Visit, body: str, script: str = "") -> None:
    """Open a page that has this body and this script."""

    def answer(route: Route) -> None:
        if route.request.url == f"{_SITE}/":
            headers = {"Content-Security-Policy": _POLICY}
            route.fulfill(body=_HTML % body, content_type="text/html", headers=headers)
        elif route.request.url.endswith("/s.js"):
            route.fulfill(body=script, content_type="text/javascript")
        elif route.request.url.endswith("/nobody"):
            route.abort("connectionrefused")
        else:
            route.fulfill(status=404)

    visit.page.route("**/*", answer)
    visit.page.goto("/")
    visit.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(
    ("body", "script", "problem"),
    [
        ("", "console.error('It broke.')", "It broke."),
        ("", "throw new Error('It broke.')", "Uncaught: It broke."),
        ("", "Promise.reject(new Error('It broke.'))", "Uncaught: It broke."),
        ("<p style='color: red'>A text.</p>", "", "Content Security Policy"),
        ("<script>1</script>", "", "Content Security Policy"),
        ("<img src=/picture.png alt=''>", "", "Content Security Policy"),
        ("", "fetch('/missing')", "404 for /missing"),
        ("", "fetch('/nobody').catch(() => {})", "net::ERR_CONNECTION_REFUSED for /nobody"),
        ("", "fetch('http://other.test/')", "request to another origin: http://other.test/"),
    ],
    ids=[
        *("console", "uncaught", "unhandled rejection", "inline style", "inline script"),
        *("forbidden picture", "status", "no answer", "other origin"),
    ],
)
def test_visit_fails_for_a_problem(browser: Browser, body: str, script: str, problem: str) -> None:
    with (
        pytest.raises(AssertionError, match=re.escape(problem)),
        visiting(browser, _SITE) as visit,
    ):
        _show(visit, body, script)


def test_visit_allows_the_failures_that_it_expects(browser: Browser) -> None:
    with visiting(browser, _SITE) as visit:
        visit.expect_failure(404, "/missing")
        visit.expect_failure("net::ERR_CONNECTION_REFUSED", "/nobody")
        _show(visit, "", "fetch('/missing'); fetch('/nobody').catch(() => {})")


def test_visit_allows_a_page_to_cancel_its_requests(browser: Browser) -> None:
    script = "const c = new AbortController(); fetch('s.js', c).catch(() => {}); c.abort()"
    with visiting(browser, _SITE) as visit:
        _show(visit, "", script)


def test_visit_misses_a_failure_that_it_expects(browser: Browser) -> None:
    with pytest.raises(AssertionError, match="no 401 for /"), visiting(browser, _SITE) as visit:
        visit.expect_failure(401, "/")
        _show(visit, "")


def test_failure_of_a_test_tells_what_happened_in_the_browser(browser: Browser) -> None:
    with pytest.raises(RuntimeError) as caught, visiting(browser, _SITE) as visit:
        _show(visit, "", "console.error('It broke.')")
        raise RuntimeError

    assert "It broke." in caught.value.__notes__[0]


def test_page_that_is_not_accessible_is_told_why(browser: Browser) -> None:
    with visiting(browser, _SITE) as visit:
        _show(visit, "<main><h1>A page</h1><button id=mute></button></main>")

        with pytest.raises(AssertionError, match=r"button-name: [\s\S]*#mute"):
            assert_accessible(visit.page)
