"""The load: wrk, told what to send, and what it found."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE_SECONDS = 30  # beyond the time of the load itself
# wrk calls `done` at its end. Its own text rounds, and would have to be parsed.
_SCRIPT = """
wrk.method = {method}
local file = io.open({body}, "rb")
if file then
  wrk.body = file:read("*a")
  file:close()
end
{headers}
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "status": %d, "lost": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class NoLoad(Exception):
    """wrk is not installed, or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent.

    Attributes:
        path: Of the server.
        body: Empty for a GET.
        media_type: Of the body.
        headers: Further headers.
    """

    path: str
    body: bytes = b""
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """GET or POST."""
        return "POST" if self.body else "GET"

    def fields(self) -> dict[str, str]:
        """Return all headers."""
        return {**({"Content-Type": self.media_type} if self.body else {}), **self.headers}

    def written(self) -> bytes:
        """Write the request as it goes over the wire."""
        fields = {"Host": "test", **self.fields(), "Content-Length": str(len(self.body))}
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {text}" for name, text in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a load.

    Attributes:
        answered: Number of answers with a status below 400.
        failed: Number of the other answers.
        lost: Number of requests without an answer.
        seconds: For how long.
        p50_ms: Within this time, half of the requests were answered.
        p99_ms: Within this time, 99 of 100 requests were answered.
        load_cpu_seconds: Processor time of wrk itself.
    """

    answered: int
    failed: int
    lost: int
    seconds: float
    p50_ms: float
    p99_ms: float
    load_cpu_seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def require() -> None:
    """Say how wrk can be had, where it is missing."""
    if shutil.which("wrk") is None:
        raise NoLoad(
            "The benchmark needs the load generator wrk. On Debian: apt install wrk. "
            "On a Mac: brew install wrk. Its source: https://github.com/wg/wrk."
        )


def send(port: int, request: Request, *, connections: int, seconds: float, folder: Path) -> Outcome:
    """Send a request again and again, over so many connections, each waiting for its answer.

    Raises:
        NoLoad: wrk ends with an error, or does not end.
    """
    script = folder / "request.lua"
    script.write_text(_script(request, folder / "request.body"))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += ["--timeout", "10s", "-s", str(script), f"http://127.0.0.1:{port}{request.path}"]
    before = os.times()
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + _PATIENCE_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NoLoad(f"{command}: {error}") from error
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return parse(finished.stdout, load_cpu_seconds=spent)


def _script(request: Request, body: Path) -> str:
    body.write_bytes(request.body)
    headers = "\n".join(
        f"wrk.headers[{_quoted(name)}] = {_quoted(text)}" for name, text in request.fields().items()
    )
    path = _quoted(str(body)) if request.body else _quoted("/nonexistent")
    return _SCRIPT.format(method=_quoted(request.method), body=path, headers=headers)


def _quoted(text: str) -> str:
    """Write a text for Lua, which takes what JSON takes but for escaped slashes."""
    return json.dumps(text)


def parse(output: str, *, load_cpu_seconds: float) -> Outcome:
    """Read the line that the script wrote at the end."""
    found = json.loads(output.strip().splitlines()[-1])
    return Outcome(
        answered=found["requests"] - found["status"],
        failed=found["status"],
        lost=found["lost"],
        seconds=found["microseconds"] / 1e6,
        p50_ms=found["p50"] / 1e3,
        p99_ms=found["p99"] / 1e3,
        load_cpu_seconds=load_cpu_seconds,
    )
