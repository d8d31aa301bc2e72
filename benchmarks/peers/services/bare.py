"""The least that a web server in Python can cost: it parses a request, and answers nothing of use.

httptools parses, uvloop waits. Every worker is a process with a listener of its own.
"""

import asyncio
import os
import socket

import httptools
import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class _Bare(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to parse."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer a request that has come as a whole."""
        self._transport.write(_ANSWER)  # type: ignore[attr-defined]  # a transport of TCP


async def _serve() -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", int(os.environ["BENCH_PORT"])))
    server = await asyncio.get_running_loop().create_server(_Bare, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    for _ in range(int(os.environ["BENCH_WORKERS"]) - 1):
        if os.fork() == 0:
            break
    uvloop.run(_serve())
