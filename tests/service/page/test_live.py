"""The panel of live figures, in a browser whose clock the tests move."""

import datetime
import itertools
import json
import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from prometheus_client.parser import text_string_to_metric_families

from tests.browsers import PHONE, WIDE, Screen, Visit, assert_accessible, keep, visiting
from tests.scrapes import scrape
from tests.servers import ROOT, Server
from tests.traffic import until

_START = datetime.datetime(2026, 11, 29, 9, 0)  # noqa: DTZ001 (the browser shows its own time)
_FIRST = "9:00:01"
_PAUSE_MILLISECONDS = 2000
# After this long the panel does not take what happened for that of a moment.
_LONG_MILLISECONDS = 11_000
_PREDICT = "/models/<name>/predict"
_PICTURE = (ROOT / "examples/seven.png").read_bytes()
_ROWS = (ROOT / "examples/houses.csv").read_bytes()
_ROW_COUNT = len(_ROWS.splitlines()) - 1
_NOTHING = "\N{EN DASH}"

# What JSON cannot say is said in words.
_CALL = """async ([name, call, values]) => {
  const main = document.querySelector("script[src$='main.js']").src;
  const module = await import(new URL(`live/${name}.js`, main));
  const given = values.map((value) => (value?.names ? new Set(value.names) : value));
  const isSaid = (value) => typeof value !== "number" || Number.isFinite(value);
  const told = (_, value) => (isSaid(value) ? value : `${value}`);
  return JSON.stringify(module[call](...given) ?? null, told);
}"""
_HIDE_TAB = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def _call(page: Page, module: str, function: str, *values: object) -> Any:
    """Call a function of a module of the panel; a set is given as {"names": [...]}."""
    return json.loads(page.evaluate(_CALL, [module, function, list(values)]))


@contextmanager
def _watching(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """Visit a service with a clock that stands still."""
    with visiting(browser, url, **options) as visit:
        visit.page.clock.install(time=_START)
        visit.page.clock.pause_at(_START + datetime.timedelta(seconds=1))
        yield visit


def _open(page: Page) -> None:
    """Show the panel, and have it forget the requests that opened the page."""
    page.goto("/#live")
    expect(_state(page)).to_contain_text(_FIRST)
    page.wait_for_load_state("networkidle")
    _look_again(page, _LONG_MILLISECONDS)


def _look_again(page: Page, milliseconds: int = _PAUSE_MILLISECONDS) -> None:
    """Let time pass, until the panel has looked again."""
    before = _state(page).inner_text()
    page.clock.fast_forward(milliseconds)
    expect(_state(page)).not_to_have_text(before)


def _state(page: Page) -> Locator:
    return page.locator("#live-state")


def _trouble(page: Page) -> Locator:
    return page.locator("#live-trouble")


def _figure(page: Page, name: str) -> tuple[str, str]:
    """Return a figure, and the line below it."""
    lines = page.locator(f"#live-{name}"), page.locator(f"#live-{name}-more")
    return lines[0].inner_text(), lines[1].inner_text()


def _rows(page: Page, table: str) -> dict[str, list[str]]:
    """Return the rows of a table by their headings."""
    rows = page.locator(f"#live-{table} tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def _looks(visit: Visit) -> int:
    return sum(url.endswith("/metrics") for url in visit.requests)


def _send(server: Server, model: str, body: bytes, media_type: str, *, times: int) -> None:
    """Send a request some times, and wait until each of them is counted."""
    before = scrape(server).total("vitrine_requests_total", route=_PREDICT)
    with closing(server.connect()) as connection:
        for _ in range(times):
            headers = {"Content-Type": media_type}
            connection.request("POST", f"/models/{model}/predict", body, headers)
            connection.getresponse().read()
    until(lambda: scrape(server).total("vitrine_requests_total", route=_PREDICT) == before + times)


def _text(server: Server) -> str:
    with closing(server.connect()) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


# What is shown.


def test_figures_are_those_of_what_was_sent(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        page = visit.page
        _open(page)
        _send(server, "digits", _PICTURE, "image/png", times=5)
        _send(server, "housing", _ROWS, "text/csv", times=1)
        _send(server, "digits", b"{}", "application/json", times=2)
        _look_again(page)

        assert _figure(page, "requests") == ("4", "8 in 2 sec")
        assert _figure(page, "refused") == ("25%", "2 in 2 sec")
        assert _figure(page, "failed") == ("0%", "0 in 2 sec")
        count = 5 + _ROW_COUNT
        assert _figure(page, "instances") == (f"{count / 2:.4g}", f"{count} in 2 sec")
        assert _figure(page, "served") == ("3", "in 3 versions")
        assert _figure(page, "load") == ("0", "0 are waiting")
        route, version = _rows(page, "routes")[_PREDICT], _rows(page, "versions")
        assert (route[0], *route[3:]) == ("4", "2", "0")
        assert version["digits, version 1"][0] == "2.5"
        assert version["digits, version 1"][3] == "7 100%"
        assert version["housing, version 1"][0] == f"{_ROW_COUNT / 2:.4g}"
        assert version["fashion, version 1"] == ["0", _NOTHING, _NOTHING, _NOTHING]


def test_minute_keeps_what_the_moment_has_passed(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        page = visit.page
        _open(page)
        _send(server, "digits", _PICTURE, "image/png", times=3)
        _look_again(page)
        assert page.locator("#live-now-50").inner_text().endswith(" ms")
        _look_again(page)

        assert _figure(page, "requests") == ("0", "3 in 4 sec")
        assert _figure(page, "refused") == (_NOTHING, "0 in 4 sec")
        assert page.locator("#live-now-50").inner_text() == _NOTHING
        assert page.locator("#live-minute-50").inner_text().endswith(" ms")

        for _ in range(30):
            _look_again(page)
        assert _figure(page, "requests") == ("0", "0 in 60 sec")
        assert page.locator("#live-minute-50").inner_text() == _NOTHING
        expect(page.locator("#live-no-routes")).to_be_visible()


def test_button_says_the_figures_once(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url, screen=PHONE) as visit:
        page = visit.page
        _open(page)
        said = page.locator("#live-sentence")
        expect(said).to_be_hidden()
        _send(server, "digits", _PICTURE, "image/png", times=1)
        _look_again(page)
        page.get_by_role("button", name="Read now").tap()

        expect(said).to_contain_text("In the last 2 seconds: 1 request, 0 refused, 0 failed")
        expect(said).to_contain_text("1 instance predicted. Half of the answers")
        sentence = said.inner_text()
        _look_again(page)
        assert said.inner_text() == sentence


# When the service is asked.


def test_pause_stops_and_goes_on_by_keyboard(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        page = visit.page
        _open(page)
        page.get_by_role("button", name="Pause").focus()
        page.keyboard.press("Enter")
        go_on = page.get_by_role("button", name="Go on")
        expect(go_on).to_be_focused()
        looks = _looks(visit)
        page.clock.run_for(60_000)
        assert _looks(visit) == looks

        before = _state(page).inner_text()
        page.keyboard.press("Space")
        expect(_state(page)).not_to_have_text(before)
        expect(page.get_by_role("button", name="Pause")).to_be_focused()


def test_panel_asks_nothing_while_another_is_shown(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        page = visit.page
        # The other panel asks for nothing.
        empty = "export const open = () => undefined;"
        page.route(
            "**/models/panel.js",
            lambda route: route.fulfill(body=empty, content_type="text/javascript"),
        )
        _open(page)
        page.locator(".panels a[href='#models']").click()
        expect(page.locator("#live")).to_be_hidden()
        looks = _looks(visit)
        _send(server, "digits", _PICTURE, "image/png", times=4)
        page.clock.run_for(60_000)
        assert _looks(visit) == looks

        before = _state(page).text_content() or ""
        page.locator(".panels a[href='#live']").click()
        expect(_state(page)).not_to_have_text(before)
        # What happened meanwhile is nothing of this moment.
        assert _figure(page, "requests") == (_NOTHING, "")


def test_panel_asks_nothing_while_its_tab_is_hidden(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        page = visit.page
        _open(page)
        page.evaluate(_HIDE_TAB, "hidden")
        looks = _looks(visit)
        page.clock.run_for(60_000)
        assert _looks(visit) == looks

        before = _state(page).inner_text()
        page.evaluate(_HIDE_TAB, "visible")
        expect(_state(page)).not_to_have_text(before)


def test_panel_waits_for_an_answer_before_it_asks_again(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        page = visit.page
        _open(page)
        held: list[Route] = []
        page.route("**/metrics", lambda route: held.append(route))  # noqa: PLW0108 (Playwright)
        page.clock.fast_forward(_PAUSE_MILLISECONDS)
        until(lambda: page.evaluate("0") == 0 and len(held) == 1)
        page.clock.run_for(60_000)
        expect(_trouble(page)).to_contain_text("no answer for ten seconds")
        assert len(held) == 1

        held[0].continue_()
        expect(_trouble(page)).to_be_hidden()


def test_failed_look_is_told_and_tried_again(browser: Browser, server: Server) -> None:
    with _watching(browser, server.url) as visit:
        visit.expect_failure(503, "/metrics")
        page = visit.page
        _open(page)
        problem = json.dumps({"detail": "Too many ask for the metrics."})
        page.route("**/metrics", lambda route: route.fulfill(status=503, body=problem))
        page.clock.fast_forward(_PAUSE_MILLISECONDS)
        expect(_trouble(page)).to_contain_text("Too many ask for the metrics.")

        page.unroute("**/metrics")
        _look_again(page)
        expect(_trouble(page)).to_be_hidden()
        # Both times together: nothing between two answers is lost.
        assert _figure(page, "requests") == ("0", "0 in 4 sec")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<!doctype html><title>A proxy</title>", "holds no figures of this service"),
        ("vitrine_connections many", "not of the text format of Prometheus"),
    ],
    ids=["another page", "damaged"],
)
def test_answer_that_is_none_is_told(
    browser: Browser, server: Server, body: str, told: str
) -> None:
    with _watching(browser, server.url) as visit:
        visit.page.route("**/metrics", lambda route: route.fulfill(body=body))
        visit.page.goto("/#live")

        expect(_trouble(visit.page)).to_contain_text(told)


def test_panel_looks_with_a_key(browser: Browser, guarded: Server, secret: str) -> None:
    with _watching(browser, guarded.url) as visit:
        visit.expect_failure(401, "/metrics")
        page = visit.page
        page.goto("/#live")
        page.get_by_role("dialog").get_by_label("API key", exact=True).fill(secret)
        page.get_by_role("button", name="Use the key").click()
        expect(_state(page)).to_contain_text(_FIRST)

        curl = f'curl -H "Authorization: Bearer $VITRINE_KEY" {guarded.url}/metrics'
        expect(page.locator("#live-curl code")).to_have_text(curl)
        _look_again(page)
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_panel_without_a_key_asks_once(browser: Browser, guarded: Server) -> None:
    with _watching(browser, guarded.url) as visit:
        visit.expect_failure(401, "/metrics")
        page = visit.page
        page.goto("/#live")
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(_trouble(page)).to_contain_text('"Go on" asks for them again')
        page.clock.run_for(60_000)
        expect(page.get_by_role("dialog")).to_be_hidden()

        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("dialog")).to_be_visible()


# What counters say.


def _metrics(**requests: int) -> str:
    """Write metrics with these numbers of requests by route, and nothing else."""
    lines = [
        f'vitrine_requests_total{{method="GET",route="/{route}",status="200"}} {count}'
        for route, count in requests.items()
    ]
    gauges = ("computing_requests", "waiting_requests", "connections", "max_connections")
    lines += [f"vitrine_{name} 0" for name in (*gauges, "body_memory_bytes")]
    return "\n".join([*lines, ""])


def test_restart_of_the_service_is_no_fall(browser: Browser, server: Server) -> None:
    texts = itertools.chain(
        [_metrics(models=100, metrics=9), _metrics(models=110, metrics=10)],
        [_metrics(models=4, livez=2, metrics=1)],
    )
    with _watching(browser, server.url) as visit:
        page = visit.page
        page.route("**/metrics", lambda route: route.fulfill(body=next(texts)))
        page.goto("/#live")
        expect(_state(page)).to_contain_text(_FIRST)
        _look_again(page)
        assert _figure(page, "requests") == ("5", "10 in 2 sec")
        _look_again(page)

        assert _figure(page, "requests") == ("3", "16 in 4 sec")
        assert list(_rows(page, "routes")) == ["/models", "/livez"]


@pytest.fixture(scope="module")
def modules(browser: Browser, server: Server) -> Iterator[Page]:
    """A page whose modules can be called."""
    with _watching(browser, server.url) as visit:
        visit.page.goto("/#live")
        yield visit.page


def _counter(value: float, **labels: str) -> dict[str, object]:
    return {"name": "c", "series": f"c{labels}", "labels": labels, "value": value}


@pytest.mark.parametrize(
    ("before", "after", "rises"),
    [
        ([_counter(5)], [_counter(7)], [2]),
        ([_counter(5)], [_counter(3)], [3]),
        ([_counter(5)], [_counter(5)], []),
        ([_counter(5)], [], []),
        ([], [_counter(4, route="/a")], [4]),
        ([], [_counter(4, model="m", version="1")], []),
        (
            [_counter(1, model="m", version="1")],
            [_counter(1, model="m", version="1"), _counter(4, model="m", version="1", label="a")],
            [4],
        ),
        (
            [_counter(1, le="1"), _counter(1, le="2")],
            [_counter(1, le="1"), _counter(3, le="2")],
            [0, 2],
        ),
    ],
    ids=[
        *("rise", "reset", "nothing", "gone", "new route", "new version"),
        *("new label of a version", "histogram is whole"),
    ],
)
def test_rise_is_that_of_rate(
    modules: Page,
    before: list[dict[str, object]],
    after: list[dict[str, object]],
    rises: list[float],
) -> None:
    found = _call(modules, "history", "risesOf", before, after)

    assert [each["value"] for each in found] == rises


@pytest.mark.parametrize(
    ("share", "buckets", "expected"),
    [
        (0.5, [[1, 0], [2, 4], [4, 8], ["+Inf", 8]], (2, False)),
        (0.95, [[1, 0], [2, 4], [4, 8], ["+Inf", 8]], (3.8, False)),
        (0.5, [[0.1, 10], ["+Inf", 10]], (0.05, False)),
        (0.99, [[1, 50], [10, 90], ["+Inf", 100]], (10, True)),
        (0.5, [[4, 8], [1, 0], ["+Inf", 8], [2, 4]], (2, False)),
        (0.5, [[1, 0], ["+Inf", 0]], None),
        (0.5, [], None),
    ],
    ids=["bound", "within", "first", "beyond the last", "order", "no values", "no buckets"],
)
def test_quantile_is_that_of_prometheus(
    modules: Page,
    share: float,
    buckets: list[list[float | str]],
    expected: tuple[float, bool] | None,
) -> None:
    given = [[math.inf if bound == "+Inf" else bound, count] for bound, count in buckets]
    found = _call(modules, "quantile", "quantile", share, given)

    if expected is None:
        assert found is None
    else:
        assert found == {"value": pytest.approx(expected[0]), "isMore": expected[1]}


# The text format.


def test_parser_reads_what_the_client_library_reads(modules: Page, server: Server) -> None:
    _send(server, "digits", _PICTURE, "image/png", times=1)
    text = _text(server)
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    names = sorted({sample.name for sample in samples})
    found = _call(modules, "exposition", "parse", text, {"names": names})

    assert len(samples) > 500
    assert [(each["name"], each["labels"], each["value"]) for each in found] == [
        (sample.name, sample.labels, sample.value) for sample in samples
    ]


@pytest.mark.parametrize(
    ("line", "labels", "value"),
    [
        ("a 1", {}, 1),
        ("a{} 1.5e3", {}, 1500),
        ("a\t-2 1700000000000", {}, -2),
        ('a{x="1", y="",} 3 ', {"x": "1", "y": ""}, 3),
        ('a { x = "1" } 3', {"x": "1"}, 3),
        (r'a{x="\\ \" \n \d"} 0', {"x": '\\ " \n \\d'}, 0),
        ('a{x="} 7",y="{,="} 0', {"x": "} 7", "y": "{,="}, 0),
        ('a{x="maçã"} +Inf', {"x": "maçã"}, "Infinity"),
        ("a -Inf", {}, "-Infinity"),
        ("a NaN", {}, "NaN"),
    ],
)
def test_parser_reads_odd_lines(
    modules: Page, line: str, labels: dict[str, str], value: float | str
) -> None:
    text = f"# HELP a b\n# TYPE a gauge\n\nab 1\nb nothing\n{line}"
    (found,) = _call(modules, "exposition", "parse", text, {"names": ["a"]})

    assert (found["labels"], found["value"]) == (labels, value)


@pytest.mark.parametrize(
    "line", ["a", "a ", "a{", "a{x} 1", 'a{x="1} 1', 'a{x="1"y="2"} 1', "a 1 2 3", "a one", "a {} "]
)
def test_parser_refuses_what_is_not_of_the_format(modules: Page, line: str) -> None:
    with pytest.raises(Exception, match="not of the text format"):
        _call(modules, "exposition", "parse", line, {"names": ["a"]})


# How it looks.


@pytest.mark.parametrize(
    ("screen", "dark", "locale"),
    [
        pytest.param(WIDE, False, "en-US", id="wide-light"),
        pytest.param(WIDE, True, "pt-BR", id="wide-dark"),
        pytest.param(Screen(768, 1024), True, "en-US", id="tablet-dark"),
        pytest.param(PHONE, False, "pt-BR", id="phone-light"),
        pytest.param(PHONE, True, "en-US", id="phone-dark"),
        pytest.param(Screen(360, 740, touch=True), False, "pt-BR", id="small-light"),
    ],
)
def test_figures_are_accessible(
    browser: Browser,
    server: Server,
    request: pytest.FixtureRequest,
    *,
    screen: Screen,
    dark: bool,
    locale: str,
) -> None:
    with _watching(browser, server.url, screen=screen, dark=dark, locale=locale) as visit:
        page = visit.page
        page.goto("/#live")
        expect(_state(page)).to_contain_text("00:01")
        for times in (1, 6, 3, 8):
            _send(server, "digits", _PICTURE, "image/png", times=times)
            _send(server, "fashion", b"{}", "application/json", times=times % 3)
            _look_again(page)
        page.locator("#live-say").click()
        keep(page, f"live-{request.node.callspec.id}")

        assert page.evaluate("document.documentElement.scrollWidth") == screen.width
        page.clock.resume()  # axe-core waits for timers
        assert_accessible(page)
