"""One client's connection: what it sends, what it is sent, and how long it may take for each.

Everything here runs on the event loop, and none of it blocks. A request is answered when it is
there, on the loop if that is quick, else in a thread; only a table is read by a thread while it
arrives. A client that is slow to send costs no thread before, and one that is slow to read or to
leave costs none afterwards. One request is answered at a time, and what follows it waits unparsed.
"""

import asyncio
import re
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from service.errors import BodyTimeout, BodyTooLarge, BodyTooSlow, OutOfMemory, Overloaded
from service.server.buffers import ByteQueue, OutOfSpace, Space
from service.server.crowd import Crowd, Phase
from service.server.outgoing import Outgoing
from service.server.request import Client, Request
from service.server.streams import Streams
from service.server.wire import CONTINUE
from vitrine.errors import MalformedBody, VitrineError

_MAX_TARGET_BYTES = 8192
_MAX_HEADERS = 100
_MAX_HEAD_BYTES = 2**15
# One empty line may stand before a request.
_MAX_BLANK_BYTES = 2
# So much is parsed at once: a head, or a piece of a body. Many a request may be in few bytes.
_HEAD_PIECE_BYTES = 2**9
_CHUNKED_PIECE_BYTES = 2**11
_BODY_PIECE_BYTES = 2**16
# Pieces that are parsed before other connections have their turn.
_PIECES_A_TURN = 16
# What a body in chunks may have beside its bytes, and beside as much again: chunks of a byte each
# would keep the loop busy.
_MAX_FRAMING_BYTES = 2**16
# What a client still sends while it reads its last answer: unread, it would become a reset.
_CLOSING_SECONDS = 2.0
_MAX_DISCARDED_BYTES = 2**18
# A body that nobody reads is still received: its client would see a reset, not the answer.
_MAX_UNREAD_BYTES = 2**30
# A body of this much is received on, however slow the disk is.
_MAX_SMALL_BYTES = 2**16
# Where the worker is to end, a client may be sending its next request already.
_DRAINING_SECONDS = 2.0
# A table that finds no free thread waits so long for one.
_STREAM_WAIT_SECONDS = 10.0
# After this time, and after as much time with a thread, a slow one gives way to another.
_STREAM_PATIENCE_SECONDS = 2.0
_VERSIONS = frozenset(("1.0", "1.1"))
_HOST = re.compile(rb"[\w.~!$&'()*+,;=:%\[\]-]*", re.ASCII)
_RETRY_SECONDS = 1.0
# Of linux/tcp_states.h: the client has reset the connection, or sends nothing more.
_TCP_CLOSE = 7
_TCP_CLOSE_WAIT = 8


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take.

    Attributes:
        timeout_seconds: Longest silence while it sends a request or reads an answer.
        idle_seconds: Longest time between two requests.
        transfer_seconds: Time for a request, and again for an answer, beside that of their bytes.
        min_bytes_per_second: Lowest rate at which their bytes may be sent and read.
        max_body_bytes: Largest body that is received whole before it is read.
    """

    timeout_seconds: float
    idle_seconds: float
    transfer_seconds: float
    min_bytes_per_second: int
    max_body_bytes: int


class Host(Protocol):
    """What the connections of one worker share.

    Attributes:
        limits: What one client may take.
        is_draining: Whether each connection ends with the answer that is under way.
        space: Where bodies and answers wait.
        crowd: The connections.
        streams: The threads that read bodies while they arrive.
    """

    limits: Limits
    is_draining: bool
    space: Space
    crowd: Crowd
    streams: Streams

    def closed(self, connection: "Connection") -> None:
        """Take note that a connection is closed."""

    def locate(self, request: Request) -> None:
        """Find out how a request whose head is whole has come, and which path of ours it asks."""

    def judge(self, request: Request) -> VitrineError | None:
        """Return why a request is refused before its body arrives; None where it is not."""

    def reads_while_it_arrives(self, content_type: bytes) -> bool:
        """Tell whether a body of a media type is read while it arrives."""

    def most_body_bytes(self, request: Request, content_type: bytes) -> int | None:
        """Return how long the body of a request may be; None where that is not known yet."""

    def takes(self, connection: "Connection", request: Request) -> bool:
        """Take a request that is not to be handed to a thread at once; tell whether it is taken.

        If so, `Connection.answered` is called later. The body may still arrive.
        """

    def answer_later(self, request: Request, outgoing: Outgoing, *, is_stream: bool) -> None:
        """Let a thread answer a request; for a stream, the one that `Streams.enter` has given."""

    def refuse(self, refusal: Refusal, remote: str) -> bytes:
        """Return the answer to what is no request."""

    def turn_away(self, request: Request, error: VitrineError, *, keeps_alive: bool) -> bytes:
        """Return the answer to a request that is refused before any route sees it."""


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        host: What it shares with the other connections.
        loop: The event loop.
        remote: Address of the client.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, remote: str) -> None:
        self._host = host
        self._limits = host.limits
        self._loop = loop
        self._client = Client(remote)
        self._parser = HttpRequestParser(self)
        # In the order of their arrival: the first one is answered next, the last one may arrive.
        self._requests: deque[Request] = deque()
        self._arriving: Request | None = None
        # The rest of a request that was answered already.
        self._unread: Request | None = None
        # What is parsed when the requests before it are answered.
        self._unparsed = ByteQueue(host.space)
        self._refusal: Refusal | None = None
        self._outgoing: Outgoing | None = None
        self._phase: Phase | None = None
        # Whether nothing more is taken for a request, whether only the end is waited for, and
        # whether the connection ends with the request of which the rest is not read.
        self._is_deaf = self._is_closing = self._is_last = False
        # Whether the client sends nothing more, and whether it was sent something since then.
        self._has_ended = self._is_tested = False
        # Whether the host will answer the first request on the loop, and whether some of an answer
        # was sent.
        self._is_taken = self._is_answering = False
        self._is_reading_paused = self._is_writing_paused = self._is_turn_due = False
        self._has_answered = False
        self._head_bytes = self._framing_bytes = self._discarded_bytes = 0
        # What was sent, how much of it is not read yet, and when the client was last up to date.
        self._written_bytes = self._unsent_bytes = self._read_bytes = 0
        self._heard_at = self._since = self._sent_at = self._behind_since = loop.time()
        self._paused_at = self._stream_since = 0.0
        # When a thread began to read the body, and how much had arrived then.
        self._stream_started = (0.0, 0)

    @property
    def is_gone(self) -> bool:
        """Whether the connection is closed, so that nobody waits for an answer."""
        return self._client.is_gone

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to the client."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._note_phase()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go of everything: the connection is closed."""
        self._client.is_gone = True
        for request in self._requests:
            if request.body.is_arriving:
                request.body.fail(ConnectionResetError())
        if self._outgoing is not None:
            self._outgoing.break_off()
            self._outgoing = None
        self._requests.clear()
        self._unparsed.clear()
        self._is_deaf = self._is_closing = True
        self._host.streams.forget(self)
        self._host.crowd.move(self, self._phase, None)
        self._phase = None
        self._host.closed(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._heard_at = self._loop.time()
        if self._is_deaf:
            self._discard(len(data))
            return
        if self._unparsed.size:
            self._keep(data)
        else:
            self._parse(data)
        self._advance()

    def eof_received(self) -> bool:
        """Answer what has arrived, although nothing more will."""
        self._has_ended = True
        self._advance()
        if self._is_closing:
            self._transport.close()
        # What is under way can still be sent, unless the connection is encrypted.
        return self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Write no more: the client is slow to read."""
        self._is_writing_paused = True
        self._note_phase()

    def resume_writing(self) -> None:
        """Write on: the client has read."""
        self._is_writing_paused = False
        self._send()
        self._advance()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    def make_room(self) -> None:
        """Close at once for the sake of another connection."""
        self._host.crowd.move(self, self._phase, None)
        self._phase = None
        self._transport.abort()

    # The parser calls these, in this order, for each request.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._is_deaf:
            return
        self._arriving = Request(self._client, self._host.space)
        self._requests.append(self._arriving)
        self._head_bytes = self._framing_bytes = 0
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
        if len(request.headers) > _MAX_HEADERS:
            self._refuse_headers()

    def on_headers_complete(self) -> None:
        """Judge the head."""
        request = self._arriving
        if request is None:
            return
        request.has_head = True
        request.method = self._parser.get_method()
        self._host.locate(request)
        request.version = self._parser.get_http_version()
        request.keeps_alive = self._parser.should_keep_alive()
        hosts, content_type = [], b""
        for name, value in request.headers:
            if name == b"host":
                hosts.append(value)
            elif name == b"content-length":
                request.announced_bytes = int(value)
            elif name == b"transfer-encoding":
                request.is_chunked = True
                self._check_coding(request, value)
            elif name == b"expect":
                request.is_awaited = value.lower() == b"100-continue"
            elif name == b"content-type":
                content_type = value
                request.is_stream = self._host.reads_while_it_arrives(value)
        self._check_version(request)
        self._check_hosts(request, hosts)
        if request.has_body and self._arriving is request:
            fault = self._host.judge(request) or self._length_fault(request, content_type)
            if fault is not None:
                self._fail(request, fault)

    def on_body(self, piece: bytes) -> None:
        """Take some of the body."""
        request = self._arriving
        if request is None:
            return
        try:
            request.body.add(piece)
        except OutOfSpace:
            self._fail(request, OutOfMemory())
        if request is self._unread:
            self._check_unread(len(piece))

    def on_message_complete(self) -> None:
        """End a request."""
        if self._arriving is not None:
            self._arriving.body.end()
        self._arriving = self._unread = None
        self._head_bytes = 0
        self._is_deaf = self._is_deaf or self._is_last

    # What arrives.

    def _parse(self, data: bytes) -> None:
        """Parse what can be answered next; let the rest wait."""
        start = 0
        for _ in range(_PIECES_A_TURN):
            end = start + self._piece_bytes()
            self._feed(data if start == 0 and end >= len(data) else data[start:end])
            start = end
            if start >= len(data):
                return
            if not self._parses_on():
                break
        self._keep(data[start:])

    def _keep(self, data: bytes) -> None:
        """Let bytes wait to be parsed."""
        if self._is_deaf:
            self._discard(len(data))
            return
        try:
            self._unparsed.append(data)
        except OutOfSpace:
            if self._arriving is None:
                self._transport.abort()
            self._give_up_arriving(OutOfMemory())

    def _parses_on(self) -> bool:
        """Tell whether more of what arrives should be parsed now: all before it is answered."""
        arriving = self._arriving
        if self._is_deaf:
            return False
        if arriving is None or not self._requests:
            return not self._requests
        return arriving is self._requests[0] and not self._is_enough(arriving)

    def _piece_bytes(self) -> int:
        """Return how much is parsed at once: little of what may hold many requests or chunks."""
        arriving = self._arriving
        if arriving is None or not arriving.has_head:
            return _HEAD_PIECE_BYTES
        if arriving.is_chunked:
            return _CHUNKED_PIECE_BYTES
        left = (arriving.announced_bytes or 0) - arriving.body.arrived_bytes
        return min(max(left, 1), _BODY_PIECE_BYTES)

    def _feed(self, data: bytes) -> None:
        """Parse some bytes."""
        before = self._arriving
        arrived_bytes = before.body.arrived_bytes if before is not None else 0
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:  # the request is answered all the same, and the last one
            self._is_deaf = True
            if self._requests:
                self._requests[-1].keeps_alive = False
        except HttpParserError:
            self._judge_unparsable()
        arriving = self._arriving
        if arriving is None:
            if not self._requests:
                self._count_blanks(data)
        elif not arriving.has_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._refuse_headers()
        elif arriving is before and arriving.is_chunked:
            more_bytes = arriving.body.arrived_bytes - arrived_bytes
            self._check_framing(arriving, len(data) - more_bytes)

    def _judge_unparsable(self) -> None:
        """Tell a broken body, and bytes behind the last request, from what is no request."""
        if self._is_deaf:
            return
        if self._arriving is not None and self._arriving.has_head:
            self._give_up_arriving()
        elif self._arriving is None and self._requests and not self._requests[-1].keeps_alive:
            self._is_deaf = True
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "What arrived is no HTTP request.")

    def _count_blanks(self, data: bytes) -> None:
        self._head_bytes += len(data)
        if not self._is_deaf and self._head_bytes > _MAX_BLANK_BYTES and not data.strip(b"\r\n"):
            self._refuse(HTTPStatus.BAD_REQUEST, "What arrived is no HTTP request.")

    def _check_framing(self, request: Request, more_bytes: int) -> None:
        """Give up a body that has more around its chunks than in them."""
        self._framing_bytes += more_bytes
        if self._framing_bytes > _MAX_FRAMING_BYTES + request.body.arrived_bytes:
            self._give_up_arriving()

    def _check_coding(self, request: Request, value: bytes) -> None:
        if request.version != "1.1" or value.lower() != b"chunked":
            detail = "A body may be sent in chunks, over HTTP 1.1, and in no other transfer coding."
            self._refuse(HTTPStatus.BAD_REQUEST, detail)

    def _check_version(self, request: Request) -> None:
        if request.version not in _VERSIONS:
            detail = f"HTTP {request.version} is not spoken here; HTTP 1.1 is."
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, detail)

    def _check_hosts(self, request: Request, hosts: list[bytes]) -> None:
        """Refuse a request that does not name one host, as RFC 9112 asks in section 3.2."""
        is_named = len(hosts) == 1 or (request.version == "1.0" and not hosts)
        if not is_named or not all(map(_HOST.fullmatch, hosts)):
            detail = "A request must have one 'Host' header, and HTTP 1.1 demands it."
            self._refuse(HTTPStatus.BAD_REQUEST, detail)

    def _length_fault(self, request: Request, content_type: bytes) -> VitrineError | None:
        """Return why a body is not to be sent: it is announced to be too large."""
        announced_bytes = request.announced_bytes or 0
        if announced_bytes <= self._limits.max_body_bytes:
            return None
        most_bytes = self._host.most_body_bytes(request, content_type)
        if most_bytes is None or announced_bytes <= most_bytes:
            return None
        return BodyTooLarge(most_bytes)

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

    def _give_up_arriving(self, error: VitrineError | None = None) -> None:
        """Take nothing more: refuse a request with a part of its body, forget one of a head.

        Args:
            error: What is wrong; by default that the body breaks off.
        """
        self._is_deaf = True
        arriving, self._arriving = self._arriving, None
        if arriving is None:
            return
        if arriving is self._unread:
            self._close()
        elif arriving.has_head:
            arriving.keeps_alive = False
            detail = f"The body broke off after {arriving.body.arrived_bytes} bytes."
            self._fail(arriving, error or MalformedBody(detail))
        else:
            self._requests.remove(arriving)

    def _fail(self, request: Request, error: VitrineError) -> None:
        """Refuse a request of which the body cannot be taken; tell the thread that reads it."""
        if self._arriving is not request:
            request.body.fail(error)  # nothing more arrives
        elif self._is_read_by_thread(request):
            request.body.fail(error)
            request.keeps_alive = False
        else:
            request.body.drop()
        request.error = error

    def _check_unread(self, more_bytes: int) -> None:
        self._discarded_bytes += more_bytes
        if self._discarded_bytes > _MAX_UNREAD_BYTES:
            self._close()

    def _discard(self, size: int) -> None:
        self._discarded_bytes += size
        if self._discarded_bytes > _MAX_DISCARDED_BYTES:
            self._transport.abort()

    # What is answered.

    def go_on(self) -> None:
        """Answer what could not be answered before."""
        self._is_turn_due = False
        if not self.is_gone:
            self._advance()

    def _advance(self) -> None:
        """Answer what can be answered, and read on where there is room for more."""
        self._answer_and_parse()
        if self._has_ended and not self._is_deaf and not self._unparsed.size:
            self._give_up_arriving()
            self._answer_and_parse()
        if self._is_deaf and not self._is_closing and not self._requests:
            if self._refusal is not None:
                self._write(self._host.refuse(self._refusal, self._client.remote))
            self._close()
        self._ask_for_body()
        self._regulate_reading()
        self._note_phase()

    def _answer_and_parse(self) -> None:
        """Answer and parse in turn, for a turn of the loop."""
        for _ in range(_PIECES_A_TURN):
            while self._requests and self._answer(self._requests[0]):
                continue
            if not (self._unparsed.size and self._parses_on()):
                return
            self._feed(self._unparsed.take(self._piece_bytes()))
        if not self._is_turn_due:
            self._is_turn_due = True
            self._loop.call_soon(self.go_on)

    def _answer(self, request: Request) -> bool:
        """Answer a request, or have it answered, if that can be done now; return whether it is."""
        is_busy = self._is_taken or self._outgoing is not None
        if is_busy or self._is_writing_paused or not request.has_head:
            return False
        if request.error is not None:
            self._turn_away(request, request.error)
        elif request.body.is_complete and self._host.takes(self, request):
            self._is_taken = True
        elif request.body.is_complete:
            self._hand_over(request, is_stream=False)
        elif self._is_enough(request):
            return self._begin_stream(request)
        else:
            return False
        return True

    def _is_enough(self, request: Request) -> bool:
        """Tell whether a body is read while it arrives, and as much waits as may wait."""
        body = request.body
        may_stream = request.is_stream or max(body.arrived_bytes, request.announced_bytes or 0) > (
            self._limits.max_body_bytes
        )
        return body.is_arriving and body.is_full and may_stream

    def _begin_stream(self, request: Request) -> bool:
        """Let a thread read a body, if one is free."""
        if self._host.streams.enter(self):
            self._stream_since = 0.0
            self._stream_started = (self._loop.time(), request.body.arrived_bytes)
            self._hand_over(request, is_stream=True)
            return True
        self._stream_since = self._stream_since or self._loop.time()
        return False

    def _is_too_much(self, request: Request | None) -> bool:
        """Tell whether a body is large, and the disk too slow for all that arrives."""
        if not self._host.space.is_congested or request is None:
            return False
        return request.body.is_arriving and request.body.arrived_bytes > _MAX_SMALL_BYTES

    def _is_read_by_thread(self, request: Request) -> bool:
        return self._outgoing is not None and request is self._requests[0]

    def _turn_away(self, request: Request, error: VitrineError) -> None:
        """Refuse a request that no route has seen."""
        keeps_alive = request.keeps_alive and not self._host.is_draining
        self._write(self._host.turn_away(request, error, keeps_alive=keeps_alive))
        self._end(is_whole=True, keeps_alive=keeps_alive)

    def answered(self, write: Callable[[bool], bytes] | None) -> bool:
        """Send the answer to the request that the host took; tell whether its client is there.

        Args:
            write: Writes the answer, given whether the connection is kept; None where a thread must
                answer.
        """
        self._is_taken = False
        if self._is_closing or not self._requests:
            return False
        request = self._requests[0]
        if write is None:
            self._hand_over(request, is_stream=False)
            self._note_phase()
            return True
        keeps_alive = request.keeps_alive and not self._host.is_draining
        self._write(write(keeps_alive))
        self._end(is_whole=True, keeps_alive=keeps_alive)
        self._advance()
        return True

    def _hand_over(self, request: Request, *, is_stream: bool) -> None:
        request.body.share(
            timeout_seconds=self._limits.timeout_seconds,
            on_room=lambda: self._call_soon(self._advance),
        )
        self._outgoing = Outgoing(
            self._host.space,
            on_append=lambda: self._call_soon(self._send),
            is_receiving=lambda: request.body.is_arriving,
        )
        self._host.answer_later(request, self._outgoing, is_stream=is_stream)

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
            self._is_answering = True
            self._write(piece)

    def _write(self, data: bytes) -> None:
        self._written_bytes += len(data)
        self._transport.write(data)

    def _ask_for_body(self) -> None:
        """Ask for a body where the client waits for that."""
        request = self._requests[0] if self._requests else None
        if request is not None and request.is_awaited and request.has_head and not self._is_closing:
            request.is_awaited = False
            if request.has_body and request.body.is_arriving:
                self._write(CONTINUE)

    def _end(self, *, is_whole: bool, keeps_alive: bool) -> None:
        """End a request whose answer was sent: go on with the next one, or close."""
        request = self._requests.popleft()
        body = request.body
        self._has_answered = True
        self._is_answering = False
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
        self._unparsed.clear()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _regulate_reading(self) -> None:
        """Read on, unless as much has arrived as may wait."""
        is_held_up = self._is_writing_paused and self._outgoing is None
        first = self._requests[0] if self._requests else None
        is_full = len(self._requests) > 1 or (first is not None and self._is_enough(first))
        is_full = is_full or self._unparsed.size > 0 or self._is_too_much(first)
        pauses = not self._is_closing and (is_held_up or is_full)
        if self._transport.is_closing() or pauses == self._is_reading_paused:
            return
        now = self._loop.time()
        self._is_reading_paused = pauses
        if pauses:
            self._paused_at = now
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
            # What we did not read was not the client's time.
            self._since += now - self._paused_at
            self._heard_at = now

    def _note_phase(self) -> None:
        """Tell the host what the connection waits for."""
        phase = self._current_phase()
        if phase is not self._phase and not self.is_gone:
            self._host.crowd.move(self, self._phase, phase)
            self._phase = phase

    def _current_phase(self) -> Phase:
        if self._is_closing:
            return Phase.LEAVING
        if self._is_writing_paused:
            return Phase.READING
        if self._is_taken or self._outgoing is not None:
            return Phase.SERVED
        first = self._requests[0] if self._requests else self._unread
        return Phase.SENDING if first is not None and first.has_head else Phase.SILENT

    # How long it may take.

    def check(self, now: float) -> None:
        """Close the connection, or answer what has arrived, where the client takes too long.

        Args:
            now: The loop's time.
        """
        if self._is_stuck(now) or self._is_abandoned():
            self._transport.abort()
        elif self._is_closing:
            if now - max(self._since, self._sent_at) > _CLOSING_SECONDS:
                self._transport.abort()
        elif self._stream_since:
            self._check_stream(self._requests[0], now - self._stream_since, now)
        elif self._is_reading_paused:
            return
        elif self._unread is not None:
            if now - self._since > self._limits.timeout_seconds:
                self._close()
        elif self._arriving is not None:
            self._check_arriving(self._arriving, now)
        elif not self._requests and now - self._heard_at > self._most_idle_seconds():
            self._close()

    def _is_stuck(self, now: float) -> bool:
        """Tell whether the client reads nothing, and sends nothing, or reads too slowly."""
        limits = self._limits
        unsent_bytes = self._transport.get_write_buffer_size()
        if unsent_bytes == 0:
            self._behind_since, self._read_bytes = now, self._written_bytes
        if unsent_bytes == 0 or unsent_bytes != self._unsent_bytes:
            self._sent_at = now if unsent_bytes or self._unsent_bytes else self._sent_at
            self._unsent_bytes = unsent_bytes
            read_bytes = self._written_bytes - unsent_bytes - self._read_bytes
            return now - self._behind_since > self._allowed_seconds(read_bytes)
        return now - max(self._sent_at, self._heard_at) > limits.timeout_seconds

    def _is_abandoned(self) -> bool:
        """Tell whether a client that is not listened to now has left.

        Who has said that it sends nothing more may still read, or be gone. If it is sent something,
        it answers that it is gone. RFC 9110 has every client read this, in section 15.2.
        """
        if not (self._is_reading_paused or self._has_ended) or not self._requests:
            return False
        state = _state(self._transport.get_extra_info("socket"))
        has_ended = self._has_ended or state == _TCP_CLOSE_WAIT
        may_test = not (self._is_tested or self._is_answering or self._is_writing_paused)
        if has_ended and may_test and self._requests[0].version == "1.1":
            self._is_tested = True
            self._write(CONTINUE)
        return state == _TCP_CLOSE

    def _check_arriving(self, request: Request, now: float) -> None:
        limits = self._limits
        seconds = now - self._since
        is_silent = now - self._heard_at > limits.timeout_seconds
        if not request.has_head:
            if is_silent or seconds > limits.transfer_seconds:
                self._close()
        elif seconds > self._allowed_seconds(request.body.arrived_bytes):
            error = BodyTooSlow(limits.min_bytes_per_second, limits.transfer_seconds)
            self._give_up_arriving(error)
            self._advance()
        elif is_silent and not self._is_read_by_thread(request):
            self._give_up_arriving(BodyTimeout(limits.timeout_seconds))
            self._advance()

    def _check_stream(self, request: Request, waited_seconds: float, now: float) -> None:
        """End a slow stream for the sake of this one, or refuse this one in the end."""
        if waited_seconds > _STREAM_WAIT_SECONDS:
            self._give_up_stream(request)
        elif waited_seconds > _STREAM_PATIENCE_SECONDS:
            self._host.streams.end_slowest(now)

    def slowness(self, now: float) -> float | None:
        """Return for how long a thread waits for each byte of the body; None where it does not."""
        first = self._requests[0] if self._requests else None
        if first is None or not (first.body.is_arriving and self._is_read_by_thread(first)):
            return None
        started_at, started_bytes = self._stream_started
        if self._is_reading_paused or now - started_at < _STREAM_PATIENCE_SECONDS:
            return 0.0
        return (now - started_at) / (1 + first.body.arrived_bytes - started_bytes)

    def give_way(self) -> None:
        """Break off the body that a thread reads."""
        self._give_up_arriving(Overloaded(_RETRY_SECONDS))
        self._advance()

    def _give_up_stream(self, request: Request) -> None:
        """Refuse a body for which no thread is free."""
        self._stream_since = 0.0
        self._host.streams.forget(self)
        self._fail(request, Overloaded(_RETRY_SECONDS))
        self._advance()

    def _allowed_seconds(self, transferred_bytes: int) -> float:
        limits = self._limits
        return limits.transfer_seconds + transferred_bytes / limits.min_bytes_per_second

    def _most_idle_seconds(self) -> float:
        limits = self._limits
        if self._host.is_draining:
            return min(_DRAINING_SECONDS, limits.idle_seconds)
        return limits.idle_seconds if self._has_answered else limits.timeout_seconds


def _state(peer: socket.socket | None) -> int | None:
    """Return the state of a connection, of which nothing may be read now; None for no TCP."""
    if peer is None:
        return None
    try:
        return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:
        return None
