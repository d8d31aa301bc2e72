"""Publish models on a real web server, in a thread, or on a real S3 server, in a process."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pyarrow import fs

from service.rollout.sources import web
from service.rollout.sources.mirror import Refused
from service.rollout.sources.url import open_mirror

TIMEOUT_SECONDS = 5.0


class WebServer(ThreadingHTTPServer):
    """Serves a folder; keeps paths and headers, and redirects, refuses or stalls where told to."""

    def __init__(self, folder: Path, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fetched: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.redirect_to: str | None = None
        self.status: int | None = None
        self.failing: set[str] = set()
        self.ending = threading.Event()
        self.stalls = False
        self.delay_seconds = 0.0
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: the clients of these tests break off."""

    @property
    def host(self) -> str:
        """Address and port on which it listens."""
        return f"127.0.0.1:{self.server_port}"


class _Handler(SimpleHTTPRequestHandler):
    server: WebServer

    def __init__(self, request: Any, address: Any, server: WebServer) -> None:
        super().__init__(request, address, server, directory=str(server.folder))

    def send_head(self) -> Any:
        self.server.headers.append(dict(self.headers.items()))
        if self.command == "GET":
            self.server.fetched.append(self.path)
        if self.server.stalls:
            self.server.ending.wait()
        self.server.ending.wait(self.server.delay_seconds)
        if self.server.redirect_to is not None:
            self.send_response(302)
            self.send_header("Location", self.server.redirect_to + self.path)
            self.end_headers()
            return None
        if self.path in self.server.failing:
            self.send_error(503)
            return None
        if self.server.status is not None:
            self.send_error(self.server.status)
            return None
        return super().send_head()

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def web_server(folder: Path, context: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Serve a folder until the block ends."""
    with WebServer(folder, context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.ending.set()
            server.shutdown()
            thread.join()


@contextmanager
def s3_server() -> Iterator[str]:
    """Run an S3 server until the block ends; yields its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The S3 server did not start.")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def s3_variables(endpoint: str) -> Mapping[str, str]:
    """Return the variables by which a program finds an S3 server of these tests."""
    return {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def require_credentials(s3_url: str, *, after: str) -> None:
    """Let the S3 server check signatures after this number of requests; "inf" is never."""
    connection = http.client.HTTPConnection(s3_url.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.request("POST", "/moto-api/reset-auth", after, {"Content-Type": "text/plain"})
        if connection.getresponse().status != http.HTTPStatus.OK:
            raise RuntimeError("The S3 server does not check signatures.")


class WebPublisher:
    """Publishes a folder on a web server."""

    def __init__(self, folder: Path, server: WebServer) -> None:
        self.folder = folder
        self.server = server
        self.url = f"http://{server.host}"

    def publish(self) -> None:
        """Publish the folder as it is now, with times a second later than before."""
        for path in self.folder.rglob("*.*"):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 1))
        publish_index(self.folder)


class S3Publisher:
    """Publishes a folder in a bucket."""

    def __init__(self, folder: Path, endpoint: str, bucket: str) -> None:
        self.folder = folder
        self.url = f"s3://{bucket}/store/models"
        self._fs = fs.S3FileSystem(
            endpoint_override=endpoint,
            access_key="test",
            secret_key="test",  # noqa: S106
            region="us-east-1",
            allow_bucket_creation=True,
        )
        self._fs.create_dir(bucket)
        self._root = f"{bucket}/store/models"

    def publish(self) -> None:
        """Publish the folder as it is now."""
        self._fs.delete_dir_contents(self._root, missing_dir_ok=True)
        self.add(self.folder)

    def add(self, folder: Path) -> None:
        """Publish a part of the folder, beside what is published already."""
        for path in folder.rglob("*"):
            if path.is_file():
                key = f"{self._root}/{path.relative_to(self.folder)}"
                with path.open("rb") as source, self._fs.open_output_stream(key) as target:
                    shutil.copyfileobj(source, target)


Publisher = WebPublisher | S3Publisher


def publish_index(folder: Path) -> None:
    """Write the index of a folder that a web server publishes."""
    (folder / web.INDEX_NAME).write_bytes(web.build_index(folder))


def update_cache(url: str, cache: Path) -> Refused:
    """Copy what is published into a cache folder, as a process that starts would."""
    return open_mirror(url, timeout_seconds=TIMEOUT_SECONDS).update(cache)
