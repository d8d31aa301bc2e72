"""The frame of the page, in a browser: panels, languages, colours, paths below a proxy and keys."""

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browsers import PHONE, Visit, assert_accessible, keep, visiting
from tests.servers import ROOT, Server, serving

PANELS = ["draw", "pictures", "tables", "models", "live"]
# A panel that lists the models: what the frame gives to panels is used, and nothing else can fail.
_LIST = """
export async function open(section, { catalogue }) {
  const models = await catalogue.list();
  const names = document.createElement("p");
  names.textContent = models.map(({ name }) => name).join(" ");
  section.append(names);
}
"""
_LISTED = "digits fashion housing"


def _open(visit: Visit, path: str = "./", *, script: str = _LIST) -> Page:
    """Open the page with panels that are this script."""
    visit.page.route(
        "**/panel.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
    visit.page.goto(path)
    return visit.page


def _tab(page: Page, panel: str) -> Locator:
    return page.locator(f".panels a[href='#{panel}']")


def _expect_shown(page: Page, panel: str) -> None:
    """Expect that this panel is shown, that no other is, and that the frame says so."""
    for each in PANELS:
        expect(page.locator(f"#{each}")).to_be_visible(visible=each == panel)
    expect(page.locator(".panels [aria-current=page]")).to_have_attribute("href", f"#{panel}")
    expect(page.locator(f"#{panel}")).to_contain_text(_LISTED)


@pytest.mark.parametrize(
    ("path", "panel"),
    [("./", "draw"), ("#tables", "tables"), ("#models/digits", "models"), ("#content", "draw")],
)
def test_address_names_the_panel(browser: Browser, server: Server, path: str, panel: str) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit, f"/{path}")

        _expect_shown(page, panel)


def test_pointer_shows_panels_and_the_browser_goes_back(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        for panel in reversed(PANELS):
            _tab(page, panel).click()
            _expect_shown(page, panel)
        expect(page).to_have_title("Draw · Vitrine")

        page.go_back()
        _expect_shown(page, "pictures")


def test_finger_shows_panels(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, screen=PHONE) as visit:
        page = _open(visit)
        for panel in reversed(PANELS):
            _tab(page, panel).tap()
            _expect_shown(page, panel)


def test_keyboard_shows_panels(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        _expect_shown(page, "draw")
        _press_until("Tab", page, _tab(page, "tables"))
        page.keyboard.press("Enter")

        _expect_shown(page, "tables")


def test_keyboard_skips_to_the_content(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        _tab(page, "live").click()
        _expect_shown(page, "live")
        _press_until("Shift+Tab", page, page.locator(".skip"))
        page.keyboard.press("Enter")

        expect(page.locator("main")).to_be_focused()
        expect(page.locator("#live")).to_be_visible()


def _press_until(key: str, page: Page, element: Locator) -> None:
    for _ in range(20):
        page.keyboard.press(key)
        if element.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("The keyboard does not reach the element.")


@pytest.mark.parametrize(
    ("locale", "language", "title"),
    [("en-GB", "en", "Draw"), ("pt-BR", "pt-BR", "Desenhar"), ("de-DE", "en", "Draw")],
)
def test_browser_chooses_the_language(
    browser: Browser, server: Server, locale: str, language: str, title: str
) -> None:
    with visiting(browser, server.url, locale=locale) as visit:
        page = _open(visit)

        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page).to_have_title(f"{title} · Vitrine")


def test_link_changes_the_language_and_keeps_the_panel(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit, "/#tables")
        page.get_by_role("link", name="Português").click()

        expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
        expect(page).to_have_title("Tabelas · Vitrine")
        _expect_shown(page, "tables")

        page.get_by_role("link", name="English").click()
        expect(page).to_have_title("Tables · Vitrine")


def test_page_is_dark_where_the_person_prefers_it(browser: Browser, server: Server) -> None:
    brightness = {}
    for dark in (False, True):
        with visiting(browser, server.url, dark=dark) as visit:
            colour = _open(visit).evaluate("getComputedStyle(document.body).backgroundColor")
            brightness[dark] = sum(int(part) for part in colour.strip("rgb()").split(","))

    assert brightness[True] < 100
    assert brightness[False] > 600


def test_forced_colours_keep_what_colour_alone_shows(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.emulate_media(forced_colors="active")
        page = _open(visit)
        _expect_shown(page, "draw")

        expect(_tab(page, "draw")).to_have_css("outline-style", "solid")
        expect(_tab(page, "live")).to_have_css("outline-style", "none")
        expect(page.locator("#draw .meter")).to_have_css("forced-color-adjust", "none")


def test_panel_that_cannot_be_loaded_is_told_and_others_work(
    browser: Browser, server: Server
) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit, script="throw new Error('It broke.')")
        expect(page.get_by_role("alert")).to_contain_text("It broke.")

        page.unroute_all()
        _open(visit, "#models")
        _expect_shown(page, "models")
        expect(page.get_by_role("alert")).to_be_hidden()


def test_page_works_below_the_path_of_a_proxy(browser: Browser) -> None:
    with (
        serving(models=ROOT / "models", workers=1, path_prefix="/ml") as server,
        visiting(browser, f"{server.url}/ml/") as visit,
    ):
        page = _open(visit)
        _expect_shown(page, "draw")
        assert all(each.startswith(f"{server.url}/ml/") for each in visit.requests)

        page.get_by_role("link", name="Português").click()
        _expect_shown(page, "draw")
        page.get_by_role("banner").get_by_role("link", name="Todas as requisições").click()
        expect(page.locator("#operations")).to_contain_text("/models/digits/predict")


def test_page_works_below_a_path_that_nobody_told_the_service(
    browser: Browser, server: Server
) -> None:
    with _stripping_proxy(server, "/app") as url, visiting(browser, f"{url}/app/") as visit:
        page = _open(visit)
        _expect_shown(page, "draw")
        assert all(each.startswith(f"{url}/app/") for each in visit.requests)

        page.get_by_role("link", name="Português").click()
        _expect_shown(page, "draw")
        page.get_by_role("banner").get_by_role("link", name="Todas as requisições").click()
        expect(page.locator("#operations")).to_contain_text("/models/digits/predict")


@contextmanager
def _stripping_proxy(server: Server, prefix: str) -> Iterator[str]:
    """Show a server below a path, which it is not told; yield the origin of the proxy."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Pass a request on, and its answer back."""
            path = self.path.removeprefix(prefix)
            if path == self.path:
                self.send_error(http.HTTPStatus.NOT_FOUND)
                return
            with closing(server.connect()) as connection:
                headers = dict(self.headers.items()) | {"Connection": "close"}
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
            self.send_response(answer.status)
            for name, text in answer.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()


def test_page_asks_for_a_key_until_it_is_right(
    browser: Browser, guarded: Server, secret: str
) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.expect_failure(401, "/models")
        page = _open(visit)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("shown to those who have a key")
        assert_accessible(page)
        keep(page, "page-key", whole=False)

        _enter(dialog, "vitrine_wrong")
        expect(dialog).to_contain_text("does not know this key")

        _enter(dialog, secret)
        _expect_shown(page, "draw")
        expect(dialog).to_be_hidden()


def test_page_keeps_the_key_in_its_tab(browser: Browser, guarded: Server, secret: str) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.expect_failure(401, "/models")
        page = _open(visit)
        _enter(page.get_by_role("dialog"), secret)
        _expect_shown(page, "draw")

        page.reload()
        _expect_shown(page, "draw")
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_button_takes_another_key(browser: Browser, guarded: Server, secret: str) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.expect_failure(401, "/models")
        page = _open(visit)
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="API key").click()
        _enter(page.get_by_role("dialog"), secret)

        _expect_shown(page, "draw")


@pytest.mark.parametrize("impossible", ["ключ", ""])
def test_page_takes_no_key_that_cannot_be_sent(
    browser: Browser, guarded: Server, secret: str, impossible: str
) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.expect_failure(401, "/models")
        page = _open(visit)
        dialog = page.get_by_role("dialog")
        _enter(dialog, impossible)
        expect(dialog).to_be_visible()

        _enter(dialog, f" {secret} ")
        _expect_shown(page, "draw")


def test_page_without_a_key_tells_what_the_service_says(browser: Browser, guarded: Server) -> None:
    with visiting(browser, guarded.url) as visit:
        visit.expect_failure(401, "/models")
        page = _open(visit)
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

        expect(page.get_by_role("alert")).to_contain_text("key")


def _enter(dialog: Locator, secret: str) -> None:
    dialog.get_by_label("API key", exact=True).fill(secret)
    dialog.get_by_role("button", name="Use the key").click()
