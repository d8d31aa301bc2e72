"""One client's connection: what it sends, what it is sent, and how long it may take for each.

Everything here runs on the event loop, and none of it blocks. A request is answered when it is
there, on the loop if that is quick, else in a thread. A client that is slow to send costs no thread
before, and one that is slow to read or to leave costs none afterwards.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from service.server.outgoing import Outgoing
from service.server.request import Client, Request
from service.server.wire import CONTINUE

_MAX_TARGET_BYTES = 8192
_MAX_HEADERS = 100
_MAX_HEAD_BYTES = 2**15
# A client that sends its head byte by byte is done with after this many silences.
_HEAD_SILENCES = 3
# One empty line may stand before a request.
_MAX_BLANK_BYTES = 2
# What a client still sends while it reads its last answer: unread, it would become a reset.
_CLOSING_SECONDS = 2.0
_MAX_DISCARDED_BYTES = 2**18
# A body that nobody reads is still received: its client would see a reset, not the answer.
_MAX_UNREAD_BYTES = 2**30
# Where the worker is to end, a client may be sending its next request already.
_DRAINING_SECONDS = 2.0
_VERSIONS = frozenset(("1.0", "1.1"))


class Refusal(Exception):
    """What arrived is no request that can be answered.

    Attributes:
        status: HTTP status of the answer.
        detail: What is wrong.
    """

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Host(Protocol):
    """What the connections of one worker share.

    Attributes:
        timeout_seconds: Longest silence of a client that sends a request or reads an answer.
        idle_seconds: Longest time between two requests.
        held_bytes: Number of bytes of bodies that wait for the rest of their request.
        is_draining: Whether each connection ends with the answer that is under way.
    """

    timeout_seconds: float
    idle_seconds: float
    held_bytes: int
    is_draining: bool

    @property
    def has_room(self) -> bool:
        """Whether more bodies may wait for their rest."""

    def opened(self, connection: "Connection") -> None:
        """Take note of a connection."""

    def closed(self, connection: "Connection") -> None:
        """Take note that a connection is closed."""

    def locate(self, request: Request) -> None:
        """Find out how a request whose head is whole has come, and which path of ours it asks."""

    def takes(self, connection: "Connection", request: Request) -> bool:
        """Tell whether the loop itself may answer a complete request.

        If so, `Connection.answered` is called when all that has arrived was looked at.
        """

    def answer_later(self, request: Request, outgoing: Outgoing) -> None:
        """Let a thread answer a request."""

    def refuse(self, refusal: Refusal, remote: str) -> bytes:
        """Return the answer to what is no request."""


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        host: What it shares with the other connections.
        loop: The event loop.
        remote: Address of the client.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, remote: str) -> None:
        self._host = host
        self._loop = loop
        self._client = Client(remote)
        self._parser = HttpRequestParser(self)
        # In the order of their arrival: the first one is answered next, the last one may arrive.
        self._requests: deque[Request] = deque()
        self._arriving: Request | None = None
        # The rest of a request that was answered already.
        self._unread: Request | None = None
        self._refusal: Refusal | None = None
        self._outgoing: Outgoing | None = None
        # Whether nothing more is taken for a request, whether only the end is waited for, and
        # whether the connection ends with the request of which the rest is not read.
        self._is_deaf = self._is_closing = self._is_last = False
        # Whether the host will answer the first request on the loop.
        self._is_taken = False
        self._is_reading_paused = self._is_writing_paused = False
        self._has_answered = False
        self._head_bytes = self._held_bytes = self._discarded_bytes = self._unsent_bytes = 0
        self._heard_at = self._since = self._sent_at = loop.time()

    @property
    def is_gone(self) -> bool:
        """Whether the connection is closed, so that nobody waits for an answer."""
        return self._client.is_gone

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to the client."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._host.opened(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go of everything: the connection is closed."""
        self._client.is_gone = True
        for request in self._requests:
            if request.body.is_arriving:
                request.body.fail(ConnectionResetError())
        if self._outgoing is not None:
            self._outgoing.break_off()
            self._outgoing = None
        self._hold(-self._held_bytes)
        self._requests.clear()
        self._is_deaf = self._is_closing = True
        self._host.closed(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._heard_at = self._loop.time()
        if self._is_deaf:
            self._discard(data)
            return
        self._parse(data)
        self._advance()

    def eof_received(self) -> bool:
        """Answer what has arrived, although nothing more will."""
        self._is_deaf = True
        self._give_up_arriving(ConnectionResetError())
        self._advance()
        if self._is_closing:
            self._transport.close()
        # What is under way can still be sent, unless the connection is encrypted.
        return self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Write no more: the client is slow to read."""
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        """Write on: the client has read."""
        self._is_writing_paused = False
        self._send()
        self._advance()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    # The parser calls these, in this order, for each request.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._is_deaf:
            return
        self._arriving = Request(self._client)
        self._requests.append(self._arriving)
        self._head_bytes = 0
        self._since = self._heard_at

    def on_url(self, target: bytes) -> None:
        """Take some of the path and query."""
        if self._arriving is None:
            return
        self._arriving.target += target
        if len(self._arriving.target) > _MAX_TARGET_BYTES:
            detail = f"The address is longer than {_MAX_TARGET_BYTES} bytes."
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, detail)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that follow the body say nothing to us."""
        request = self._arriving
        if request is None or request.has_head:
            return
        # An application could not tell an underscore from a hyphen.
        if b"_" not in name:
            request.headers.append((name.lower(), value))
        self._head_bytes += len(name) + len(value)
        if len(request.headers) > _MAX_HEADERS or self._head_bytes > _MAX_HEAD_BYTES:
            self._refuse_headers()

    def on_headers_complete(self) -> None:
        """Judge the head, and ask for the body where the client waits for that."""
        request = self._arriving
        if request is None:
            return
        request.has_head = True
        request.method = self._parser.get_method()
        self._host.locate(request)
        request.version = self._parser.get_http_version()
        request.keeps_alive = self._parser.should_keep_alive()
        is_asked_for = False
        for name, value in request.headers:
            if name == b"content-length":
                request.announced_bytes = int(value)
            elif name == b"transfer-encoding":
                request.is_chunked = True
                self._check_coding(request, value)
            elif name == b"expect":
                is_asked_for = value.lower() == b"100-continue"
        if request.version not in _VERSIONS:
            detail = f"HTTP {request.version} is not spoken here; HTTP 1.1 is."
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, detail)
        elif is_asked_for and request.has_body and self._requests[0] is request:
            self._transport.write(CONTINUE)

    def on_body(self, piece: bytes) -> None:
        """Take some of the body."""
        request = self._arriving
        if request is None:
            return
        if request is self._unread:
            self._check_unread(len(piece))
            return
        request.body.add(piece)
        if self._outgoing is None or request is not self._requests[0]:
            self._hold(len(piece))

    def on_message_complete(self) -> None:
        """End a request."""
        if self._arriving is not None:
            self._arriving.body.end()
        self._arriving = self._unread = None
        self._is_deaf = self._is_deaf or self._is_last

    # What arrives.

    def _parse(self, data: bytes) -> None:
        before = self._arriving
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:  # the request is answered all the same, and the last one
            self._is_deaf = True
            if self._requests:
                self._requests[-1].keeps_alive = False
        except HttpParserError:
            self._judge_unparsable()
        arriving = self._arriving
        if arriving is None and not self._requests:
            self._count_blanks(data)
        elif arriving is not None and arriving is before and not arriving.has_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._refuse_headers()

    def _judge_unparsable(self) -> None:
        """Tell a broken body, and bytes behind the last request, from what is no request."""
        if self._is_deaf:
            return
        if self._arriving is not None and self._arriving.has_head:
            self._is_deaf = True
            self._give_up_arriving(OSError("The body breaks the rules of HTTP."))
        elif self._arriving is None and self._requests and not self._requests[-1].keeps_alive:
            self._is_deaf = True
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "What arrived is no HTTP request.")

    def _count_blanks(self, data: bytes) -> None:
        self._head_bytes += len(data)
        if not self._is_deaf and self._head_bytes > _MAX_BLANK_BYTES and not data.strip(b"\r\n"):
            self._refuse(HTTPStatus.BAD_REQUEST, "What arrived is no HTTP request.")

    def _check_coding(self, request: Request, value: bytes) -> None:
        if request.version != "1.1" or value.lower() != b"chunked":
            detail = "A body may be sent in chunks, over HTTP 1.1, and in no other transfer coding."
            self._refuse(HTTPStatus.BAD_REQUEST, detail)

    def _refuse_headers(self) -> None:
        detail = f"There are more than {_MAX_HEADERS} headers, or {_MAX_HEAD_BYTES} bytes of them."
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Refuse what arrives, once the requests before it are answered."""
        self._refusal = self._refusal or Refusal(status, detail)
        self._is_deaf = True
        if self._arriving is not None:
            self._requests.remove(self._arriving)
            self._arriving = None

    def _give_up_arriving(self, error: OSError) -> None:
        """Answer a request whose body will not arrive whole; forget one without a whole head."""
        arriving, self._arriving = self._arriving, None
        if arriving is None:
            return
        if arriving.has_head:
            arriving.keeps_alive = False
            arriving.body.fail(error)
        else:
            self._requests.remove(arriving)

    def _hold(self, more_bytes: int) -> None:
        self._held_bytes += more_bytes
        self._host.held_bytes += more_bytes

    def _check_unread(self, more_bytes: int) -> None:
        self._discarded_bytes += more_bytes
        if self._discarded_bytes > _MAX_UNREAD_BYTES:
            self._close()

    def _discard(self, data: bytes) -> None:
        self._discarded_bytes += len(data)
        if self._discarded_bytes > _MAX_DISCARDED_BYTES:
            self._transport.abort()

    # What is answered.

    def _advance(self) -> None:
        """Answer what can be answered, and read on where there is room for more."""
        while self._requests and self._can_answer(self._requests[0]):
            self._answer(self._requests[0])
        if self._is_deaf and not self._is_closing and not self._requests:
            if self._refusal is not None:
                self._transport.write(self._host.refuse(self._refusal, self._client.remote))
            self._close()
        self._regulate_reading()

    def _can_answer(self, request: Request) -> bool:
        is_busy = self._is_taken or self._outgoing is not None
        if is_busy or self._is_writing_paused or not request.has_head:
            return False
        body = request.body
        return not body.is_arriving or body.is_full or not self._host.has_room

    def _answer(self, request: Request) -> None:
        self._hold(-request.body.waiting_bytes)
        if request.body.is_complete and self._host.takes(self, request):
            self._is_taken = True
        else:
            self._hand_over(request)

    def answered(self, write: Callable[[bool], bytes] | None) -> None:
        """Send the answer to the request that the host took.

        Args:
            write: Writes the answer, given whether the connection is kept; None where a thread must
                answer.
        """
        self._is_taken = False
        if self._is_closing or not self._requests:
            return  # the client has left
        request = self._requests[0]
        if write is None:
            self._hand_over(request)
            return
        keeps_alive = request.keeps_alive and not self._host.is_draining
        self._transport.write(write(keeps_alive))
        self._end(is_whole=True, keeps_alive=keeps_alive)
        self._advance()

    def _hand_over(self, request: Request) -> None:
        request.body.share(
            timeout_seconds=self._host.timeout_seconds,
            on_room=lambda: self._call_soon(self._regulate_reading),
        )
        self._outgoing = Outgoing(
            on_append=lambda: self._call_soon(self._send),
            is_receiving=lambda: request.body.is_arriving,
        )
        self._host.answer_later(request, self._outgoing)

    def _call_soon(self, callback: Callable[[], None]) -> None:
        """Let the loop call back; called in a thread."""
        with suppress(RuntimeError):  # the worker has ended, and its loop is closed
            self._loop.call_soon_threadsafe(callback)

    def _send(self) -> None:
        """Send what a thread has made of the answer."""
        outgoing = self._outgoing
        while outgoing is not None and not self._is_writing_paused:
            piece = outgoing.take()
            if piece is None:
                self._outgoing = None
                self._end(is_whole=outgoing.is_whole, keeps_alive=outgoing.keeps_alive)
                self._advance()
                return
            if not piece:
                return
            self._transport.write(piece)

    def _end(self, *, is_whole: bool, keeps_alive: bool) -> None:
        """End a request whose answer was sent: go on with the next one, or close."""
        request = self._requests.popleft()
        body = request.body
        self._has_answered = True
        self._since = self._loop.time()
        if is_whole and body.is_arriving and not self._is_deaf:
            # The client would see a reset, and not the answer, if it could not send on.
            body.drop()
            self._unread, self._is_last = request, not keeps_alive
            self._discarded_bytes = 0
            if (request.announced_bytes or 0) - body.arrived_bytes > _MAX_UNREAD_BYTES:
                self._close()
            return
        if not (is_whole and keeps_alive):
            self._close()

    def _close(self) -> None:
        """Send what is left, say that nothing follows, and let the client close first."""
        self._is_deaf = self._is_closing = True
        self._since = self._loop.time()
        self._requests.clear()
        self._hold(-self._held_bytes)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _regulate_reading(self) -> None:
        """Read on, unless as much has arrived as may wait."""
        is_held_up = self._is_writing_paused and self._outgoing is None
        first = self._requests[0] if self._requests else None
        is_full = len(self._requests) > 1 or (first is not None and first.body.is_full)
        pauses = not self._is_closing and (is_held_up or is_full)
        if self._transport.is_closing():
            return
        if pauses != self._is_reading_paused:
            self._is_reading_paused = pauses
            if pauses:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
                self._heard_at = self._loop.time()

    # How long it may take.

    def check(self, now: float) -> None:
        """Close the connection, or answer what has arrived, where the client takes too long.

        Args:
            now: The loop's time.
        """
        if self._is_stuck(now):
            self._transport.abort()
        elif self._is_closing:
            if now - max(self._since, self._sent_at) > _CLOSING_SECONDS:
                self._transport.abort()
        elif self._unread is not None:
            if now - self._since > self._host.timeout_seconds:
                self._close()
        elif self._arriving is not None:
            if self._outgoing is None and not self._is_reading_paused:
                self._check_arriving(self._arriving, now)
        elif not self._requests and now - self._heard_at > self._most_idle_seconds():
            self._close()

    def _is_stuck(self, now: float) -> bool:
        """Tell whether the client has read nothing, and sent nothing, for too long."""
        unsent_bytes = self._transport.get_write_buffer_size()
        if unsent_bytes == 0 or unsent_bytes != self._unsent_bytes:
            self._sent_at = now if unsent_bytes or self._unsent_bytes else self._sent_at
            self._unsent_bytes = unsent_bytes
            return False
        return now - max(self._sent_at, self._heard_at) > self._host.timeout_seconds

    def _check_arriving(self, request: Request, now: float) -> None:
        is_silent = now - self._heard_at > self._host.timeout_seconds
        if request.has_head:
            if is_silent:
                self._is_deaf = True
                self._give_up_arriving(TimeoutError())
                self._advance()
        elif is_silent or now - self._since > _HEAD_SILENCES * self._host.timeout_seconds:
            self._close()

    def _most_idle_seconds(self) -> float:
        if self._host.is_draining:
            return min(_DRAINING_SECONDS, self._host.idle_seconds)
        return self._host.idle_seconds if self._has_answered else self._host.timeout_seconds
