"""The panel of pictures in a browser: where they come from, what is told of each, what fails."""

import csv
import io
import json
import re
import shutil
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect

from tests import pictures
from tests.browsers import (
    CHROMIUM,
    PHONE,
    WIDE,
    Screen,
    Visit,
    assert_accessible,
    keep,
    visiting,
)
from tests.servers import ROOT, Server

_PREDICT = "/models/digits/predict"
_SEVEN = ROOT / "examples/seven.png"
# What a browser holds of files, and lets go.
_COUNT_URLS = """
    window.heldUrls = 0;
    const [create, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
    URL.createObjectURL = (object) => (window.heldUrls++, create.call(URL, object));
    URL.revokeObjectURL = (url) => (window.heldUrls--, revoke.call(URL, url));
"""
_TRANSFER = """(files) => {
    const transfer = new DataTransfer();
    for (const [name, type, text] of files) {
        const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
        transfer.items.add(new File([bytes], name, {type}));
    }
"""
_DROP = f"""{_TRANSFER}
    for (const type of ['dragenter', 'dragover', 'drop']) {{
        const init = {{bubbles: true, cancelable: true, dataTransfer: transfer}};
        document.querySelector('#pictures-title').dispatchEvent(new DragEvent(type, init));
    }}
}}"""
_PASTE = f"""{_TRANSFER}
    const init = {{bubbles: true, cancelable: true, clipboardData: transfer}};
    document.body.dispatchEvent(new ClipboardEvent('paste', init));
}}"""


def _drawn(digit: str = "5", name: str | None = None, form: str = "PNG") -> FilePayload:
    """Draw a digit into a file."""
    body = pictures.saved(pictures.painted(pictures.coverage(digit)), form)
    return {
        "name": name or f"{digit}.{form.lower()}",
        "mimeType": f"image/{form.lower()}",
        "buffer": body,
    }


def _star() -> bytes:
    """Draw what is no digit."""
    picture = Image.new("L", (200, 200), 255)
    corners = [(100, 20), (150, 170), (25, 75), (175, 75), (50, 170), (100, 20)]
    ImageDraw.Draw(picture).line(corners, fill=20, width=9, joint="curve")
    return pictures.saved(picture)


_NOTES: FilePayload = {"name": "notes.png", "mimeType": "image/png", "buffer": b"Milk, bread."}


def _open(visit: Visit) -> Page:
    visit.page.goto("/#pictures")
    expect(visit.page.locator("#pictures")).to_have_attribute("aria-busy", "false")
    return visit.page


def _choose(page: Page, files: Sequence[FilePayload]) -> None:
    page.locator("#pictures-input").set_input_files(files)


def _as_arguments(files: Sequence[FilePayload]) -> list[list[str]]:
    return [[each["name"], each["mimeType"], b64encode(each["buffer"]).decode()] for each in files]


def _card(page: Page, name: str) -> Locator:
    return page.locator("#pictures-grid li").filter(has_text=name)


def _summary(page: Page) -> Locator:
    return page.locator("#pictures-summary")


def _filter(page: Page, name: str) -> None:
    page.locator("#pictures .filter label", has_text=name).click()


def _predictions_asked(visit: Visit) -> int:
    return sum(_PREDICT in url for url in visit.requests)


@pytest.mark.parametrize("way", ["pointer", "keyboard", "touch"])
def test_chosen_picture_is_predicted(browser: Browser, server: Server, way: str) -> None:
    with visiting(browser, server.url, screen=PHONE if way == "touch" else WIDE) as visit:
        page = _open(visit)
        choose = page.get_by_role("button", name="Choose pictures")

        with page.expect_file_chooser() as chooser:
            match way:
                case "keyboard":
                    choose.press("Enter")
                case "touch":
                    choose.tap()
                case _:
                    choose.click()
        chooser.value.set_files(_SEVEN)

        expect(_summary(page)).to_have_text("1 picture: 1 predicted, 0 failed")
        expect(_card(page, "seven.png")).to_contain_text("Prediction set: 7")
        expect(_card(page, "seven.png").locator("img")).to_be_visible()


@pytest.mark.parametrize("script", [_DROP, _PASTE], ids=["dropped", "pasted"])
def test_pictures_are_dropped_or_pasted(browser: Browser, server: Server, script: str) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)

        page.evaluate(script, _as_arguments([_drawn("4"), _drawn("5")]))

        expect(_card(page, "4.png")).to_contain_text("Prediction set: 4")
        expect(_card(page, "5.png")).to_contain_text("Prediction set: 5")


def test_folders_are_dropped_with_what_is_inside(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    inner = tmp_path / "scans/second"
    inner.mkdir(parents=True)
    shutil.copy(_SEVEN, tmp_path / "scans/a.png")
    shutil.copy(_SEVEN, inner / "b.png")
    (inner / ".hidden").write_text("Of the system.")
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        session = page.context.new_cdp_session(page)
        data = {"items": [], "files": [str(tmp_path / "scans")], "dragOperationsMask": 1}

        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 400, "y": 100, "data": data}
            session.send("Input.dispatchDragEvent", event)

        expect(_summary(page)).to_have_text("2 pictures: 2 predicted, 0 failed")
        names = page.locator("#pictures-grid .file")
        expect(names).to_have_text(["scans/a.png", "scans/second/b.png"])


def test_wrong_file_fails_alone_and_says_why(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)

        _choose(page, [_drawn("4"), _NOTES, _drawn("7", form="TIFF")])

        expect(_summary(page)).to_have_text("3 pictures: 2 predicted, 1 failed")
        expect(_card(page, "notes.png")).to_contain_text("The first bytes belong to none")
        expect(_card(page, "4.png")).to_contain_text("Prediction set: 4")
        # The browser cannot show it, the service reads it.
        expect(_card(page, "7.tiff")).to_contain_text("Prediction set: 7")
        expect(_card(page, "7.tiff").locator(".placeholder")).to_have_text("TIFF")
        # It would be refused again.
        expect(page.locator("#pictures-again")).to_be_hidden()

        _filter(page, "Failed")
        expect(page.locator("#pictures-grid .file")).to_have_text(["notes.png"])


def test_many_pictures_are_sent_in_few_forms(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        drawn = {digit: _drawn(digit) for digit in "1457"}
        files = [_drawn_as(drawn["1457"[index % 4]], f"{index}.png") for index in range(200)]

        _choose(page, files)

        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(_summary(page)).to_have_text("200 pictures: 200 predicted, 0 failed")
        expect(page.get_by_role("progressbar")).to_be_hidden()
        counts = page.locator("#pictures-counts li")
        expect(counts).to_have_text([re.compile(f"^{digit}.+ 50$") for digit in "1457"])
        assert _predictions_asked(visit) == 25

        page.locator("#pictures-sort").select_option("label")
        expect(page.locator("#pictures-grid .headline").last).to_have_text("7")


def _drawn_as(file: FilePayload, name: str) -> FilePayload:
    return {"name": name, "mimeType": file["mimeType"], "buffer": file["buffer"]}


def test_pictures_that_come_before_the_models_are_predicted(
    browser: Browser, server: Server
) -> None:
    with visiting(browser, server.url) as visit:
        page = visit.page
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/models", hold)
        with page.expect_request("**/models"):
            page.goto("/#pictures")
        _choose(page, [_drawn("4")])
        expect(_summary(page)).to_have_text("")

        held[0].continue_()

        expect(_card(page, "4.png")).to_contain_text("Prediction set: 4")


def test_stop_keeps_what_came_and_asks_for_the_rest_later(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        visit.page.route(f"**{_PREDICT}*", lambda _: None)
        _choose(page, [_drawn("4"), _drawn("7")])

        page.get_by_role("button", name="Stop").click()

        expect(_summary(page)).to_contain_text("2 not predicted since you stopped")
        page.unroute(f"**{_PREDICT}*")
        again = page.get_by_role("button", name="Try 2 pictures again")
        expect(again).to_be_focused()
        again.click()
        expect(_summary(page)).to_have_text("2 pictures: 2 predicted, 0 failed")


def test_download_is_proper_csv_that_no_spreadsheet_runs(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        names = ["=1+1.png", '-a, "b".png', "@c.png", "+d.png", "e.png"]
        _choose(page, [*(_drawn("7", name) for name in names), _NOTES])
        expect(_summary(page)).to_contain_text("6 pictures: 5 predicted")

        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()

        text = Path(download.value.path()).read_text("utf-8-sig")
        header, *rows = csv.reader(io.StringIO(text))
        assert header == ["name", "label", "probability", "set", "credibility", "error"]
        assert [row[0] for row in rows[:5]] == [
            *("'=1+1.png", '\'-a, "b".png', "'@c.png", "'+d.png"),
            "e.png",
        ]
        assert {(row[1], row[3], row[5]) for row in rows[:5]} == {("7", "7", "")}
        assert 0.99 < float(rows[0][2]) < 1
        assert rows[5][:5] == ["notes.png", "", "", "", ""]
        assert rows[5][5].startswith("The first bytes belong to none")


def test_picture_is_shown_at_large_by_keyboard(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        _choose(page, [_drawn("4"), _drawn("7"), _NOTES])
        expect(_summary(page)).to_contain_text("2 predicted")
        page.locator("#pictures-grid button").first.focus()
        page.keyboard.press("Enter")

        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text("4.png")
        expect(dialog.locator(".label-bars li")).to_have_count(10)
        expect(dialog.locator(".label-bars li.marked .label-name")).to_have_text(["4"])
        expect(dialog.locator(".explanation figure")).to_have_count(2)
        page.keyboard.press("ArrowRight")
        expect(dialog.get_by_role("heading")).to_have_text("7.png")
        expect(dialog.locator(".explanation figure")).to_have_count(2)
        page.keyboard.press("ArrowRight")
        expect(dialog).to_contain_text("The first bytes belong to none")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Escape")

        expect(dialog).to_be_hidden()
        expect(page.locator("#pictures-grid button", has_text="7.png")).to_be_focused()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#pictures-grid button", has_text="4.png")).to_be_focused()


def test_going_back_closes_the_picture_at_large(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.goto("/#live")
        page = _open(visit)
        _choose(page, [_NOTES])
        expect(_summary(page)).to_contain_text("1 failed")
        page.locator("#pictures-grid button").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.go_back()

        page.locator(".panels a[href='#pictures']").click()
        expect(page.locator("#pictures-results")).to_be_visible()
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_coverage_asks_only_for_sets_that_are_not_known(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        # A bare stroke may be a one or a seven.
        _choose(page, [_drawn("1"), _drawn("4"), _NOTES])
        expect(_card(page, "1.png")).to_contain_text("Prediction set: 1")
        slider = page.get_by_role("slider", name="Coverage")

        slider.press("End")

        expect(_card(page, "1.png")).to_contain_text("Prediction set: 1 and ")
        expect(_card(page, "4.png")).to_contain_text("Prediction set: 4")
        _filter(page, "Uncertain")
        expect(page.locator("#pictures-grid .file")).to_have_text(["1.png"])
        assert _predictions_asked(visit) == 2

        with page.expect_request("**/predict?*"):
            slider.press("Home")
        expect(page.get_by_text("No picture is of this kind.")).to_be_visible()
        assert _predictions_asked(visit) == 3
        slider.press("End")
        expect(page.locator("#pictures-grid .file")).to_have_text(["1.png"])
        assert _predictions_asked(visit) == 3
        expect(page.locator("#pictures-curl code")).to_contain_text("coverage=0.999")


def test_other_model_is_asked_about_all_pictures(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        _choose(page, [_drawn("4"), _drawn("7")])
        expect(_card(page, "4.png")).to_contain_text("Prediction set: 4")

        page.locator("#pictures-model").select_option("fashion")

        expect(_summary(page)).to_have_text("2 pictures: 2 predicted, 0 failed")
        expect(_card(page, "4.png").locator(".headline")).not_to_have_text("4")
        assert sum("/models/fashion/predict" in url for url in visit.requests) == 1


_PREDICTIONS: Mapping[str, tuple[dict[str, Any], str, list[str]]] = MappingProxyType(
    {
        "multi-label classification": (
            {"labels": ["1", "7"], "probabilities": {"1": 0.9, "7": 0.75, "4": 0.125}},
            "1 and 7",
            [
                "name,labels," + ",".join(f"probability_{digit}" for digit in range(10)) + ",error",
                "5.png,1|7,,0.9,,,0.125,,,0.75,,,",
            ],
        ),
        "anomaly detection": (
            {"anomaly_score": 12.5, "credibility": 0.01},
            "Anomaly score 12.5",
            ["name,anomaly_score,credibility,error", "5.png,12.5,0.01,"],
        ),
        "regression": (
            {"value": -3.25, "interval": {"lower": -5, "upper": 1.5}},
            "Between -5 and 1.5",
            ["name,prediction,lower,upper,error", "5.png,-3.25,-5,1.5,"],
        ),
    }
)


@pytest.mark.parametrize("task", _PREDICTIONS)
def test_models_of_other_tasks_show_what_they_answer(
    browser: Browser, server: Server, task: str
) -> None:
    prediction, shown, rows = _PREDICTIONS[task]

    def describe(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "task": task})

    def predict(route: Route) -> None:
        route.fulfill(json={"version": 1, "predictions": [prediction]})

    with visiting(browser, server.url) as visit:
        visit.page.route("**/models/digits", describe)
        visit.page.route(f"**{_PREDICT}*", predict)
        page = _open(visit)
        _choose(page, [_drawn()])

        expect(_card(page, "5.png")).to_contain_text(shown)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        text = Path(download.value.path()).read_text("utf-8-sig")
        assert text.splitlines() == rows


def test_busy_service_is_asked_again_when_it_says(browser: Browser, server: Server) -> None:
    refusals = [1]

    def answer(route: Route) -> None:
        if not refusals:
            return route.continue_()
        refusals.pop()
        body = json.dumps({"detail": "Too many requests wait."})
        return route.fulfill(status=503, body=body, headers={"Retry-After": "1"})

    with visiting(browser, server.url) as visit:
        visit.expect_failure(503, _PREDICT)
        page = _open(visit)
        page.route(f"**{_PREDICT}*", answer)

        _choose(page, [_drawn("4")])

        notice = page.locator("#pictures-notice")
        expect(notice).to_have_text("Too many requests wait. Trying again in 1 s.")
        expect(_card(page, "4.png")).to_contain_text("Prediction set: 4")
        expect(notice).to_be_hidden()


def test_service_that_is_gone_is_told_and_may_be_tried_again(
    browser: Browser, server: Server
) -> None:
    with visiting(browser, server.url) as visit:
        visit.expect_failure("net::ERR_CONNECTION_REFUSED", _PREDICT)
        visit.page.clock.install()
        page = _open(visit)
        page.route(f"**{_PREDICT}*", lambda route: route.abort("connectionrefused"))
        _choose(page, [_drawn("4"), _drawn("7")])

        for seconds in ("0.5", "1", "2", "4", "8"):
            expect(page.locator("#pictures-notice")).to_contain_text(f"in {seconds} s.")
            page.clock.run_for(int(1000 * float(seconds)))

        expect(_card(page, "4.png")).to_contain_text("The service cannot be reached.")
        expect(_summary(page)).to_have_text("2 pictures: 0 predicted, 2 failed")
        page.unroute(f"**{_PREDICT}*")
        page.get_by_role("button", name="Try 2 pictures again").click()
        expect(_summary(page)).to_have_text("2 pictures: 2 predicted, 0 failed")


def test_form_that_is_too_large_is_sent_picture_by_picture(
    browser: Browser, server: Server
) -> None:
    def answer(route: Route) -> None:
        if (route.request.post_data_buffer or b"").count(b"filename=") > 1:
            return route.fulfill(status=413, json={"detail": "The body is too large."})
        return route.continue_()

    with visiting(browser, server.url) as visit:
        visit.expect_failure(413, _PREDICT)
        page = _open(visit)
        page.route(f"**{_PREDICT}*", answer)

        _choose(page, [_drawn("4"), _drawn("7")])

        expect(_summary(page)).to_have_text("2 pictures: 2 predicted, 0 failed")


def test_key_is_asked_for_once(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.expect_failure(401, _PREDICT)
        page = _open(visit)
        refusal: dict[str, Any] = {"detail": "This needs a key."}
        page.route(f"**{_PREDICT}*", lambda route: route.fulfill(status=401, json=refusal))
        _choose(page, [_drawn("4", f"{index}.png") for index in range(40)])

        page.get_by_role("button", name="Cancel").click()

        expect(_summary(page)).to_have_text("40 pictures: 0 predicted, 40 failed")
        expect(_card(page, "39.png")).to_contain_text("This needs a key.")


def test_nothing_is_held_after_clear(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.add_init_script(_COUNT_URLS)
        page = _open(visit)
        for _ in range(2):
            _choose(page, [_drawn("4"), _drawn("7")])
            expect(page.locator("#pictures-grid img")).to_have_count(2)
            _card(page, "4.png").get_by_role("button").click()
            page.get_by_role("dialog").get_by_role("button", name="Close").click()
            expect(_card(page, "4.png").get_by_role("button")).to_be_focused()
            page.wait_for_function("() => heldUrls === 2")

            page.get_by_role("button", name="Clear all").click()

            expect(page.locator("#pictures-results")).to_be_hidden()
            assert page.evaluate("heldUrls") == 0
        expect(page.get_by_role("button", name="Choose pictures")).to_be_focused()


def test_line_of_curl_names_the_first_pictures(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)
        names = ["it's.png", "a,b.png", "c.png", "d.png"]
        _choose(page, [_drawn("7", name) for name in names])

        line = page.locator("#pictures-curl code")
        expect(line).to_contain_text(
            """curl -F 'a=@it'\\''s.png' -F 'b=@"a,b.png"' -F c=@c.png 'http"""
        )
        expect(page.locator("#pictures-curl-note")).to_contain_text("leaves out 1 picture")


def test_camera_takes_pictures_that_are_no_digit(server: Server, browser: Browser) -> None:
    arguments = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"]
    with (
        browser.browser_type.launch(
            executable_path=CHROMIUM, args=[*arguments, "--use-fake-ui-for-media-stream"]
        ) as with_camera,
        visiting(with_camera, server.url) as visit,
    ):
        page = _open(visit)
        page.get_by_role("button", name="Use the camera").click()
        shutter = page.get_by_role("button", name="Take the picture")
        expect(shutter).to_be_focused()
        keep(page, "pictures-camera", whole=False)

        shutter.press("Enter")
        expect(page.get_by_text("camera-1.jpg is taken.")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()

        expect(_card(page, "camera-1.jpg")).to_contain_text("Unlike the training data")
        _filter(page, "Uncertain")
        expect(page.locator("#pictures-grid li")).to_have_count(1)
        assert page.evaluate("document.getElementById('pictures-video').srcObject") is None


def test_camera_that_is_denied_is_told(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = _open(visit)

        page.get_by_role("button", name="Use the camera").click()

        expect(page.get_by_role("dialog")).to_contain_text("Choose a picture instead.")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_cards_and_dialog_are_accessible(
    browser: Browser, server: Server, screen: Screen, *, dark: bool
) -> None:
    name = f"pictures-{'phone' if screen is PHONE else 'wide'}-{'dark' if dark else 'light'}"
    strange: FilePayload = {"name": "star.png", "mimeType": "image/png", "buffer": _star()}
    with visiting(browser, server.url, screen=screen, dark=dark) as visit:
        page = _open(visit)
        _choose(page, [_drawn("4"), _drawn("5"), strange, _NOTES, _drawn("7", form="TIFF")])
        expect(_summary(page)).to_contain_text("4 predicted, 1 failed")
        expect(_card(page, "star.png")).to_contain_text("Unlike the training data")
        expect(page.locator("#pictures-grid img")).to_have_count(3)
        keep(page, name)
        assert_accessible(page)

        _card(page, "5.png").get_by_role("button").click()
        expect(page.get_by_role("dialog").locator("figure")).to_have_count(2)
        keep(page, f"{name}-dialog", whole=False)
        assert_accessible(page)
