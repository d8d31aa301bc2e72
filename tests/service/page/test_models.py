"""The panel of models, in a browser: versions, their cards and scores, drift, and changes."""

import http.client
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from service.keys import Key, hash_secret, make_secret, write_keys
from tests.browsers import PHONE, WIDE, Screen, Visit, assert_accessible, keep, visiting
from tests.bundles import write_table_bundle
from tests.servers import ROOT, Server, serving
from vitrine import bundle

_MANAGER, _READER = make_secret(), make_secret()
_VIEWS = ["", "/card", "/drift", "/compare", "/serving"]
_WAYS = [("pointer", WIDE), ("touch", PHONE), ("keyboard", WIDE)]
_CARD = (
    """# Hostile

<script>window.hacked = 1</script>

<img src=x onerror="window.hacked = 1">

A <b onclick="window.hacked = 1">bold</b> text, [a script](javascript:window.hacked=1),
[data](data:text/html,x), [a page](https://example.org/), ![far](https://example.org/far.png),
![above](../../1/plots/loss.png) and **strong** words &lt;kept&gt;.

![confusion of the copy](plots/confusion.png)

| measure | value |
| --- | --- |
| one | <1H |

"""
    + "> " * 300
    + "deep"
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of several versions that asks for keys; tests leave it as they found it."""
    folder: Path = tmp_path_factory.mktemp("models")
    models, keys = folder / "models", folder / "keys.json"
    for name in ("digits", "fashion", "housing"):
        shutil.copytree(ROOT / "models" / name, models / name)
    _publish_copy(models / "digits", 2, card=_CARD, accuracy=0.95)
    _publish_copy(models / "digits", 3, card=_CARD, accuracy=0.95)
    (models / "digits/3" / bundle.ONNX_NAME).write_bytes(b"damaged")
    _damage(models / "fashion/1/plots/loss.png")
    for version in (1, 2, 3):
        write_table_bundle(models, version=version)
    ana = Key(name="ana", sha256=hash_secret(_READER))
    ops = Key(name="ops", sha256=hash_secret(_MANAGER), role="manage")
    write_keys(keys, [ana, ops])
    with serving(models=models, workers=1, keys=keys, versions="all", log_level="ERROR") as server:
        yield server


def _publish_copy(model: Path, version: int, *, card: str, accuracy: float) -> None:
    """Publish version 1 once more, with another card and another accuracy in the test."""
    folder = shutil.copytree(model / "1", model / str(version))
    (folder / bundle.CARD_NAME).write_text(card)
    manifest = bundle.read_manifest(model / "1")
    test = {**manifest.scores["test"], "accuracy": accuracy}
    changed = msgspec.structs.replace(
        manifest,
        version=version,
        scores={**manifest.scores, "test": test},
        report=bundle.describe_report(folder),
    )
    bundle.write_manifest(changed, folder)


def _damage(file: Path) -> None:
    """Change a byte of a file."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@contextmanager
def _visiting(
    browser: Browser, server: Server, secret: str = _MANAGER, **options: Any
) -> Iterator[Visit]:
    """Visit with a key."""
    with visiting(browser, server.url, **options) as visit:
        visit.page.add_init_script(f"sessionStorage.setItem('key', '{secret}')")
        yield visit


def _open(page: Page, address: str = "") -> Locator:
    """Open the panel at an address, and return it when it is shown."""
    page.goto(f"/#models{address}")
    page.reload()  # another address of the same page loads nothing
    panel = page.locator("#models")
    expect(panel).to_have_attribute("aria-busy", "false")
    return panel


def _act(page: Page, way: str, target: Locator) -> None:
    """Choose a link or a button."""
    if way == "pointer":
        target.click()
    elif way == "touch":
        target.tap()
    else:
        target.focus()
        page.keyboard.press("Enter")


def _ask(server: Server, path: str, *, body: bytes | None = None, kind: str = "") -> bytes:
    """Send a request with the ordinary key, and return what is answered."""
    headers = {"Authorization": f"Bearer {_READER}", **({"Content-Type": kind} if kind else {})}
    with closing(server.connect()) as connection:
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == http.HTTPStatus.OK, content
        return content


def _default(server: Server) -> int:
    version: int = json.loads(_ask(server, "/models/digits"))["serving"]["default"]
    return version


@pytest.mark.parametrize(("way", "screen"), _WAYS, ids=[way for way, _ in _WAYS])
def test_choice_is_shown_and_kept_in_the_address(
    browser: Browser, server: Server, way: str, screen: Screen
) -> None:
    with visiting(browser, server.url, screen=screen) as visit:
        panel = _open(visit.page)
        models = panel.get_by_role("navigation", name="Models")
        expect(models.get_by_role("link")).to_have_text(
            [
                re.compile("digits"),
                re.compile("fashion"),
                re.compile("housingregression · version 1"),
            ]
        )
        expect(panel.get_by_role("heading", level=2)).to_have_text("digits")

        _act(visit.page, way, models.get_by_role("link", name="housing"))
        expect(panel.get_by_role("heading", level=2)).to_have_text("housing")
        _act(visit.page, way, panel.get_by_role("link", name="Card and plots"))
        expect(panel.get_by_role("heading", name="Beside CatBoost")).to_be_visible()
        expect(visit.page).to_have_url(re.compile("#models/housing/1/card$"))
        expect(panel.get_by_role("link", name="Card and plots")).to_be_focused()

        visit.page.go_back()
        expect(panel.get_by_role("heading", name="Training curves")).to_be_visible()


def test_overview_shows_scores_curves_and_inputs(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        panel = _open(visit.page, "/housing/1")

        expect(panel.get_by_role("row", name="RMSE")).to_contain_text("40,618 ± 970")
        expect(
            panel.get_by_role("img", name="loss by epoch. training: from 0.2258 to")
        ).to_be_visible()
        panel.get_by_text("The numbers of the curves").click()
        expect(panel.get_by_role("group", name="Training curves").get_by_role("row")).to_have_count(
            33
        )
        expect(panel.get_by_role("row", name="ocean_proximity")).to_contain_text("INLAND, ISLAND")
        expect(panel.get_by_role("row", name="median_income")).to_contain_text("0.4999 to 15.0001")


def test_charts_are_let_go_with_their_view(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        panel = _open(visit.page, "/digits/1")
        chart = panel.locator(".chart").first
        expect(chart.locator("canvas")).to_be_visible()
        kept = chart.element_handle()
        panel.get_by_role("link", name="Drift").click()

        visit.page.wait_for_function("chart => chart.querySelector('canvas') === null", arg=kept)


def test_card_shows_its_tables_and_plots(browser: Browser, server: Server) -> None:
    written = (ROOT / "models/digits/1/CARD.md").read_text()
    with visiting(browser, server.url) as visit:
        panel = _open(visit.page, "/digits/1/card")

        expect(panel.get_by_role("table")).to_have_count(
            len(re.findall(r"^\| -", written, re.MULTILINE))
        )
        expect(panel.get_by_role("cell", name="0.9973 ± 0.00052")).to_be_visible()
        for alt in re.findall(r"^!\[(.*)\]", written, re.MULTILINE):
            picture = panel.get_by_role("img", name=alt)
            expect(picture).to_have_attribute("src", re.compile("^blob:"))
            assert (
                picture.evaluate(
                    "async image => { await image.decode(); return image.naturalWidth }"
                )
                > 300
            )


def test_hostile_card_does_nothing(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/digits/2/card")
        card = panel.locator(".models-card")

        expect(card).to_contain_text("<script>window.hacked = 1</script>")
        expect(card).to_contain_text("words <kept>")
        expect(card.get_by_role("img")).to_have_count(1)
        expect(card.get_by_role("img", name="confusion of the copy")).to_be_visible()
        links = card.get_by_role("link")
        expect(links).to_have_text(["a page", ""])
        expect(links.first).to_have_attribute("rel", "noreferrer")
        expect(card.locator("script, [onclick], [onerror]")).to_have_count(0)
        expect(card).to_contain_text("deep")
        assert card.locator("blockquote").count() < 20
        assert visit.page.evaluate("window.hacked") is None
        # The card does not name the other plots, and they are shown all the same.
        expect(panel.locator(".plot img")).to_have_count(6)


def test_damaged_plot_is_told_in_its_place(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        visit.expect_failure(404, "/models/fashion/versions/1/report/plots/loss.png")
        panel = _open(visit.page, "/fashion/1/card")

        expect(panel.locator(".plot .bad")).to_contain_text("is not what was published")
        expect(panel.locator(".plot img")).to_have_count(5)


def test_version_without_report_is_told_calmly(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/rooms/1")
        expect(panel).to_contain_text("has no history of its training")

        panel.get_by_role("link", name="Card and plots").click()
        expect(panel).to_contain_text("The report of this version has no card.")
        panel.get_by_role("link", name="Drift").click()
        expect(panel).to_contain_text("has no counts of its training data")


def test_damaged_version_is_named_with_the_reason(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/digits")

        expect(panel).to_contain_text(
            "Version 3 cannot be served: model.onnx does not have the bytes"
        )


def test_what_is_not_served_is_told(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.expect_failure(404, "/models/digits/versions/7")
        visit.expect_failure(404, "/models/nothing")
        panel = _open(visit.page, "/digits/7")
        expect(panel.get_by_role("alert")).to_contain_text("7")

        _open(visit.page, "/nothing")
        expect(panel.get_by_role("alert")).to_contain_text("nothing")
        expect(panel.get_by_role("link", name="housing")).to_be_visible()


def test_drift_is_shown_by_feature(browser: Browser, guarded: Server) -> None:
    lines = (ROOT / "examples/houses.csv").read_bytes().splitlines(keepends=True)
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/housing/1/drift")
        expect(panel).to_contain_text("at least 500 are needed")

        _ask(
            guarded,
            "/models/housing/predict",
            body=lines[0] + b"".join(lines[1:]) * 100,
            kind="text/csv",
        )
        panel.get_by_role("button", name="Count again").click()

        expect(panel).to_contain_text("600 instances were compared. 8 of 9 features differ")
        expect(panel.locator("summary", has_text="median_income")).to_contain_text("drifted")
        expect(panel.locator("summary", has_text="total_bedrooms")).to_contain_text(
            "missing +16.7%"
        )
        stable = panel.locator("summary", has_text="ocean_proximity")
        expect(stable).to_contain_text(re.compile("stable.*index 0.07"))
        stable.click()
        expect(panel.get_by_role("row", name="INLAND")).to_contain_text("33.3%")
        keep(visit.page, "models-drift-found")


@pytest.mark.parametrize(("way", "screen"), _WAYS, ids=[way for way, _ in _WAYS])
def test_versions_are_compared(browser: Browser, guarded: Server, way: str, screen: Screen) -> None:
    with _visiting(browser, guarded, screen=screen) as visit:
        panel = _open(visit.page, "/digits/1")
        _act(visit.page, way, panel.get_by_role("link", name="Compare"))

        accuracy = panel.get_by_role("row", name="accuracy").first
        expect(accuracy).to_contain_text("0.9973 ± 0.00052")
        expect(accuracy).to_contain_text("-0.0473version 1 is better")
        curves = panel.get_by_role("img", name="accuracy by epoch.")
        expect(curves).to_have_attribute(
            "aria-label", re.compile("training, version 1.*validation, version 2")
        )
        for alt in (
            "confusion matrix of the test part, version 1",
            "confusion of the copy, version 2",
        ):
            expect(panel.get_by_role("img", name=alt)).to_be_visible()
        boxes = [each.bounding_box() for each in panel.locator(".plot").all()[:2]]
        assert all(boxes)
        is_beside = boxes[0]["y"] == boxes[1]["y"]  # type: ignore[index]
        assert is_beside == (screen == WIDE)
        expect(panel.get_by_role("row", name="ink_mass")).to_contain_text("too few")


def test_other_version_is_chosen_by_its_menu(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/rooms/3/compare")
        menu = panel.get_by_label("Compare with")
        expect(menu).to_have_value("2")
        menu.focus()
        visit.page.keyboard.press("ArrowUp")

        expect(panel.locator(".curl code")).to_contain_text("/models/rooms/versions/1")
        expect(visit.page).to_have_url(re.compile("#models/rooms/3/compare/1$"))
        expect(menu).to_have_value("1")
        expect(menu).to_be_focused()


@pytest.mark.parametrize(("way", "screen"), _WAYS, ids=[way for way, _ in _WAYS])
def test_label_is_moved_and_removed_with_a_management_key(
    browser: Browser, guarded: Server, way: str, screen: Screen
) -> None:
    with _visiting(browser, guarded, screen=screen) as visit:
        panel = _open(visit.page, "/digits/1/serving")
        assert _default(guarded) == 2

        _act(visit.page, way, panel.get_by_role("button", name="Move the label", exact=True))
        dialog = visit.page.get_by_role("dialog")
        expect(dialog).to_contain_text("The label stable of digits goes to version 1")
        expect(dialog).to_contain_text('curl -H "Authorization: Bearer $VITRINE_KEY" -X PATCH -d')
        keep(visit.page, f"models-change-{way}", whole=False)
        _act(visit.page, way, dialog.get_by_role("button", name="Change it"))

        expect(panel.locator("#models-outcome")).to_contain_text(
            "The default version of digits is 1"
        )
        expect(panel.get_by_role("link", name="version 1 default stable")).to_be_visible()
        expect(panel.get_by_role("link", name="digits")).to_contain_text("stable: version 1")
        assert _default(guarded) == 1

        _act(visit.page, way, panel.get_by_role("button", name="Remove the label stable"))
        _act(visit.page, way, dialog.get_by_role("button", name="Change it"))
        expect(panel.get_by_role("link", name="version 2 default")).to_be_visible()
        assert _default(guarded) == 2


def test_rollback_lets_the_version_before_answer(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/digits/2/serving")
        panel.get_by_role("button", name="Roll back").click()
        dialog = visit.page.get_by_role("dialog")
        expect(dialog).to_contain_text("goes to the version before version 2")
        dialog.get_by_role("button", name="Change it").click()
        expect(panel.locator("#models-outcome")).to_be_focused()
        assert _default(guarded) == 1

        panel.get_by_role("button", name="Remove the label stable").click()
        dialog.get_by_role("button", name="Change it").click()
        expect(panel.locator("#models-outcome")).to_contain_text("digits is 2")


def test_canary_gets_its_share(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/digits/1/serving")
        dialog = visit.page.get_by_role("dialog")
        panel.get_by_label("Version label", exact=True).fill("canary")
        panel.get_by_role("button", name="Move the label", exact=True).click()
        dialog.get_by_role("button", name="Change it").click()
        panel.get_by_label("Canary share in percent").fill("10")
        panel.get_by_role("button", name="Set the share").click()
        expect(dialog).to_contain_text("then answers 10% of the requests")
        dialog.get_by_role("button", name="Change it").click()
        expect(panel.get_by_role("link", name="version 1 canary 10%")).to_be_visible()

        panel.get_by_role("button", name="Remove the label canary").click()
        dialog.get_by_role("button", name="Change it").click()
        expect(panel.get_by_role("link", name="version 1 canary")).to_be_hidden()


def test_new_versions_are_looked_for(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/rooms/3/serving")
        panel.get_by_role("button", name="Look for new versions").click()
        visit.page.get_by_role("dialog").get_by_role("button", name="Change it").click()

        expect(panel.locator("#models-outcome")).to_contain_text(
            "The default version of rooms is 3"
        )


def test_nothing_changes_until_it_is_agreed(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        methods: list[str] = []
        visit.page.on("request", lambda request: methods.append(request.method))
        panel = _open(visit.page, "/digits/1/serving")
        panel.get_by_role("button", name="Move the label", exact=True).click()
        visit.page.keyboard.press("Escape")

        expect(visit.page.get_by_role("dialog")).to_be_hidden()
        expect(panel.get_by_role("button", name="Move the label", exact=True)).to_be_focused()
        assert set(methods) == {"GET"}


def test_question_goes_when_its_place_is_left(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/digits/1")
        panel.get_by_role("link", name="Serving").click()
        panel.get_by_role("button", name="Roll back").click()
        visit.page.go_back()

        expect(panel.get_by_role("heading", name="Training curves")).to_be_visible()
        expect(visit.page.get_by_role("dialog")).to_be_hidden()
        assert _default(guarded) == 2


def test_ordinary_key_is_refused_and_told_what_is_needed(browser: Browser, guarded: Server) -> None:
    with _visiting(browser, guarded, _READER) as visit:
        visit.expect_failure(403, "/models/digits/rollback")
        panel = _open(visit.page, "/digits/2/serving")
        panel.get_by_role("button", name="Roll back").click()
        dialog = visit.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Change it").click()

        expect(dialog.get_by_role("alert")).to_contain_text("may not change what is served")
        expect(dialog.get_by_role("alert")).to_contain_text("vitrine keys add NAME --manage")
        assert_accessible(visit.page)
        assert _default(guarded) == 2


def test_page_without_keys_says_why_it_changes_nothing(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        panel = _open(visit.page, "/digits/1/serving")

        expect(panel).to_contain_text("This service has no API keys.")
        expect(panel).to_contain_text("the newest 2 versions are served")
        expect(panel.locator(".models-shown button")).to_have_count(0)


def test_line_of_curl_asks_for_what_is_shown(browser: Browser, guarded: Server) -> None:
    paths = {
        "Overview": "models/digits/versions/1",
        "Card and plots": "models/digits/versions/1/report/CARD.md",
        "Drift": "models/digits/versions/1/drift",
        "Compare": f"models/digits/versions/2 {guarded.url}/models/digits/versions/1",
        "Serving": "models/digits",
    }
    with _visiting(browser, guarded) as visit:
        panel = _open(visit.page, "/digits/1")
        for view, path in paths.items():
            panel.get_by_role("link", name=view, exact=True).click()
            line = panel.locator(".curl code")
            expect(line).to_have_text(re.compile(rf"^curl -H .* {guarded.url}/{path}$"))


def test_other_language_shows_the_same_place(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        _open(visit.page, "/housing/1/drift")
        visit.page.get_by_role("link", name="Português").click()

        expect(visit.page.get_by_role("heading", name="Desvio por atributo")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_views_are_accessible(
    browser: Browser, guarded: Server, request: pytest.FixtureRequest, *, dark: bool, screen: Screen
) -> None:
    with _visiting(browser, guarded, dark=dark, screen=screen) as visit:
        for view in _VIEWS:
            panel = _open(visit.page, f"/digits/1{view}")
            panel.locator("details").evaluate_all("all => all.forEach(each => (each.open = true))")
            keep(visit.page, f"models{view.replace('/', '-')}-{request.node.callspec.id}")

            assert_accessible(visit.page)


def test_views_are_no_wider_than_a_small_phone(browser: Browser, guarded: Server) -> None:
    small = Screen(360, 640, touch=True)
    with _visiting(browser, guarded, screen=small, locale="pt-BR") as visit:
        for name in ("digits/1", "housing/1"):
            for view in _VIEWS:
                _open(visit.page, f"/{name}{view}")
                keep(visit.page, f"models-small-{name.replace('/', '-')}{view.replace('/', '-')}")

                assert visit.page.evaluate("document.documentElement.scrollWidth") == 360
