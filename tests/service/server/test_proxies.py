"""Which headers of proxies are believed, and which path is left without the prefix."""

import pytest

from service.server.proxies import Origin, Proxies

PROXY = "10.0.0.1"
TRUSTED = "10.0.0.0/8,2001:db8::/32"


def origin(peer: str, own: str = "", /, **headers: str) -> Origin:
    """Tell how a request has come, by its headers without their beginning."""
    lines = [(f"x-forwarded-{name}".encode(), text.encode()) for name, text in headers.items()]
    return Proxies(TRUSTED, own).origin(peer, lines)


@pytest.mark.parametrize(
    ("peer", "hops", "remote"),
    [
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("", "198.51.100.1", ""),
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (PROXY, "127.0.0.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        (PROXY, "10.0.0.3,10.0.0.2", "10.0.0.3"),
        (PROXY, "198.51.100.1:4711", "198.51.100.1"),
        (PROXY, "[2001:db9::1]:80", "2001:db9::1"),
        (PROXY, "198.51.100.1, unknown", PROXY),
        (PROXY, "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        (PROXY, "", PROXY),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8::5", "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_client_is_the_last_address_that_is_no_proxy(peer: str, hops: str, remote: str) -> None:
    assert origin(peer, **{"for": hops}).remote == remote


def test_stranger_is_believed_nothing() -> None:
    said = {"for": "203.0.113.1", "proto": "https", "host": "evil.example", "prefix": "/evil"}

    assert origin("192.0.2.7", "/ml", **said) == Origin("192.0.2.7", "/ml")


def test_proxy_says_how_the_client_asked() -> None:
    said = {"proto": "http, HTTPS", "host": "a.example, b.example:8443", "prefix": "/ml/"}

    assert origin(PROXY, "/own", **said) == Origin(
        PROXY, "/ml", scheme="https", host="b.example:8443", is_proxied=True
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("proto", "javascript"),
        ("host", "a b"),
        ("host", "x';ls'"),
        ("prefix", "//evil.example"),
        ("prefix", "/a/../b"),
        ("prefix", "ml"),
        ("prefix", '/"><script>'),
    ],
)
def test_odd_header_is_passed_over(name: str, text: str) -> None:
    assert origin(PROXY, "/own", **{name: text}) == Origin(PROXY, "/own", is_proxied=True)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/ml/models", b"/models"),
        (b"/models", b"/models"),
        (b"/ml", b"/"),
        (b"/ml?a=1", b"/?a=1"),
        (b"/ml/", b"/"),
        (b"/mlx/models", b"/mlx/models"),
        (b"/ml/ml/models", b"/ml/models"),
        (b"*", b"*"),
    ],
)
def test_prefix_is_taken_away_once(target: bytes, path: bytes) -> None:
    assert Proxies("", "/ml").strip(target) == path


def test_nothing_is_to_be_done_without_settings() -> None:
    assert not Proxies("", "").is_needed
    assert Proxies("", "").strip(b"/models") == b"/models"
    assert Proxies(TRUSTED, "").is_needed
    assert Proxies("", "/ml").is_needed
