"""What holds for every panel of the page as it opens, in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browsers import PHONE, WIDE, Screen, assert_accessible, keep, visiting
from tests.bundles import write_table_bundle
from tests.servers import ROOT, Server, serving

PANELS = [path.parent.name for path in sorted(ROOT.glob("service/page/*/panel.js"))]
_LIMIT_BYTES = 150_000


def _open(page: Page, panel: str) -> None:
    page.goto(f"/#{panel}")
    expect(page.locator(f"#{panel}")).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("panel", PANELS)
def test_panel_is_accessible(
    browser: Browser,
    server: Server,
    request: pytest.FixtureRequest,
    panel: str,
    *,
    dark: bool,
    screen: Screen,
) -> None:
    with visiting(browser, server.url, dark=dark, screen=screen) as visit:
        _open(visit.page, panel)

        keep(visit.page, f"page-{request.node.callspec.id}")
        assert_accessible(visit.page)


@pytest.mark.parametrize("panel", PANELS)
def test_panel_is_no_wider_than_a_small_phone(browser: Browser, server: Server, panel: str) -> None:
    with visiting(browser, server.url, screen=Screen(360, 640, touch=True)) as visit:
        _open(visit.page, panel)

        assert visit.page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("panel", PANELS)
def test_address_of_a_panel_leaves_the_top_in_view(
    browser: Browser, server: Server, panel: str
) -> None:
    with visiting(browser, server.url, screen=PHONE) as visit:
        _open(visit.page, panel)
        visit.page.reload()
        _open(visit.page, panel)

        expect(visit.page.locator(".top")).to_be_in_viewport(ratio=1)


def test_model_that_is_described_late_takes_no_other_models_place(
    browser: Browser, tmp_path: Path
) -> None:
    write_table_bundle(tmp_path)
    write_table_bundle(tmp_path, version=2)
    with (
        serving(models=tmp_path, versions="all", workers=1) as two_versions,
        visiting(browser, two_versions.url) as visit,
    ):
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        visit.page.route("**/versions/1", hold)
        _open(visit.page, "tables")
        menu = visit.page.locator("#tables-model")
        with visit.page.expect_request("**/versions/1"):
            menu.select_option("rooms, version 1")
        menu.select_option("rooms, version 2")
        line = visit.page.locator("#tables .curl code")
        expect(line).to_contain_text("/versions/2/")

        with visit.page.expect_event("requestfinished"):
            held[0].continue_()
        visit.page.evaluate("new Promise(requestAnimationFrame)")

        expect(line).to_contain_text("/versions/2/")


def test_first_load_is_small(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        sizes: list[int] = []
        devtools = visit.page.context.new_cdp_session(visit.page)
        devtools.on(
            "Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"])
        )
        devtools.send("Network.enable")
        visit.page.goto("/")
        expect(visit.page.locator("#draw")).to_have_attribute("aria-busy", "false")
        visit.page.wait_for_load_state("networkidle")

        assert len(sizes) == len(visit.requests)
        assert sum(sizes) < _LIMIT_BYTES
