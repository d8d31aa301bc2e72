"""The documents agree with the code: requests, commands, tables, links, paths and names."""

import ast
import doctest
import importlib.util
import json
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.rollout.repository import Repository
from service.settings import PREFIX, Settings
from service.telemetry.metrics import Metrics
from tests.fakes import FakeControlPlane
from tests.servers import ROOT, Server, serving
from vitrine.errors import VitrineError
from vitrine.options import Options

# The changelog also describes earlier versions, whose names and paths need not exist any more.
PAGES = sorted(
    page
    for folder in (
        ".",
        "docs",
        "deploy/kubernetes",
        "deploy/prometheus",
        "deploy/grafana",
        "benchmarks/peers",
        "benchmarks/servers",
    )
    for page in (ROOT / folder).glob("*.md")
    if page.name != "CHANGELOG.md"
)
URL = "http://127.0.0.1:8080"
# Folders whose paths are checked. Those under models/ are not: the documents train models there.
FOLDERS = {
    *("vitrine", "service", "training", "tests"),
    *("benchmarks", "deploy", "docs", "examples", "requirements", ".ci", ".github"),
}
# Run by path: if they were imported, runpy would warn whoever runs the packages in this process.
_SERVICE, _TRAINING = (
    runpy.run_path(str(ROOT / package / "__main__.py"))["_parser"]
    for package in ("service", "training")
)
# `vitrine` offers a Ray cluster to the commands of the service.
PARSERS = {"service": _SERVICE(on_cluster=print), "training": _TRAINING()}


def _conversations() -> Iterator[Any]:
    """Find every request in the documents with the answer that is shown below it."""
    for page in PAGES:
        blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
        entries = re.findall(r"^\$ (.*curl.*)\n((?:[^$].*\n)*)", "".join(blocks), re.MULTILINE)
        for number, (command, answer) in enumerate(entries, start=1):
            yield pytest.param(command, answer, id=f"{page.relative_to(ROOT)} {number}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(default_model="housing") as server:
        yield server


@pytest.mark.parametrize(("command", "answer"), list(_conversations()))
def test_request_in_documents_is_answered_as_shown(
    server: Server, command: str, answer: str
) -> None:
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace(URL, server.url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    shown_words, shown_numbers = _words_and_numbers(answer)
    words, numbers = _words_and_numbers(finished.stdout)
    assert words == shown_words
    # Another version of a model or another processor may answer a little differently.
    assert numbers == pytest.approx(shown_numbers, rel=0.2, abs=0.05)


def _words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    """Split an answer into its words and its numbers; JSON is brought into one layout first."""
    try:
        text = json.dumps(json.loads(text))
    except json.JSONDecodeError:
        text = text.strip()
    # The Open Inference Protocol writes a probability and its class as one text.
    number = r'(?<![\w."-])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w."])|(?<=")\d\.\d+(?=:)'
    pieces = re.split(f"({number})", text)
    return pieces[::2], [float(number) for number in pieces[1::2]]


@pytest.mark.parametrize("name", ["README.md", "docs/library.md"])
def test_python_in_documents_gives_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(ROOT)
    sessions = "\n".join(re.findall(r"```pycon\n(.*?)```", (ROOT / name).read_text(), re.DOTALL))
    page = doctest.DocTestParser().get_doctest(sessions, {}, name, name, 0)

    results = doctest.DocTestRunner().run(page)

    assert results.attempted == len(re.findall(r"^>>> ", sessions, re.MULTILINE)) > 0
    assert results.failed == 0


def test_program_in_documents_prints_what_it_shows(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs/python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL)
    names: dict[str, Any] = {}

    for number, (code, shown) in enumerate(blocks, start=1):
        program = compile(code.replace(URL, server.url), f"block {number} of python.md", "exec")
        exec(program, names)  # noqa: S102 - the code is that of a page of this repository
        shown_words, shown_numbers = _words_and_numbers(shown)
        words, numbers = _words_and_numbers(capsys.readouterr().out)
        assert words == shown_words, f"block {number}"
        assert numbers == pytest.approx(shown_numbers, rel=0.2, abs=0.05)

    assert len(blocks) > 8


def test_settings_table_is_complete() -> None:
    expected = [
        [f"`{PREFIX}{spec.name.upper()}`", f"`{spec.default}`", spec.metadata["help"]]
        for spec in fields(Settings)
    ]

    assert _table("settings.md", "variable") == expected


def test_clients_in_documents_are_those_of_the_tests() -> None:
    wanted = {
        tuple(pin)
        for path in ROOT.glob("tests/clients/*/requirements.in")
        for pin in re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)", path.read_text(), re.MULTILINE)
    }
    cells = " ".join(row[-1] for row in _table("dialects.md", "language"))

    assert {*re.findall(r"([\w-]+) (\d+(?:\.\d+)+)", cells)} == wanted


def test_routes_table_is_complete() -> None:
    empty = Repository()
    app = create_app(Settings(), empty, Metrics(CollectorRegistry()), FakeControlPlane(empty))
    expected = {
        (f"`{method}`", f"`{_documented(rule.rule)}`")
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    documented = [*_table("endpoints.md", "method"), *_tables("dialects.md", "method")]
    assert {(row[0], row[1]) for row in documented} == expected


def _documented(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda variable: variable[1].upper(), rule).replace(
        "VERSION", "N"
    )


def test_parameters_table_is_complete() -> None:
    renamed = {"report": "errors"}

    documented = {row[0] for row in _table("endpoints.md", "parameter")}

    assert documented == {f"`{renamed.get(spec.name, spec.name)}`" for spec in fields(Options)}


def test_errors_table_is_complete() -> None:
    expected = {
        (f"`/problems/{kind.slug()}`", str(int(kind.status)), _first_line(kind))
        for kind in _kinds(VitrineError)
    }

    assert {(row[0], row[1], row[2]) for row in _table("endpoints.md", "type")} == expected


def _kinds(parent: type[VitrineError]) -> Iterator[type[VitrineError]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _first_line(kind: type[VitrineError]) -> str:
    return (kind.__doc__ or "").splitlines()[0].rstrip(".")


def test_metrics_table_is_complete() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    expected = {
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            family.documentation,
        )
        for family in registry.collect()
    }

    documented = {(row[0].strip("`"), row[1], row[3]) for row in _table("endpoints.md", "metric")}

    assert documented == expected


def test_verbs_in_documents_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))

    named = {
        verb
        for page in PAGES
        for line in re.findall(r"^make ([a-z -]+)", page.read_text(), re.MULTILINE)
        for verb in line.split()
    }

    assert named <= verbs


def _code(page: Path) -> str:
    """Return the code of a page: its code blocks, then what stands in backticks, one a line."""
    text = page.read_text()
    block = r"^```\w*\n(.*?)^```$"
    blocks = re.findall(block, text, re.MULTILINE | re.DOTALL)
    prose = re.sub(block, "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose)])


def _commands(page: Path) -> list[list[str]]:
    """Return the words that follow `vitrine` in every command on a page."""
    typed = re.findall(r"(?<![\w.-])vitrine ((?!train$)[a-z][^\n]*)", _code(page), re.MULTILINE)
    words = (shlex.split(line, comments=True) for line in typed)
    return [list(takewhile(lambda word: word not in {">", "|", "&"}, each)) for each in words]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=f"{page.relative_to(ROOT)} {number}")
        for page in PAGES
        for number, words in enumerate(_commands(page), start=1)
    ],
)
def test_command_in_documents_is_accepted(words: list[str]) -> None:
    package, arguments = ("training", words[1:]) if words[0] == "train" else ("service", words)

    options = PARSERS[package].parse_args(arguments)

    assert callable(options.run)


def test_documents_name_one_way_to_type_a_command() -> None:
    others = [
        f"{page.name}: {typed}"
        for page in PAGES
        for typed in re.findall(r"python -m (?:service|training) [a-z]+", page.read_text())
    ]

    assert not others


def test_log_messages_in_documents_are_in_the_code() -> None:
    code = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    missing = [
        f"{page.name}: {message}"
        for page in PAGES
        for message in re.findall(r'`"([^"`]+)"`', page.read_text())
        if f'"{message}"' not in code
    ]

    assert not missing


def test_messages_in_troubleshooting_are_in_the_code() -> None:
    rows = re.findall(
        r"^\| `([A-Z][^`]+|[a-z]+ [^`]+)` \|", _page("troubleshooting.md"), re.MULTILINE
    )
    texts = [*_texts_of_code(), (ROOT / "Makefile").read_text()]

    missing = [row for row in rows if not any(row in text for text in texts)]

    assert len(rows) > 10
    assert not missing


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def _texts_of_code() -> Iterator[str]:
    """Find every text in the code of the packages; in an f-string, the texts between its values."""
    for package in ("vitrine", "service", "training"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_settings_in_documents_are_known() -> None:
    others = {"VITRINE_DATA", "VITRINE_KEY"}  # of the tests, and of the commands
    known = {PREFIX + spec.name.upper() for spec in fields(Settings)} | others

    named = {name for page in PAGES for name in re.findall(r"VITRINE_[A-Z_]+\b", page.read_text())}

    assert named <= known


def test_tests_in_documents_are_there() -> None:
    pages = ("SECURITY.md", "docs/operations.md")
    named = {
        name for page in pages for name in re.findall(r"`(test_\w+)`", (ROOT / page).read_text())
    }
    code = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))

    assert len(named) > 30
    assert not named - set(re.findall(r"^def (test_\w+)", code, re.MULTILINE))


def test_constants_in_documents_are_in_the_code() -> None:
    page = (ROOT / "docs/adding-a-model.md").read_text()
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", page)) - set(re.findall(r"`(VITRINE_\w+)`", page))
    modules = [*(ROOT / "vitrine").rglob("*.py"), *(ROOT / "training").rglob("*.py")]
    code = "\n".join(module.read_text() for module in modules)

    missing = {name for name in named if not re.search(rf"^{name}\b", code, re.MULTILINE)}

    assert named
    assert not missing


@pytest.mark.parametrize(
    "pages",
    [("tutorials.md", "tutoriais.pt-BR.md"), ("first-steps.md", "primeiros-passos.pt-BR.md")],
)
def test_page_has_the_same_commands_in_both_languages(pages: tuple[str, str]) -> None:
    in_english, in_portuguese = (_commands(ROOT / "docs" / name) for name in pages)

    assert in_english
    assert in_portuguese == in_english


def test_links_in_documents_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [*PAGES, ROOT / "CHANGELOG.md"]
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
        if not target.startswith("https://") and not _leads_somewhere(page, target)
    ]

    assert not broken


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    linked = page.parent / path if path else page
    return linked.exists() and (not anchor or anchor in _anchors(linked))


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_paths_in_documents_exist() -> None:
    missing = [
        f"{page.name}: {path}"
        for page in PAGES
        for path in re.findall(r"(?<![\w./-])[\w.-]+(?:/[\w.-]+)+", _code(page))
        if path.partition("/")[0] in FOLDERS and not (ROOT / path).exists()
    ]

    assert not missing


def test_modules_in_documents_can_be_imported() -> None:
    module = r"(?:from |import |-m |python:|gunicorn.* )((?:vitrine|service|training)(?:\.\w+)+)"
    missing = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(module, _code(page))
        if importlib.util.find_spec(name) is None
    ]

    assert not missing


def test_readme_fits_two_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 80


def _table(page: str, first_column: str) -> list[list[str]]:
    """Return the cells of the only table whose first column has this heading."""
    text = (ROOT / "docs" / page).read_text()
    assert len(re.findall(rf"^\| {first_column} \|", text, re.MULTILINE)) == 1
    return _tables(page, first_column)


def _tables(page: str, first_column: str) -> list[list[str]]:
    """Return the cells of all tables whose first column has this heading."""
    text = (ROOT / "docs" / page).read_text()
    table = rf"^\| {first_column} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)"
    lines = [line for rows in re.findall(table, text, re.MULTILINE) for line in rows.splitlines()]
    assert lines, f"docs/{page} has no table of {first_column}s"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_pictures_of_documents_are_made_by_their_program(tmp_path: Path) -> None:
    folder = ROOT / "docs/pictures"

    subprocess.run([sys.executable, folder / "make.py", tmp_path], check=True)

    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in folder.glob("*.png")}
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in made)
