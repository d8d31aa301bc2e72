"""The panel where one draws, in a browser, with the shipped models."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browsers import PHONE, WIDE, Screen, Visit, assert_accessible, keep, visiting
from tests.servers import Server
from tests.strokes import (
    DIGITS,
    ONE_OR_SEVEN,
    SCRIBBLE,
    draw,
    draw_with_finger,
    draw_with_pen,
    touch,
)

_PREDICT = "/models/digits/predict"
_STRANGE = "This does not look like anything that the model was trained on."
_OVERLOADED = {
    "type": "/problems/overloaded",
    "detail": "More requests wait than can be answered soon. Try again in 1 s.",
}
# How many pixels of the paper are dark.
_INK = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    .data.filter((level, index) => index % 4 === 0 && level < 128).length"""
# How many pixels of a picture are light, and how many are rather blue than grey.
_LIGHT = """canvas => canvas.getContext('2d').getImageData(0, 0, 28, 28)
    .data.filter((level, index) => index % 4 === 0 && level > 200).length"""
_BLUE = """canvas => canvas.getContext('2d').getImageData(0, 0, 28, 28)
    .data.filter((level, index, all) => index % 4 === 2 && level > all[index - 2] + 60).length"""


@contextmanager
def _visit(browser: Browser, server: Server, **options: Any) -> Iterator[Visit]:
    """Open the panel, which is the first one of the page."""
    with visiting(browser, server.url, **options) as visit:
        _open(visit.page)
        yield visit


def _open(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#draw")).to_have_attribute("aria-busy", "false")


def _in_panel(page: Page) -> Locator:
    return page.locator("#draw")


def _label(page: Page) -> Locator:
    return page.locator("#draw-label")


def _requests(visit: Visit) -> list[str]:
    return [url for url in visit.requests if "/predict" in url]


@pytest.mark.parametrize("digit", DIGITS)
def test_digit_drawn_with_the_mouse_is_recognized(
    browser: Browser, server: Server, digit: str
) -> None:
    with _visit(browser, server) as visit:
        draw(visit.page, DIGITS[digit])

        expect(_label(visit.page)).to_have_text(digit)
        expect(visit.page.locator("#draw-status")).to_contain_text(f"Prediction: {digit}.")
        keep(visit.page, f"draw-{digit}")


@pytest.mark.parametrize("digit", ["3", "8"])
def test_digit_drawn_with_a_finger_is_recognized(
    browser: Browser, server: Server, digit: str
) -> None:
    with _visit(browser, server, screen=PHONE) as visit:
        draw_with_finger(visit.page, DIGITS[digit])

        expect(_label(visit.page)).to_have_text(digit)
        expect(visit.page.locator("#draw-status")).to_contain_text(f"Prediction: {digit}.")
        assert visit.page.evaluate("scrollY") == 0
        keep(visit.page, f"draw-finger-{digit}")


def test_finger_beside_the_paper_scrolls_the_page(browser: Browser, server: Server) -> None:
    with _visit(browser, server, screen=PHONE) as visit:
        box = visit.page.locator("#draw-answer").bounding_box()
        assert box
        touch(visit.page, [(box["x"] + 20, box["y"] + 20 - 15 * step) for step in range(20)])

        visit.page.wait_for_function("() => scrollY > 0")
        assert _requests(visit) == []


def test_digit_is_drawn_with_the_keyboard_alone(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        keyboard = visit.page.keyboard
        _focus_with_keyboard(visit.page)
        expect(visit.page.locator("#draw-pen")).to_be_visible()
        for key in ["Shift+ArrowUp"] * 3 + ["Shift+ArrowLeft"] * 2 + ["Space"]:
            keyboard.press(key)
        expect(visit.page.locator("#draw-pen-state")).to_have_text(
            "The pen is down, 30% from the left, 20% from the top."
        )
        for key in ["Shift+ArrowRight"] * 4 + ["ArrowDown", "ArrowDown", "ArrowLeft"] * 12:
            keyboard.press(key)
        keyboard.press("Space")

        expect(_label(visit.page)).to_have_text("7")
        expect(visit.page.locator("#draw-pen-state")).to_contain_text("The pen is up")
        expect(visit.page.locator("#draw-status")).to_contain_text("Prediction: 7.")
        keep(visit.page, "draw-keyboard")
        keyboard.press("Control+z")
        expect(_label(visit.page)).to_be_empty()


def _focus_with_keyboard(page: Page) -> None:
    page.locator("#draw-model").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#draw-canvas")).to_be_focused()


def test_two_arrow_keys_together_move_the_pen_diagonally(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        _focus_with_keyboard(visit.page)
        visit.page.keyboard.down("ArrowLeft")
        visit.page.keyboard.press("Shift+ArrowDown")
        visit.page.keyboard.up("ArrowLeft")

        expect(visit.page.locator("#draw-pen-state")).to_have_text(
            "The pen is up, 38% from the left, 60% from the top."
        )


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_scribble_is_told_so(browser: Browser, server: Server, screen: Screen) -> None:
    with _visit(browser, server, screen=screen) as visit:
        (draw_with_finger if screen.touch else draw)(visit.page, SCRIBBLE)

        expect(visit.page.locator("#draw-strange")).to_be_visible()
        expect(visit.page.locator("#draw-caption")).to_have_text("Nearest label")
        expect(visit.page.locator("#draw-status")).to_contain_text(_STRANGE)
        keep(visit.page, f"draw-scribble-{'phone' if screen.touch else 'wide'}")
        assert_accessible(visit.page)


def test_undo_goes_back_by_a_stroke(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        page = visit.page
        draw(page, DIGITS["1"])
        expect(_label(page)).to_have_text("1")
        draw(page, DIGITS["8"])
        expect(_label(page)).not_to_have_text("1")

        page.get_by_role("button", name="Undo").click()
        expect(_label(page)).to_have_text("1")
        page.keyboard.press("Control+z")
        expect(_label(page)).to_be_empty()
        expect(page.locator("#draw-hint")).to_be_visible()
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()


@pytest.mark.parametrize("key", ["Delete", "Escape", None])
def test_clear_can_be_undone(browser: Browser, server: Server, key: str | None) -> None:
    with _visit(browser, server) as visit:
        page = visit.page
        draw(page, DIGITS["4"])
        expect(_label(page)).to_have_text("4")

        if key:
            page.keyboard.press(key)
        else:
            page.get_by_role("button", name="Clear").click()
        expect(_label(page)).to_be_empty()
        expect(page.locator("#draw-hint")).to_be_visible()
        assert page.locator("#draw-canvas").evaluate(_INK) == 0
        page.keyboard.press("Control+z")
        expect(_label(page)).to_have_text("4")


def test_thickness_is_that_of_the_next_stroke(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        paper, slider = (
            visit.page.locator("#draw-canvas"),
            _in_panel(visit.page).get_by_label("Thickness"),
        )
        inks = []
        for key in ["Home", "End"]:
            slider.press(key)
            draw(visit.page, DIGITS["1"])
            inks.append(paper.evaluate(_INK))
            visit.page.get_by_role("button", name="Clear").click()

        assert 5 * inks[0] < inks[1]


def test_pen_that_presses_harder_draws_a_wider_stroke(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        paper = visit.page.locator("#draw-canvas")
        inks = []
        for force in [0.1, 0.9]:
            draw_with_pen(visit.page, DIGITS["1"], force)
            inks.append(paper.evaluate(_INK))
            visit.page.get_by_role("button", name="Clear").click()

        assert 1.5 * inks[0] < inks[1]


def test_coverage_decides_the_set(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        coverage, marked = (
            _in_panel(visit.page).get_by_label("Coverage"),
            visit.page.locator(".marked .label-name"),
        )
        draw(visit.page, ONE_OR_SEVEN)
        coverage.press("End")

        expect(visit.page.locator("#draw-coverage-value")).to_have_text("99.9%")
        expect(visit.page.locator("#draw-set")).to_have_text("1 and 7")
        expect(marked).to_have_text(["1", "7"])
        keep(visit.page, "draw-between-1-and-7")
        coverage.press("Home")
        expect(marked).to_have_count(1)


def test_nothing_is_asked_about_empty_paper(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        _in_panel(visit.page).get_by_label("Coverage").press("End")
        visit.page.locator("#draw-canvas").focus()
        for key in ["Delete", "Control+z", "ArrowLeft"]:
            visit.page.keyboard.press(key)
        _in_panel(visit.page).get_by_label("Model", exact=True).select_option("fashion")
        expect(visit.page.locator("#draw-bars")).to_contain_text("Sandal")

        assert _requests(visit) == []


def test_newest_drawing_is_asked_about_after_the_answer(browser: Browser, server: Server) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with _visit(browser, server) as visit:
        visit.page.route("**/predict?*", hold, times=1)
        with visit.page.expect_request("**/predict?*"):
            draw(visit.page, DIGITS["4"][:1])
        draw(visit.page, DIGITS["4"][1:])
        assert len(_requests(visit)) == 1

        held[0].continue_()
        expect(_label(visit.page)).to_have_text("4")
        expect(visit.page.locator("#draw-status")).to_contain_text("Prediction: 4.")
        # The one that was held, and the newest drawing, which a slow service explains only then;
        # none of the many between them.
        assert len(_requests(visit)) <= 3


def test_answer_for_a_cleared_drawing_is_not_shown(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        visit.page.route("**/predict?*", lambda _: None)
        with visit.page.expect_request("**/predict?*"):
            draw(visit.page, DIGITS["1"])
        with visit.page.expect_event("requestfailed"):
            visit.page.get_by_role("button", name="Clear").click()
        visit.page.unroute("**/predict?*")

        expect(_label(visit.page)).to_be_empty()
        draw(visit.page, DIGITS["7"])
        expect(_label(visit.page)).to_have_text("7")


def test_picture_that_the_model_saw_and_the_ink_that_decided_are_shown(
    browser: Browser, server: Server
) -> None:
    with _visit(browser, server) as visit:
        draw(visit.page, DIGITS["5"])

        expect(visit.page.locator("#draw-steps li")).to_have_text(
            ["light and dark exchanged", "cut to the ink"]
        )
        seen, decided = visit.page.locator("#draw-seen"), visit.page.locator("#draw-decided")
        assert seen.evaluate(_LIGHT) > 40
        assert seen.evaluate(_BLUE) == 0
        assert decided.evaluate(_BLUE) > 5
        visit.page.get_by_role("button", name="Clear").click()
        assert seen.evaluate(_LIGHT) == 0


def test_curl_line_gives_the_same_answer(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        draw(visit.page, DIGITS["2"])
        expect(visit.page.locator("#draw-status")).to_contain_text("Prediction: 2.")
        line = visit.page.locator("#draw-curl code").inner_text()

    answer = json.loads(subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout)
    assert answer["predictions"][0]["label"] == "2"


def test_drawing_is_saved(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        draw(visit.page, DIGITS["2"])
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Save").click()

        assert download.value.suggested_filename == "drawing.png"
        assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_refusal_is_shown_beside_the_answer(browser: Browser, server: Server) -> None:
    detail = "Nothing stands out from the paper."
    with _visit(browser, server) as visit:
        visit.expect_failure(422, _PREDICT)
        visit.page.route("**/predict?*", _refuse(422, {"detail": detail}))
        draw(visit.page, DIGITS["1"])

        expect(visit.page.locator("#draw-problem")).to_have_text(detail)
        keep(visit.page, "draw-refusal")
        visit.page.unroute("**/predict?*")
        draw(visit.page, DIGITS["1"])
        expect(visit.page.locator("#draw-problem")).to_be_hidden()
        expect(_label(visit.page)).to_have_text("1")


def test_overloaded_service_is_asked_again_when_it_says(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        visit.expect_failure(503, _PREDICT)
        refuse = _refuse(503, _OVERLOADED, {"Retry-After": "1"})
        visit.page.route("**/predict?*", refuse, times=1)
        draw(visit.page, DIGITS["1"])

        expect(visit.page.locator("#draw-problem")).to_contain_text("sent again in 1 second.")
        assert len(_requests(visit)) == 1
        expect(_label(visit.page)).to_have_text("1")
        expect(visit.page.locator("#draw-problem")).to_be_hidden()


def test_service_that_does_not_answer_is_asked_with_the_next_stroke(
    browser: Browser, server: Server
) -> None:
    with _visit(browser, server) as visit:
        visit.expect_failure("net::ERR_CONNECTION_REFUSED", _PREDICT)
        visit.page.route("**/predict?*", lambda route: route.abort("connectionrefused"))
        draw(visit.page, DIGITS["4"][:1])
        expect(visit.page.locator("#draw-problem")).to_contain_text("The service does not answer.")
        visit.page.unroute("**/predict?*")

        draw(visit.page, DIGITS["4"][1:])
        expect(_label(visit.page)).to_have_text("4")


def _refuse(
    status: int, problem: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Callable[[Route], None]:
    def refuse(route: Route) -> None:
        route.fulfill(status=status, json=problem, headers=dict(headers or {}))

    return refuse


def test_page_without_a_model_of_pictures_says_so(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.route("**/models", lambda route: route.fulfill(json={"models": []}))
        _open(visit.page)
        draw(visit.page, DIGITS["1"])
        visit.page.get_by_role("button", name="Clear").click()

        expect(visit.page.locator("#draw-no-model")).to_be_visible()
        expect(visit.page.locator("#draw-answer")).to_be_hidden()
        assert_accessible(visit.page)


@pytest.mark.parametrize(
    ("task", "labels", "prediction", "shown"),
    [
        (
            "multi-label classification",
            ["round", "straight", "tall"],
            {"labels": ["round"], "probabilities": {"round": 0.9, "tall": 0.3, "straight": 0.1}},
            ["Labels", "round", "90%", "straight", "10%", "tall", "30%"],
        ),
        (
            "anomaly detection",
            [],
            {"anomaly_score": 12.34567, "credibility": 0.01},
            ["Anomaly score", "12.35", _STRANGE],
        ),
        (
            "classification",
            [f"class {number}" for number in range(12)],
            {
                "label": "class 11",
                "probability": 1,
                "probabilities": {f"class {n}": 1 if n == 11 else 0 for n in range(12)},
            },
            [
                "class 11",
                "Probability > 99.9%",
                *(part for number in range(9) for part in (f"class {number}", "< 0.1%")),
            ],
        ),
    ],
    ids=["labels", "anomaly", "many classes"],
)
def test_answers_of_other_models_are_shown(
    browser: Browser,
    server: Server,
    task: str,
    labels: list[str],
    prediction: dict[str, Any],
    shown: list[str],
) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.route("**/models/digits", lambda route: _describe(route, task, labels))
        answer = {"predictions": [prediction]}
        visit.page.route("**/predict?*", lambda route: route.fulfill(json=answer))
        _open(visit.page)
        draw(visit.page, DIGITS["1"])

        for part in shown:
            expect(visit.page.locator("#draw-answer")).to_contain_text(part)
        expect(visit.page.locator("#draw-bars li")).to_have_count(min(len(labels), 10))
        keep(visit.page, f"draw-{task.replace(' ', '-')}-{len(labels)}")


def _describe(route: Route, task: str, labels: list[str]) -> None:
    """Describe a model of another task."""
    description = route.fetch().json()
    outputs = [{"kind": "other", "name": "other", "labels": labels or None}]
    route.fulfill(json={**description, "task": task, "outputs": outputs})


@pytest.mark.parametrize(
    ("width", "dark"),
    [(1280, False), (768, True), (390, True), (360, False)],
    ids=["wide", "tablet", "phone", "small phone"],
)
def test_answer_is_told_in_portuguese(
    browser: Browser, server: Server, width: int, *, dark: bool
) -> None:
    screen = Screen(width, 800, touch=width < 768)
    with _visit(browser, server, screen=screen, dark=dark, locale="pt-BR") as visit:
        page = visit.page
        (draw_with_finger if screen.touch else draw)(page, DIGITS["9"])

        expect(page.locator("#draw-status")).to_contain_text("Previsão: 9. Probabilidade > 99,9%.")
        expect(page.locator("#draw-steps li").first).to_have_text("claro e escuro trocados")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        keep(page, f"draw-pt-{width}-{'dark' if dark else 'light'}")
        assert_accessible(page)


def test_version_that_comes_is_offered_and_asked(browser: Browser, server: Server) -> None:
    with _visit(browser, server) as visit:
        page = visit.page
        expect(page.locator("#draw-model option")).to_have_text(["digits", "fashion"])
        page.route(f"**{_PREDICT}?*", lambda route: _answer_as_version(route, "2"))
        page.route("**/models/digits", _describe_second_version)
        draw(page, DIGITS["6"])

        versions = ["digits", "digits, version 1", "digits, version 2", "fashion"]
        expect(page.locator("#draw-model option")).to_have_text(versions)
        expect(page.locator("#draw-model")).to_have_value("digits")
        expect(_label(page)).to_have_text("6")


def _answer_as_version(route: Route, version: str) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "x-model-version": version})


def _describe_second_version(route: Route) -> None:
    route.fulfill(json={**route.fetch().json(), "version": 2, "versions": [1, 2]})
