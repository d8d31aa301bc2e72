"""An answer that is complete, for a server that writes it without asking an application."""

from dataclasses import dataclass

from service.http.context import RequestContext
from service.http.security_headers import security_headers
from service.http.transfer import REQUEST_ID

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


def complete(
    context: RequestContext,
    status: int,
    headers: Headers,
    body: bytes,
    shared: Headers | None = None,
) -> Reply:
    """Complete an answer by the headers that every answer has, and note it in its context.

    Args:
        context: Context of the request.
        status: HTTP status.
        headers: What the body is.
        body: The body.
        shared: Which pages of other origins may read it.
    """
    context.status = status
    context.sent_bytes = len(body)
    context.is_complete = True
    length = ("Content-Length", str(len(body)))
    identity = (REQUEST_ID, context.request_id)
    protection = security_headers(is_secure=context.is_secure)
    return Reply(status, [*headers, length, *(shared or []), identity, *protection], body)
