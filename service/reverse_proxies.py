"""The reverse proxies before the service, and the path that it has there, as settings name them."""

import re
from ipaddress import ip_network

from vitrine.errors import shown

# Name in the environment of what is true where a proxy that is believed has sent the request.
IS_PROXIED = "vitrine.is_proxied"

# A segment begins with no dot, so that no path leads out of the prefix.
PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_OWN_PATHS = frozenset(("models", "livez", "readyz", "metrics", "problems"))


class InvalidReverseProxy(ValueError):
    """The text names no proxies, or no path; the message says what it may be."""


def parse_networks(text: str) -> str:
    """Read addresses and networks between commas, such as "10.0.0.0/8, 192.0.2.7".

    Returns:
        The same list, each as a network, without spaces.

    Raises:
        InvalidReverseProxy: One is no address and no network.
    """
    networks = [network.strip() for network in text.split(",")] if text.strip() else []
    try:
        return ",".join(str(ip_network(network)) for network in networks)
    except ValueError:
        raise InvalidReverseProxy(
            "must be addresses and networks such as '192.0.2.7, 10.0.0.0/8' between commas, "
            f"without a port. Received: {shown(text)}."
        ) from None


def parse_prefix(text: str) -> str:
    """Read a path such as "/ml"; empty for none.

    Returns:
        The same path, without a slash at its end.

    Raises:
        InvalidReverseProxy: It is no path, or could be taken for one of the service's own.
    """
    prefix = text.strip().rstrip("/")
    if not prefix:
        return ""
    if not PREFIX.fullmatch(prefix) or prefix.split("/")[1] in _OWN_PATHS:
        raise InvalidReverseProxy(
            "must be a path such as '/ml', of letters, digits, '_', '-', '.' and '~', that does "
            f"not begin like a path of the service. Received: {shown(text)}."
        )
    return prefix
