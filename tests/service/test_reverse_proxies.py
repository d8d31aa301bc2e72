"""What settings say of reverse proxies: which texts are taken, and as what."""

import pytest

from service.reverse_proxies import InvalidReverseProxy, parse_networks, parse_prefix


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("", ""),
        ("10.0.0.0/8, 192.0.2.7", "10.0.0.0/8,192.0.2.7/32"),
        ("::1,2001:db8::/32", "::1/128,2001:db8::/32"),
    ],
)
def test_networks_are_read(text: str, networks: str) -> None:
    assert parse_networks(text) == networks


@pytest.mark.parametrize("text", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.1:80", "10.0.0.1,"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidReverseProxy, match="must be addresses and networks"):
        parse_networks(text)


@pytest.mark.parametrize(
    ("text", "prefix"), [("", ""), ("/", ""), ("/ml", "/ml"), ("/a/b.c/", "/a/b.c")]
)
def test_prefix_is_read(text: str, prefix: str) -> None:
    assert parse_prefix(text) == prefix


@pytest.mark.parametrize(
    "text", ["ml", "//ml", "/a//b", "/a b", "/../a", "/a/..", "/a?b", "/é", "/models", "/livez/a"]
)
def test_path_that_would_mislead_is_refused(text: str) -> None:
    with pytest.raises(InvalidReverseProxy, match="must be a path"):
        parse_prefix(text)
