"""How a request has come: straight from its client, or through proxies that are believed.

Anybody can send the headers in which a proxy says who asked it, and how. They are believed where
they come from an address that a setting names, and nowhere else.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from service.reverse_proxies import IS_PROXIED, PREFIX

Address = IPv4Address | IPv6Address

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCHEMES = frozenset(("http", "https"))
_MAX_HOPS = 16
_FORWARDED = frozenset(
    (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix")
)


@dataclass(frozen=True, slots=True)
class Origin:
    """How a request has come.

    Attributes:
        remote: Address of the client.
        root: Path under which the client sees the service; empty for none.
        scheme: Scheme by which the client asked; None where it asked this server itself.
        host: Host that the client asked; None where the request itself says it.
        is_proxied: Whether a proxy that is believed has sent the request.
    """

    remote: str
    root: str
    scheme: str | None = None
    host: str | None = None
    is_proxied: bool = False

    def environ(self) -> dict[str, object]:
        """Return what differs in the WSGI environment of the request."""
        variables: dict[str, object] = {
            "REMOTE_ADDR": self.remote,
            "SCRIPT_NAME": self.root,
            IS_PROXIED: self.is_proxied,
        }
        if self.scheme is not None:
            variables["wsgi.url_scheme"] = self.scheme
        if self.host is not None:
            variables["HTTP_HOST"] = self.host
        return variables


class Proxies:
    """The proxies that are believed, and the path that the service has behind them.

    Args:
        trusted: Networks of the proxies, between commas.
        prefix: Path under which clients see the service; empty for none.
    """

    def __init__(self, trusted: str, prefix: str) -> None:
        self._networks = [ip_network(text) for text in filter(None, trusted.split(","))]
        self._root = prefix
        self._prefix = prefix.encode()
        self._is_trusted = lru_cache(maxsize=1024)(self._is_in_networks)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to be done for a request."""
        return bool(self._networks or self._prefix)

    def strip(self, target: bytes) -> bytes:
        """Return a target without the prefix, which a proxy may have kept or taken away.

        Args:
            target: Path and query, as the proxy sent them.
        """
        if not self._prefix or not target.startswith(self._prefix):
            return target
        rest = target[len(self._prefix) :]
        if rest.startswith(b"/"):
            return rest
        return b"/" + rest if not rest or rest.startswith(b"?") else target

    def origin(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> Origin:
        """Tell how a request has come.

        Args:
            peer: Address at the other end of the connection.
            headers: Name in lower case and value of each header of the request.
        """
        if not self._is_trusted(peer):
            return Origin(peer, self._root)
        said: dict[bytes, str] = {}
        for name, value in headers:
            if name in _FORWARDED:
                text = value.decode("latin-1")
                said[name] = f"{said[name]},{text}" if name in said else text
        prefix = _last(said.get(b"x-forwarded-prefix", "")).rstrip("/")
        scheme = _last(said.get(b"x-forwarded-proto", "")).lower()
        host = _last(said.get(b"x-forwarded-host", ""))
        return Origin(
            self._client(peer, said.get(b"x-forwarded-for", "").split(",")),
            prefix if PREFIX.fullmatch(prefix) else self._root,
            scheme=scheme if scheme in _SCHEMES else None,
            host=host if _HOST.fullmatch(host) else None,
            is_proxied=True,
        )

    def _client(self, peer: str, hops: Sequence[str]) -> str:
        """Return the address that the nearest proxy vouches for: the last one not of a proxy.

        What stands before it, the client itself may have written.
        """
        client = peer
        for hop in reversed(hops[-_MAX_HOPS:]):
            address = _address(hop)
            if address is None:
                break
            client = str(address)
            if not self._is_trusted(client):
                break
        return client

    def _is_in_networks(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _last(values: str) -> str:
    """Return what the nearest proxy has added to a header."""
    return values.rpartition(",")[2].strip()


def _address(text: str) -> Address | None:
    """Read an address, which may have a port; None for what is no address."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
