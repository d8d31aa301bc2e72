"""An answer that is complete, for a server that writes it without asking an application."""

from dataclasses import dataclass

# Name and value of each header, in order.
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is complete.

    Attributes:
        status: HTTP status.
        headers: Its headers, with its length, but without those about the connection.
        body: The body.
    """

    status: int
    headers: Headers
    body: bytes
