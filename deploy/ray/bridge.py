"""One request of a replica: from Ray Serve's ASGI to the WSGI application, and its answer back.

a2wsgi runs the application in a thread. What is here gives each request what our own server gives
it: its client, its deadline, and time limits while its body arrives.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from a2wsgi import WSGIMiddleware
from flask import Flask

from service.admission.jobs import NEVER
from service.http.admission import ADMISSION, Admission
from service.http.content import is_streamed
from service.http.transfer import REQUEST_ID, SLOT
from service.server.gateway import CLIENT
from service.server.proxies import Proxies
from service.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ID = REQUEST_ID.lower().encode()
# What a request has in its WSGI environment beside what a2wsgi finds in the scope.
_VARIABLES = "vitrine.variables"


class Bridge:
    """The ASGI application of a replica.

    Args:
        app: The application.
        settings: Its settings.
        threads: Number of requests that may be answered at a time.
    """

    def __init__(self, app: Flask, settings: Settings, *, threads: int) -> None:
        self._app = app
        self._admission: Admission = app.extensions[ADMISSION]
        self._settings = settings
        self._wsgi = WSGIMiddleware(self._run, workers=threads)
        self._proxies = lru_cache(maxsize=8)(self._find_proxies)
        self._streams = asyncio.Semaphore(settings.streams)
        self._abandoned: set[asyncio.Task[None]] = set()

    def _find_proxies(self, root: str) -> Proxies:
        return Proxies(self._settings.trusted_proxies, root or self._settings.path_prefix)

    def _run(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        environ.update(environ["asgi.scope"][_VARIABLES])
        return self._app(environ, start)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._wsgi(scope, receive, send)
            return
        is_stream = is_streamed(_value(scope, b"content-type").decode("latin-1"))
        async with self._streams if is_stream else nullcontext():
            await self._answer(scope, receive, send, is_stream=is_stream)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, *, is_stream: bool) -> None:
        client = _Client(send, _value(scope, _ID))
        body = _Body(receive, self._settings)
        if not is_stream:
            await body.gather(self._settings.max_body_bytes)
        scope = self._complete(scope, client, is_stream=is_stream)
        answering = asyncio.create_task(self._wsgi(scope, body, client.send))
        try:
            await asyncio.shield(answering)
        except asyncio.CancelledError:
            # The thread goes on until it notices. Left to itself, a2wsgi would let it wait for ever
            # for somebody who takes the answer.
            client.is_gone = True
            self._abandoned.add(answering)
            answering.add_done_callback(self._forget)
            raise

    def _forget(self, answering: "asyncio.Task[None]") -> None:
        self._abandoned.discard(answering)
        if not answering.cancelled():
            answering.exception()

    def _complete(self, scope: Scope, client: "_Client", *, is_stream: bool) -> Scope:
        """Say how a request has come, and what it may take."""
        # Both are the same to WSGI, so that a client could overwrite what a proxy says.
        headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        proxies = self._proxies(scope.get("root_path", ""))
        peer = (scope.get("client") or ("",))[0]
        path = proxies.strip(scope.get("raw_path") or scope["path"].encode())
        deadline = NEVER if is_stream else self._admission.deadline(headers)
        variables = {
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "wsgi.input_terminated": True,
            CLIENT: client,
            SLOT: self._admission.slot(client, deadline, arrived=time.monotonic()),
            **proxies.origin(peer, headers).environ(),
        }
        return {**scope, "headers": headers, _VARIABLES: variables}


class _Client:
    """Whoever waits for an answer.

    Args:
        send: Sends a message to it.
        request_id: Id of the request.

    Attributes:
        is_gone: Whether nobody will read the answer.
    """

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._request_id = request_id
        self.is_gone = False

    async def send(self, message: Message) -> None:
        """Send a message, where there is still somebody to read it."""
        if self.is_gone:
            return
        if message["type"] == "http.response.start":
            # Ray Serve's proxy gives every request an id, and says it in the answer itself.
            said = (_ID, self._request_id)
            message["headers"] = [pair for pair in message["headers"] if tuple(pair) != said]
        await self._send(message)


class _Body:
    """What a client sends, within the time that it has for it.

    Args:
        receive: Waits for the next message of the client.
        settings: They say how long it may take.
    """

    def __init__(self, receive: Receive, settings: Settings) -> None:
        self._receive = receive
        self._settings = settings
        self._kept: deque[Message | OSError] = deque()
        self._received_bytes = 0
        self._waited_seconds = 0.0

    async def gather(self, most_bytes: int) -> None:
        """Keep what arrives, until the body is whole or longer than it may be kept."""
        has_more = True
        while has_more and self._received_bytes <= most_bytes:
            try:
                message = await self._next()
            except OSError as error:
                self._kept.append(error)
                return
            self._kept.append(message)
            has_more = message.get("more_body", False)

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            TimeoutError: The client is silent for too long, or too slow.
            ConnectionResetError: It is gone.
        """
        kept = self._kept.popleft() if self._kept else await self._next()
        if isinstance(kept, OSError):
            raise kept
        return kept

    async def _next(self) -> Message:
        started = time.monotonic()
        async with asyncio.timeout(self._left_seconds()):
            message = await self._receive()
        self._waited_seconds += time.monotonic() - started
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        self._received_bytes += len(message.get("body", b""))
        return message

    def _left_seconds(self) -> float:
        settings = self._settings
        whole = settings.transfer_seconds + self._received_bytes / settings.min_bytes_per_second
        return min(settings.body_timeout_seconds, whole - self._waited_seconds)


def _value(scope: Scope, name: bytes) -> bytes:
    """Return the value of a header; empty where there is none."""
    return next((value for key, value in scope["headers"] if key == name), b"")
