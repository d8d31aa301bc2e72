"""The web page as it is sent: its language, its files, and what they may do."""

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.http.page import LANGUAGES
from tests.servers import ROOT

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FOLDER = ROOT / "service/page"
_TEXT_OF_SCRIPT = re.compile(r'\btext\(\s*["`]([\w.]+)["`]')
_TEXT_OF_TEMPLATE = re.compile(r"texts\[[\"']([\w.]+)[\"']\]")
_PLURALS = (".one", ".other")


class Elements(HTMLParser):
    """Notes the elements of a page.

    Attributes:
        all: Each with its attributes.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.all.append((tag, dict(attrs)))


def page(client: FlaskClient, path: str = "/", **headers: str) -> str:
    return client.get(path, headers={**BROWSER, **headers}).text


def texts(language: str) -> dict[str, str]:
    """Return the texts of a language, as the page names them."""
    return {
        f"{path.stem}.{name}": text
        for path in sorted((FOLDER / "texts" / language).glob("*.json"))
        for name, text in json.loads(path.read_text()).items()
    }


def without_plural(name: str) -> str:
    for ending in _PLURALS:
        name = name.removesuffix(ending)
    return name


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("de,fr", "en"),
        ("en-GB,pt;q=0.5", "en"),
        ("pt;q=0", "en"),
    ],
)
def test_page_speaks_the_language_of_the_browser(
    client: FlaskClient, accepted: str, language: str
) -> None:
    response = client.get("/", headers={**BROWSER, "Accept-Language": accepted})

    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.vary
    assert f'<html lang="{language}"' in response.text
    assert texts(language)["draw.title"] in response.text


@pytest.mark.parametrize(
    ("asked", "language"), [("en", "en"), ("pt-BR", "pt-BR"), ("xx", "pt-BR"), ("", "pt-BR")]
)
def test_address_decides_the_language(client: FlaskClient, asked: str, language: str) -> None:
    response = client.get(
        "/", query_string={"lang": asked}, headers={**BROWSER, "Accept-Language": "pt"}
    )

    assert response.headers["Content-Language"] == language


def test_every_file_that_the_page_names_is_there(client: FlaskClient) -> None:
    named = {
        str(attributes.get("href") or attributes["src"])
        for tag, attributes in Elements(page(client)).all
        if tag in {"link", "img"} or (tag == "script" and "src" in attributes)
    }

    assert any(name.endswith("/main.js") for name in named)
    for name in named:
        response = client.get(f"/{name}")
        assert response.status_code == 200, name
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_file_of_another_digest_is_not_kept(client: FlaskClient) -> None:
    response = client.get("/page/0123456789abcdef/main.js")

    assert (response.status_code, response.mimetype) == (200, "text/javascript")
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["index.html", "draw/panel.html", "texts/en/draw.json", "../wsgi.py", "nothing.js", "draw"],
)
def test_nothing_else_is_sent(client: FlaskClient, path: str) -> None:
    assert client.get(f"/page/0123456789abcdef/{path}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/page/0123456789abcdef/page.css"])
def test_answer_is_compressed_for_who_can_read_it(client: FlaskClient, path: str) -> None:
    plain = client.get(path, headers=BROWSER)
    packed = client.get(path, headers={**BROWSER, "Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in plain.vary


def test_page_needs_nothing_that_its_policy_forbids(client: FlaskClient) -> None:
    response = client.get("/", headers=BROWSER)
    elements = Elements(response.text).all

    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert not {"style", "iframe", "base"} & {tag for tag, _ in elements}
    assert not any("style" in attributes for _, attributes in elements)
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    scripts = [attributes for tag, attributes in elements if tag == "script"]
    assert all("src" in each or each["type"] == "application/json" for each in scripts)


def test_worker_may_ask_the_service(client: FlaskClient) -> None:
    response = client.get("/page/0123456789abcdef/main.js")

    # A browser takes the policy of a worker from the answer that holds its script.
    assert "connect-src 'self'" in response.headers["Content-Security-Policy"]


def test_languages_have_the_same_texts() -> None:
    names = [{without_plural(name) for name in texts(language)} for language in LANGUAGES]

    assert names[0] == names[1]


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted([*FOLDER.rglob("*.js"), *FOLDER.rglob("*.html")])
        if "vendor" not in path.parts
    ],
    ids=lambda path: str(path.relative_to(FOLDER)),
)
def test_every_text_that_is_asked_for_is_there(path: Path) -> None:
    pattern = _TEXT_OF_SCRIPT if path.suffix == ".js" else _TEXT_OF_TEMPLATE
    known = {without_plural(name) for name in texts("en")}

    assert set(pattern.findall(path.read_text())) <= known


def test_every_text_is_asked_for() -> None:
    files = [*FOLDER.rglob("*.js"), *FOLDER.rglob("*.html")]
    source = "".join(path.read_text() for path in files if "vendor" not in path.parts)
    # A name that a script puts together begins with what stands before the first `$`.
    beginnings = tuple(re.findall(r"`([\w]+\.[\w.]*)\$\{", source))

    unused = [
        name
        for name in map(without_plural, texts("en"))
        if name not in source and not name.startswith(beginnings)
    ]
    assert unused == []
