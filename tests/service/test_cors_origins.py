"""Origins of web pages: what a setting may list."""

import pytest

from service.cors_origins import InvalidOrigins, parse_origins


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ""),
        (" ", ""),
        ("*", "*"),
        ("null", "null"),
        ("http://localhost:5500", "http://localhost:5500"),
        ("HTTPS://Example.ORG , http://[::1]:8000", "https://example.org,http://[::1]:8000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_origins_are_read(text: str, origins: str) -> None:
    assert parse_origins(text) == origins


@pytest.mark.parametrize(
    "text",
    [
        *(
            "example.org",
            "https://example.org/",
            "https://example.org/demo",
            "https://*.example.org",
        ),
        *("*, https://example.org", "https://a.org,", "https://a.org https://b.org", "true"),
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(InvalidOrigins, match="must be '\\*', or origins such as"):
        parse_origins(text)
