"""One request -> a WSGI application, in a thread -> the bytes of its answer."""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from service.server.outgoing import Outgoing
from service.server.request import Request
from service.server.wire import LAST_CHUNK, write_chunk, write_head

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Name in the environment of what tells whether the client is gone: an object with `is_gone`.
CLIENT = "vitrine.client"

# Name in the environment of the request's right to compute, where it has one.
SLOT = "vitrine.slot"

_WITHOUT_BODY = frozenset((204, 304))

_log = logging.getLogger(__name__)


class Gateway:
    """Runs a WSGI application for the requests of one worker.

    Args:
        application: The application.
        address: Address on which the worker listens; None for a socket that has no port.
        scheme: "https" where the connections are encrypted, else "http".
        is_multiprocess: Whether there are other workers.
    """

    def __init__(
        self,
        application: "WSGIApplication",
        *,
        address: tuple[str, int] | None,
        scheme: str,
        is_multiprocess: bool,
    ) -> None:
        self._application = application
        host, port = address or ("localhost", 80)
        self._constants: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": is_multiprocess,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }

    def answer(self, request: Request, outgoing: Outgoing, keeps_alive: Callable[[], bool]) -> None:
        """Answer a request, whatever happens.

        Args:
            request: The request, whose body may still arrive.
            outgoing: Where the answer goes.
            keeps_alive: Tells whether the server would keep the connection.
        """
        answer = _Answer(request, outgoing, keeps_alive)
        try:
            self._run(answer, self._environ(request))
        except ConnectionError:  # the client is gone, or the application broke its answer off
            answer.end(is_whole=False)
        except Exception:  # noqa: BLE001 - the process lives on, whatever an application does
            _log.exception("The application failed.")
            answer.fail()
        finally:
            # An error's traceback keeps the request until the collector finds it.
            request.body.drop()

    def _run(self, answer: "_Answer", environ: dict[str, Any]) -> None:
        pieces = self._application(environ, answer.start)
        try:
            for piece in pieces:
                answer.write(piece)
            answer.finish()
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        answer.end(is_whole=True)

    def _environ(self, request: Request) -> dict[str, Any]:
        target = request.target.decode("latin-1")
        path, _, query = target.partition("?")
        if not path.startswith("/") and path != "*":  # a whole address, as proxies are sent it
            parts = urlsplit(target)
            path, query = parts.path or "/", parts.query
        environ = {
            **self._constants,
            "REQUEST_METHOD": request.method.decode("ascii"),
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": target,
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "REMOTE_ADDR": request.client.remote,
            CLIENT: request.client,
            "wsgi.input": request.body,
        }
        if request.slot is not None:
            environ[SLOT] = request.slot
        for name, value in request.headers:
            key, text = _variable(name), value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
        if request.origin is not None:
            environ.update(request.origin.environ())
        return environ


def _variable(name: bytes) -> str:
    text = name.decode("ascii").upper().replace("-", "_")
    return text if text in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{text}"


class _Answer:
    """What an application answers, framed as HTTP."""

    def __init__(
        self, request: Request, outgoing: Outgoing, keeps_alive: Callable[[], bool]
    ) -> None:
        self._request = request
        self._outgoing = outgoing
        self._keeps_alive = keeps_alive
        self._head: tuple[int, list[tuple[str, str]]] | None = None
        self._is_sent = False
        self._is_kept = False
        self._is_chunked = self._has_length = False
        self._has_body = True

    def start(
        self, status: str, headers: list[tuple[str, str]], error: Any = None
    ) -> Callable[[bytes], object]:
        """Take the status and the headers, as WSGI has it.

        Raises:
            BaseException: The error, where the head has left already.
        """
        if error is not None and self._is_sent:
            raise error[1].with_traceback(error[2])
        self._head = (int(status[:3]), headers)
        return self.write

    def write(self, piece: bytes) -> None:
        """Send a piece of the body, after the head."""
        before = b"" if self._is_sent else self._take_head()
        if piece and self._has_body:
            piece = write_chunk(piece) if self._is_chunked else piece
            self._append(before + piece if before else piece)
        elif before:
            self._append(before)

    def finish(self) -> None:
        """Send what ends the body."""
        if not self._is_sent:
            self.write(b"")
        if self._is_chunked and self._has_body:
            self._append(LAST_CHUNK)

    def end(self, *, is_whole: bool) -> None:
        """Let the loop go on with the connection."""
        self._outgoing.end(is_whole=is_whole, keeps_alive=is_whole and self._is_kept)

    def fail(self) -> None:
        """Say that the application failed, if nothing else was said."""
        if self._is_sent:
            self.end(is_whole=False)
            return
        self._head = (HTTPStatus.INTERNAL_SERVER_ERROR, [("Content-Length", "0")])
        try:
            self.finish()
            self.end(is_whole=True)
        except ConnectionError:
            self.end(is_whole=False)

    def _append(self, piece: bytes) -> None:
        # An answer of known length is there as a whole: its thread has nothing left to do.
        self._outgoing.append(piece, waits=not self._has_length)

    def _take_head(self) -> bytes:
        if self._head is None:
            raise RuntimeError("The application began no answer.")
        status, headers = self._head
        version = self._request.version
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        self._has_length = has_length
        self._has_body = self._request.method != b"HEAD" and status not in _WITHOUT_BODY
        self._is_chunked = not has_length and status not in _WITHOUT_BODY and version != "1.0"
        ends_with_connection = not has_length and not self._is_chunked and self._has_body
        self._is_kept = (
            self._request.keeps_alive and self._keeps_alive() and not ends_with_connection
        )
        self._is_sent = True
        return write_head(
            status,
            headers,
            version=version,
            keeps_alive=self._is_kept,
            is_chunked=self._is_chunked,
        )
