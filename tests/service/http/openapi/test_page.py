"""The page of the description, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import PHONE, WIDE, Screen, assert_accessible, keep, visiting
from tests.bundles import write_picture_bundle, write_table_bundle
from tests.servers import Server, serving

# The form of a model's predictions, by the name of its request.
_FORM = "#post_models_rooms_predict"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of the two models "rooms" and "strokes"."""
    models: Path = tmp_path_factory.mktemp("models")
    write_table_bundle(models)
    write_picture_bundle(models)
    with serving(models=models, workers=1) as server:
        yield server


def test_page_shows_what_is_served(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.goto("/docs")

        expect(visit.page.locator("summary", has_text="/models/strokes/predict")).to_be_visible()


def test_address_opens_its_request(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.goto(f"/docs{_FORM}")
        request = visit.page.locator(_FORM)

        expect(request).to_contain_text("From -1e+06 to 1e+06 in training.")
        expect(request).to_contain_text("application/vnd.apache.arrow.stream")


def test_form_sends_its_request(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.goto(f"/docs{_FORM}")
        request = visit.page.locator(_FORM)
        request.get_by_role("button", name="Send").click()

        expect(request.get_by_role("status")).to_contain_text("200 OK")
        expect(request.get_by_role("status")).to_contain_text('"predictions"')


def test_form_shows_a_refusal(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.expect_failure(400, "/models/rooms/predict")
        visit.page.goto(f"/docs{_FORM}")
        request = visit.page.locator(_FORM)
        request.get_by_label("Body").fill("{")
        request.get_by_role("button", name="Send").click()

        expect(request.get_by_role("status")).to_contain_text("400 Bad Request")


def test_words_find_requests(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.goto("/docs")
        visit.page.get_by_label("Find").fill("rooms predict")

        expect(visit.page.locator(_FORM)).to_be_visible()
        expect(visit.page.locator("#post_models_strokes_predict")).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_page_is_accessible(
    browser: Browser, server: Server, request: pytest.FixtureRequest, *, dark: bool, screen: Screen
) -> None:
    with visiting(browser, server.url, dark=dark, screen=screen) as visit:
        visit.page.goto(f"/docs{_FORM}")
        _send_and_unfold(visit.page)
        keep(visit.page, f"docs-{request.node.callspec.id}", whole=False)

        assert_accessible(visit.page)


def _send_and_unfold(page: Page) -> None:
    """Show all that the page can show of one request."""
    form = page.locator(_FORM)
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("status")).to_contain_text("200")
    for summary in form.locator(".inside summary").all():
        summary.click()
