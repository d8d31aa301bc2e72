"""The panel that predicts on tables, in a browser: files, their rows, and the form of one row."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.csv
import pyarrow.parquet
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browsers import PHONE, WIDE, Screen, Visit, assert_accessible, keep, visiting
from tests.bundles import (
    write_anomaly_bundle,
    write_classes_bundle,
    write_half_plus_two_bundle,
    write_labels_bundle,
    write_table_bundle,
    write_wide_bundle,
)
from tests.servers import ROOT, Server, serving
from vitrine.errors import shown

HOUSES = (ROOT / "examples/houses.csv").read_text()
HEADER, *ROWS = HOUSES.splitlines()
# Two rows with faults, three faults in all, and one row with a warning.
FAULTY = HOUSES.replace("2100", "many").replace("-118.29", "west").replace(",2.4,", ",poor,")
PREDICT = "/models/housing/predict"
# What the page asks for.
QUERY = {"errors": "report", "echo": "true", "coverage": "0.9"}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a table for each task, and a table of many columns."""
    models: Path = tmp_path_factory.mktemp("models")
    write_table_bundle(models, calibrated=True)
    write_classes_bundle(models)
    write_labels_bundle(models)
    write_anomaly_bundle(models)
    write_wide_bundle(models)
    write_half_plus_two_bundle(models)
    with serving(models=models, workers=1) as server:
        yield server


@contextmanager
def tables(
    browser: Browser, server: Server, *, model: str = "housing", **options: Any
) -> Iterator[Visit]:
    """Visit the panel with a model."""
    with visiting(browser, server.url, **options) as visit:
        visit.page.goto("/#tables")
        visit.page.locator("#tables-model").select_option(model)
        yield visit


def send(page: Page, content: str | bytes, name: str = "houses.csv") -> None:
    """Choose a file, and wait until its answer has ended."""
    content = content.encode() if isinstance(content, str) else content
    page.locator("#tables-input").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    expect(page.locator("#tables-file")).to_have_text(name)
    ended(page)


def ended(page: Page) -> None:
    """Wait until the answer has ended."""
    expect(page.locator("#tables-state")).to_have_attribute("aria-busy", "false")


def ask(
    server: Server, body: str | bytes, query: dict[str, str], path: str = PREDICT, **headers: str
) -> bytes:
    """Return the answer of the API."""
    with closing(server.connect()) as connection:
        address = f"{path}?{urlencode(query)}"
        body = body.encode() if isinstance(body, str) else body
        connection.request("POST", address, body, {"Content-Type": "text/csv", **headers})
        response = connection.getresponse()
        assert response.status == http.client.OK
        return response.read()


def explained(server: Server, row: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the API's prediction of one house, with its explanation."""
    answer = ask(
        server,
        f"{HEADER}\n{row}\n",
        {"explain": "true", "coverage": "0.9", **(query or {})},
        Accept="application/json",
    )
    prediction: dict[str, Any] = json.loads(answer)["predictions"][0]
    return prediction


def rows(page: Page) -> Locator:
    return page.locator("#tables-grid .body .row")


def row(page: Page, number: int) -> Locator:
    """Return a row of the file by its number, from 1."""
    return page.locator(f"#tables-row-{number - 1}")


def column(page: Page, index: int) -> list[str]:
    """Return the cells of a column, in the order in which a screen reader reads them."""
    texts: list[str] = page.evaluate(
        """index => [...document.querySelectorAll('#tables-grid .body .row')]
            .map(row => row.children[index].textContent)""",
        index,
    )
    return texts


def expect_contributions(page: Page, place: str, prediction: dict[str, Any]) -> None:
    """Expect the bars of an explanation, the largest first."""
    contributions = prediction["explanation"]["contributions"]
    ranked = sorted(contributions.items(), key=lambda pair: -abs(pair[1]))
    bars = page.locator(f"{place} .bars li")
    expect(bars).to_have_count(len(ranked))
    for bar, (name, value) in zip(bars.all(), ranked, strict=True):
        expect(bar.locator(".feature")).to_contain_text(name)
        expect(bar.locator(".number")).to_have_text(_signed(value))


def _signed(value: float) -> str:
    size = abs(value)
    digits = f"{size:,.0f}" if size >= 1000 else f"{float(f'{size:.4g}'):,}".removesuffix(".0")
    sign = "+" if value > 0 else "\u2212"
    return f"{sign if value else ''}{digits}"


def test_file_is_answered_as_the_api_does(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        send(visit.page, HOUSES)

        expect(rows(visit.page)).to_have_count(6)
        assert column(visit.page, 1) == [
            "304,077", "140,146", "117,142", "62,643", "459,048", "433,035"
        ]  # fmt: skip
        expect(row(visit.page, 1)).to_contain_text("231,731 \u2013 398,566")
        expect(row(visit.page, 6)).to_contain_text("total_bedrooms is missing")
        expect(visit.page.locator("#tables-counts")).to_have_text("6 rows1 row with warnings")
        expect(visit.page.locator("#tables-chart-text")).to_contain_text("400,000: ")
        keep(visit.page, "tables-file")


def test_example_is_predicted_by_a_finger(browser: Browser, server: Server) -> None:
    with tables(browser, server, screen=PHONE) as visit:
        visit.page.get_by_role("button", name="Try the example").tap()
        ended(visit.page)
        row(visit.page, 2).tap()

        expect(visit.page.locator("#tables-counts")).to_have_text("24 rows")
        expect(visit.page.locator("#tables-row-title")).to_have_text("Row 2")
        expect(visit.page.locator("#tables-row-why .bars li")).to_have_count(9)
        keep(visit.page, "tables-example-phone")


def test_example_is_predicted_by_keyboard(browser: Browser, bundles: Server) -> None:
    with tables(browser, bundles, model="days") as visit:
        visit.page.locator("#tables-choose").focus()
        visit.page.keyboard.press("Tab")
        visit.page.keyboard.press("Enter")
        ended(visit.page)

        expect(visit.page.locator("#tables-counts")).to_have_text("24 rows")


def test_example_has_numbers_where_no_range_is_known(browser: Browser, bundles: Server) -> None:
    with tables(browser, bundles, model="half_plus_two") as visit:
        visit.page.get_by_role("button", name="Try the example").click()
        ended(visit.page)

        expect(visit.page.locator("#tables-counts")).to_have_text("24 rows")


def test_faults_are_marked_in_place_and_listed(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        send(page, FAULTY)

        expect(page.locator("#tables-counts")).to_contain_text("2 rows with faults")
        expect(page.locator("#tables-fault-title")).to_have_text("3 faults")
        rule = "must be a number with decimal '.'"
        expect(page.locator("#tables-fault-list li")).to_have_text(
            [
                f"Line 2, column 'total_rooms': {rule}. Received: 'many'.",
                f"Line 3, column 'longitude': {rule}. Received: 'west'.",
                f"Line 3, column 'median_income': {rule}. Received: 'poor'.",
            ]
        )
        marked = page.locator("#tables-grid .fault[title^='Line']:not(:nth-child(4))")
        expect(marked).to_have_count(3)
        expect(marked.first).to_contain_text("many")
        expect(marked.first.get_by_role("img", name="Fault:")).to_be_visible()
        keep(page, "tables-faults")


def test_fault_leads_to_its_row(browser: Browser, server: Server) -> None:
    lines = [HEADER, *ROWS * 200]
    lines[1000] = lines[1000].replace("LAND", "LAND,")
    with tables(browser, server) as visit:
        page = visit.page
        send(page, "\n".join(lines))
        page.locator("#tables-fault-list button").click()

        expect(row(page, 1000)).to_be_in_viewport()
        expect(row(page, 1000)).to_have_attribute("aria-selected", "true")
        expect(page.locator("#tables-row-result")).to_have_text(
            "Line 1001: must have 9 fields, as the header has. Received: 10."
        )


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "it's",
        "a\"b'c",
        "a\\b",
        "line\nbreak",
        "\u00e7\u00e3o",
        "\u00a0",
        "\U0001f600",
        "x" * 50,
    ],
)
def test_names_are_found_as_the_service_quotes_them(
    browser: Browser, server: Server, name: str
) -> None:
    with tables(browser, server) as visit:
        quoted = visit.page.evaluate(
            "async name => (await import('/page/-/tables/faults.js')).quotedName(name)", name
        )

        assert quoted == shown(name)


def test_decimal_commas_are_read_and_explained(browser: Browser, server: Server) -> None:
    semicolons = HOUSES.translate(str.maketrans(",.", ";,"))
    with tables(browser, server) as visit:
        send(visit.page, semicolons)
        row(visit.page, 2).click()

        assert column(visit.page, 1)[1] == "140,146"
        expect_contributions(visit.page, "#tables-row-why", explained(server, ROWS[1]))


def test_cells_may_hold_quotes_and_line_breaks(browser: Browser, server: Server) -> None:
    lines = [f"note,{HEADER}", *(f'"a ""b"",\r\nc",{each}' for each in ROWS)]
    with tables(browser, server) as visit:
        page = visit.page
        send(page, "\r\n".join(lines))
        row(page, 1).click()

        expect(rows(page)).to_have_count(6)
        assert column(page, 4) == ['a "b",\r\nc'] * 6
        expect(page.locator("#tables-ignored")).to_have_text(
            "The model does not use these columns: note."
        )
        expect_contributions(page, "#tables-row-why", explained(server, ROWS[0]))


def test_column_of_the_file_may_be_called_prediction(browser: Browser, server: Server) -> None:
    lines = [f"prediction,{HEADER},upper", *(f"x,{each},y" for each in ROWS)]
    with tables(browser, server) as visit:
        send(visit.page, "\n".join(lines))

        assert column(visit.page, 1)[0] == "304,077"
        assert (column(visit.page, 4)[0], column(visit.page, 14)[0]) == ("x", "y")


def _sort(page: Page, name: str, direction: str, press: str = "click") -> list[str]:
    """Sort by a column, and return the numbers of the rows in their new order."""
    heading = page.get_by_role("columnheader", name=name, exact=True)
    getattr(heading.get_by_role("button"), press)()
    expect(heading).to_have_attribute("aria-sort", direction)
    expect(page.locator("#tables-grid:not([aria-busy])")).to_be_visible()
    expect(rows(page)).to_have_count(6)
    return column(page, 0)


def test_pointer_sorts_rows(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        send(visit.page, FAULTY)
        name = "Prediction (USD)"
        directions = ["ascending", "descending", "none"]

        # Rows without a prediction come last in both directions.
        assert [_sort(visit.page, name, direction) for direction in directions] == [
            ["4", "3", "6", "5", "1", "2"],
            ["5", "6", "3", "4", "1", "2"],
            ["1", "2", "3", "4", "5", "6"],
        ]


def test_finger_sorts_texts_and_numbers_of_the_file(browser: Browser, server: Server) -> None:
    with tables(browser, server, screen=PHONE) as visit:
        send(visit.page, HOUSES)

        by_text = _sort(visit.page, "ocean_proximity", "ascending", "tap")
        by_number = _sort(visit.page, "total_rooms", "ascending", "tap")
        assert by_text == ["2", "6", "3", "4", "1", "5"]
        assert by_number == ["2", "1", "3", "6", "4", "5"]


def test_keyboard_sorts_and_chooses_rows(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        send(page, HOUSES)
        page.locator("#tables-grid").focus()
        for key in ("Tab", "Tab", "Enter", "Shift+Tab", "Shift+Tab"):
            page.keyboard.press(key)
        expect(page.locator("#tables-grid")).to_be_focused()
        expect(page.locator("[aria-sort=ascending]")).to_have_text("Prediction (USD)")
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
            page.keyboard.press(key)

        expect(page.locator("#tables-row-title")).to_have_text("Row 3")
        expect(page.locator("#tables-status")).to_contain_text("Row 3. 117,142 USD")
        expect_contributions(page, "#tables-row-why", explained(server, ROWS[2]))


def test_only_rows_in_view_are_in_the_document(browser: Browser, server: Server) -> None:
    lines = [HEADER, *(ROWS[0].replace("2100", str(number)) for number in range(20_000))]
    with tables(browser, server) as visit:
        page = visit.page
        send(page, "\n".join(lines))
        grid = page.locator("#tables-grid")
        grid.focus()
        numbers = []
        for key in ("End", "PageUp", "ArrowDown", "Home"):
            page.keyboard.press(key)
            expect(page.locator("#tables-grid .row.active")).to_be_in_viewport()
            numbers.append(page.locator("#tables-grid .row.active").get_attribute("aria-rowindex"))
            assert rows(page).count() < 60

        expect(grid).to_have_attribute("aria-rowcount", "20001")
        assert (numbers[0], numbers[-1]) == ("20001", "2")
        assert int(numbers[2] or 0) == int(numbers[1] or 0) + 1 < 20_001
        grid.evaluate("grid => { grid.scrollTop = grid.scrollHeight / 2; }")
        expect(row(page, 10_000)).to_be_in_viewport()
        expect(row(page, 10_000)).to_contain_text("9999")


def test_download_is_the_answer_of_the_api(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        send(visit.page, FAULTY)
        with visit.page.expect_download() as downloading:
            visit.page.get_by_role("button", name="Download as CSV").click()

        assert downloading.value.suggested_filename == "houses-predictions.csv"
        assert downloading.value.path().read_bytes() == ask(server, FAULTY, QUERY)


def test_download_keeps_every_byte_of_a_long_answer(browser: Browser, server: Server) -> None:
    content = "\n".join([f"note,{HEADER}", *(f'"\u00e9""\r\n",{each}' for each in ROWS * 3000)])
    with tables(browser, server) as visit:
        send(visit.page, content)
        expect(visit.page.locator("#tables-counts")).to_contain_text("18,000 rows")
        with visit.page.expect_download() as downloading:
            visit.page.get_by_role("button", name="Download as CSV").click()

        assert downloading.value.path().read_bytes() == ask(server, content, QUERY)


def test_refusal_is_shown(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        visit.expect_failure(422, PREDICT)
        send(visit.page, "\n".join(ROWS))

        expect(visit.page.locator("#tables-problem")).to_contain_text("must name the columns")
        expect(visit.page.locator("#tables-results")).to_be_hidden()
        keep(visit.page, "tables-refusal")


def test_broken_answer_keeps_its_rows(browser: Browser, server: Server) -> None:
    lines = [HEADER, *ROWS * 5000, f'"{"x" * 1_200_000}"']
    with tables(browser, server) as visit:
        page = visit.page
        visit.expect_failure("net::ERR_INCOMPLETE_CHUNKED_ENCODING", PREDICT)
        send(page, "\n".join(lines))

        expect(page.locator("#tables-problem")).to_contain_text("The answer broke off after")
        row(page, 1).click()
        expect_contributions(page, "#tables-row-why", explained(server, ROWS[0]))
        count = int(page.locator("#tables-grid").get_attribute("aria-rowcount") or "1") - 1
        assert 0 < count <= 30_000  # the browser forgets what it has not handed over
        page.locator("#tables-grid").focus()
        page.keyboard.press("End")
        last = ["304,077", "140,146", "117,142", "62,643", "459,048", "433,035"][(count - 1) % 6]
        expect(row(page, count)).to_contain_text(f"{count:,}{last}")


def test_last_line_says_why_an_answer_breaks_off(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        found = visit.page.evaluate(
            """async text => {
                const { Answer } = await import("/page/-/tables/answer.js");
                const answer = new Answer("regression", []);
                for (const byte of new TextEncoder().encode(text)) answer.add(Uint8Array.of(byte));
                const rows = answer.rows;
                answer.dropReason();
                return [rows, answer.rows, answer.reason, await answer.blob().text()];
            }""",
            'x,prediction,warnings,error\n1,2.0,,\n#error,"Too long, sorry."\n',
        )

    kept = "x,prediction,warnings,error\n1,2.0,,\n"
    assert found == [2, 1, "Too long, sorry.", kept]


def test_stop_keeps_the_rows_that_came(browser: Browser, server: Server) -> None:
    content = "\n".join([HEADER, *ROWS * 100_000])
    with tables(browser, server) as visit:
        page = visit.page
        path = page.locator("#tables-input")
        path.set_input_files(
            {"name": "long.csv", "mimeType": "text/csv", "buffer": content.encode()}
        )
        expect(row(page, 1)).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        ended(page)

        expect(page.locator("#tables-problem")).to_contain_text("You stopped the request.")
        assert not page.locator("#tables-counts").text_content().startswith("600,000")  # type: ignore[union-attr]
        row(page, 1).click()
        expect_contributions(page, "#tables-row-why", explained(server, ROWS[0]))


def test_next_file_replaces_one_whose_rows_are_being_loaded(
    browser: Browser, server: Server
) -> None:
    content = "\n".join([HEADER, *ROWS * 50_000])
    with tables(browser, server) as visit:
        page = visit.page
        page.locator("#tables-input").set_input_files(
            {"name": "long.csv", "mimeType": "text/csv", "buffer": content.encode()}
        )
        expect(row(page, 1)).to_be_visible()
        # In one frame the table asks the worker for rows, and then the worker is ended.
        page.evaluate(
            """content => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([content], "next.csv"));
                const options = {bubbles: true, cancelable: true, dataTransfer: transfer};
                const drop = new DragEvent("drop", options);
                document.getElementById("tables-grid").dispatchEvent(new Event("scroll"));
                requestAnimationFrame(() => document.getElementById("tables").dispatchEvent(drop));
            }""",
            FAULTY,
        )

        expect(page.locator("#tables-file")).to_have_text("next.csv")
        ended(page)
        expect(rows(page)).to_have_count(6)
        expect(page.locator("#tables-counts")).to_contain_text("6 rows")
        assert _sort(page, "Row", "ascending") == ["1", "2", "3", "4", "5", "6"]
        assert _sort(page, "Row", "descending") == ["6", "5", "4", "3", "2", "1"]


@pytest.mark.parametrize("way", ["drop", "paste"])
@pytest.mark.parametrize("what", ["file", "text"])
def test_file_and_text_are_dropped_and_pasted(
    browser: Browser, server: Server, way: str, what: str
) -> None:
    with tables(browser, server) as visit:
        visit.page.evaluate(
            """([way, what, content]) => {
                const transfer = new DataTransfer();
                if (what === "file") transfer.items.add(new File([content], "dropped.csv"));
                else transfer.setData("text/plain", content);
                const options = {bubbles: true, cancelable: true};
                const event = way === "drop"
                    ? new DragEvent("drop", {...options, dataTransfer: transfer})
                    : new ClipboardEvent("paste", {...options, clipboardData: transfer});
                document.getElementById("tables-drop").dispatchEvent(event);
            }""",
            [way, what, HOUSES],
        )
        ended(visit.page)

        expect(rows(visit.page)).to_have_count(6)
        name = "dropped.csv" if what == "file" else "pasted.csv"
        expect(visit.page.locator("#tables-file")).to_have_text(name)


def test_one_of_several_files_is_taken(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        open_form(visit.page)
        visit.page.evaluate(
            """content => {
                const transfer = new DataTransfer();
                for (const name of ["a.csv", "b.csv"]) {
                    transfer.items.add(new File([content], name));
                }
                const options = {bubbles: true, cancelable: true, dataTransfer: transfer};
                document.getElementById("tables").dispatchEvent(new DragEvent("drop", options));
            }""",
            HOUSES,
        )
        ended(visit.page)

        expect(rows(visit.page)).to_have_count(6)
        expect(visit.page.locator("#tables-single")).to_contain_text("a.csv was taken")


def test_service_that_gives_no_answer_is_told(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        visit.expect_failure("net::ERR_FAILED", PREDICT)
        visit.page.context.route(f"**{PREDICT}?*", lambda route: route.abort())
        send(visit.page, HOUSES)

        expect(visit.page.locator("#tables-problem")).to_contain_text("gave no answer")


def test_text_is_pasted_into_a_field(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        page.locator("summary", has_text="Paste text").click()
        page.get_by_label("Paste text").fill(HOUSES)
        page.get_by_role("button", name="Predict on this text").click()
        ended(page)

        expect(rows(page)).to_have_count(6)


def test_parquet_is_read(browser: Browser, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "houses.parquet"
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(ROOT / "examples/houses.csv"), path)
    with tables(browser, server) as visit:
        send(visit.page, path.read_bytes(), path.name)
        row(visit.page, 3).click()

        expect(rows(visit.page)).to_have_count(6)
        expect_contributions(visit.page, "#tables-row-why", explained(server, ROWS[2]))
        expect(visit.page.locator("#tables-curl code")).to_contain_text("Accept: text/csv")


def test_coverage_sends_a_small_file_again(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        send(page, HOUSES)
        page.locator("#tables-coverage").focus()
        page.keyboard.press("ArrowLeft")

        expect(row(page, 1)).to_contain_text("255,143 \u2013 367,988")
        expect(page.locator("#tables-curl code")).to_have_text(
            "curl -H 'Content-Type: text/csv' --data-binary @houses.csv "
            f"'{server.url}{PREDICT}?errors=report&echo=true&coverage=0.8'"
        )


def test_another_coverage_of_a_large_file_waits_for_a_click(
    browser: Browser, server: Server
) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        send(page, "\n".join([HEADER, *ROWS * 8000]))
        page.locator("#tables-coverage").focus()
        page.keyboard.press("ArrowLeft")
        expect(row(page, 1)).to_contain_text("231,731 \u2013 398,566")
        page.get_by_role("button", name="Send the file again").click()
        ended(page)

        expect(row(page, 1)).to_contain_text("255,143 \u2013 367,988")


@pytest.mark.parametrize(
    ("model", "cells", "moves"),
    [
        ("rooms", ["33", "31 \u2013 37"], "moves the prediction, in USD"),
        ("grades", ["low", "49.5%", "low, middle", "80%"], "log-odds of the label low"),
        ("traits", ["small, red", "50"], "log-odds of the label"),
        ("oddities", ["5", "40%"], "moves the anomaly score"),
    ],
)
def test_tables_of_every_task(
    browser: Browser, bundles: Server, model: str, cells: list[str], moves: str
) -> None:
    with tables(browser, bundles, model=model) as visit:
        page = visit.page
        send(page, "size,colour\n3,red\n8,blue\nx,red\n")
        row(page, 1).click()

        for index, text in enumerate(cells, start=1):
            expect(row(page, 1).get_by_role("gridcell").nth(index)).to_contain_text(text)
        expect(page.locator("#tables-counts")).to_contain_text("1 row with faults")
        expect(page.locator("#tables-row-why")).to_contain_text(moves)
        expect(page.locator("#tables-row-why .bars li")).to_have_count(2)
        keep(page, f"tables-{model}")


def test_form_predicts_as_the_api_does(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        open_form(page)
        page.get_by_label("housing_median_age", exact=True).fill("48")
        page.get_by_label("ocean_proximity").select_option("INLAND")

        row_of_form = "-118.48,34.26,48,2129.5,436,1165,410,3.5333,INLAND"
        prediction = explained(server, row_of_form)
        expect(page.locator("#tables-result .headline")).to_have_text(
            f"{prediction['value']:,.0f} USD"
        )
        expect_contributions(page, "#tables-contributions", prediction)
        expect(page.locator("#tables-form-status")).to_contain_text(
            f"{prediction['value']:,.0f} USD"
        )
        keep(page, "tables-form")


def open_form(page: Page) -> None:
    page.get_by_role("tab", name="One row").click()
    expect(page.locator("#tables-contributions > *").first).to_be_visible()


def test_keyboard_moves_tabs_and_sliders(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        page.get_by_role("tab", name="A file").focus()
        page.keyboard.press("ArrowRight")
        slider = page.get_by_label("housing_median_age, slider")
        slider.focus()
        page.keyboard.press("ArrowRight")

        expect(page.get_by_label("housing_median_age", exact=True)).to_have_value("30")
        expect(slider).to_have_attribute("aria-valuetext", "30")
        expect(page.locator("#tables-contributions li").first).to_contain_text("housing_median_age")
        page.keyboard.press("Home")
        expect(page.get_by_label("housing_median_age", exact=True)).to_have_value("1")


def test_finger_moves_a_slider(browser: Browser, server: Server) -> None:
    with tables(browser, server, screen=PHONE) as visit:
        page = visit.page
        page.get_by_role("tab", name="One row").tap()
        slider = page.get_by_label("median_income, slider")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)

        field = page.get_by_label("median_income", exact=True)
        expect(field).not_to_have_value("3.5333")
        assert 10 < float(field.input_value()) < 13
        expect(page.locator("#tables-contributions li").first).to_contain_text("median_income")
        expect(page.locator("#tables-result .headline")).to_be_in_viewport()
        keep(page, "tables-form-phone")


def test_value_beyond_training_is_warned_of(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        open_form(page)
        field = page.get_by_label("housing_median_age", exact=True)
        field.fill("60")
        expect(page.locator("#tables-result .warn")).to_have_text(
            "housing_median_age is 60; in training it was between 1 and 52."
        )
        expect(page.locator("#tables .beyond")).to_contain_text("housing_median_age")
        field.fill("")

        expect(page.locator("#tables-result .warn")).to_contain_text(
            "housing_median_age is missing"
        )
        expect(page.locator("#tables .beyond")).to_have_count(0)


def test_latest_row_wins(browser: Browser, server: Server) -> None:
    with tables(browser, server) as visit:
        page = visit.page
        open_form(page)
        page.get_by_label("total_rooms, slider").evaluate(
            """slider => {
                for (let value = 0; value <= 39200; value += 200) {
                    slider.value = value;
                    slider.dispatchEvent(new Event("input", {bubbles: true}));
                }
            }"""
        )

        prediction = explained(server, "-118.48,34.26,29,39200,436,1165,410,3.5333,<1H OCEAN")
        expect(page.locator("#tables-result .headline")).to_have_text(
            f"{prediction['value']:,.0f} USD"
        )
        assert sum(PREDICT in url for url in visit.requests) < 20


def test_form_of_many_columns_is_searched(browser: Browser, bundles: Server) -> None:
    with tables(browser, bundles, model="days") as visit:
        page = visit.page
        open_form(page)
        fields = page.locator("#tables-fields .field")
        expect(fields.filter(visible=True)).to_have_count(12)
        page.get_by_label("Find a column").fill("number_14")
        expect(fields.filter(visible=True)).to_have_count(1)
        page.get_by_label("number_14", exact=True).fill("0.75")
        page.get_by_label("Find a column").fill("day")
        page.get_by_label("day", exact=True).fill("2021-01-01")
        expect(page.locator("#tables-result .headline")).to_have_text("25.88")
        page.get_by_label("Find a column").fill("")
        page.get_by_role("button", name="Show all 15 columns").click()

        expect(fields.filter(visible=True)).to_have_count(15)
        keep(page, "tables-form-wide")


@pytest.mark.parametrize("model", ["grades", "traits", "oddities"])
def test_form_of_every_task(browser: Browser, bundles: Server, model: str) -> None:
    with tables(browser, bundles, model=model) as visit:
        page = visit.page
        open_form(page)
        page.get_by_label("colour", exact=True).select_option("missing")
        page.locator("#tables [data-name=size] input[type=number]").fill("7.5")

        headline = {"grades": "high, 62", "traits": "large", "oddities": "2.5"}[model]
        expect(page.locator("#tables-result .headline")).to_contain_text(headline)
        expect(page.locator("#tables-contributions li")).to_have_count(2)
        expect(page.locator("#tables-curl code")).to_contain_text('"size":7.5,"colour":null')
        keep(page, f"tables-form-{model}")


def test_worker_sends_the_key(browser: Browser, guarded: Server, secret: str) -> None:
    with visiting(browser, guarded.url) as visit:
        page = visit.page
        visit.expect_failure(401, "/models")
        page.goto("/#tables")
        page.get_by_label("API key", exact=True).fill(secret)
        page.get_by_role("button", name="Use the key").click()
        expect(page.locator("#tables-model")).to_have_value("housing")
        send(page, HOUSES)

        expect(rows(page)).to_have_count(6)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_panel_with_content_is_accessible(
    browser: Browser, server: Server, request: pytest.FixtureRequest, *, dark: bool, screen: Screen
) -> None:
    with tables(browser, server, dark=dark, screen=screen, locale="pt-BR") as visit:
        page = visit.page
        send(page, FAULTY)
        row(page, 6).click()
        expect(page.locator("#tables-row-why .bars")).to_be_visible()
        keep(page, f"tables-{request.node.callspec.id}-file")
        assert_accessible(page)
        page.get_by_role("tab", name="Uma linha").click()
        page.get_by_label("housing_median_age", exact=True).fill("60")
        expect(page.locator("#tables-contributions .bars")).to_be_visible()
        keep(page, f"tables-{request.node.callspec.id}-form")
        assert_accessible(page)


@pytest.mark.parametrize("width", [360, 768])
def test_table_scrolls_inside_itself(browser: Browser, server: Server, width: int) -> None:
    with tables(browser, server, screen=Screen(width, 740, touch=True)) as visit:
        page = visit.page
        send(page, FAULTY)
        row(page, 6).tap()
        expect(page.locator("#tables-row-why .bars")).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "(grid => grid.scrollWidth > grid.clientWidth)(document.getElementById('tables-grid'))"
        )
