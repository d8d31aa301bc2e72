"""What a picture costs in another language: processor time beside that of our own route."""

import socket
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tests.fakes import picture
from tests.servers import NOWHERE, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.tensors import HEADER, binary, message, with_lengths
from vitrine.images import decode

CONNECTIONS = 8
ROUNDS = 15
# Each connection sends so many requests in a round.
REQUESTS = 50
MOST_TIMES = 1.5
_NANOSECONDS = 1e9
_OURS = "our own route"


def pictures() -> Iterator[Figure]:
    """Ask for the same picture in several ways, in turns, over kept connections."""
    requests = _requests()
    with serving(SERVICE_PYTHON, workers=1, log=NOWHERE) as server, ExitStack() as stack:
        (worker,) = server.workers()
        address = ("127.0.0.1", server.port)
        connections = [
            stack.enter_context(closing(socket.create_connection(address)))
            for _ in range(CONNECTIONS)
        ]
        costs = _in_turns(connections, worker, requests)
    ours = costs.pop(_OURS)
    yield Figure(name=f"a picture on {_OURS}", value=statistics.median(ours) * 1e6, unit="us")
    for name, seconds in costs.items():
        times = [each / own for each, own in zip(seconds, ours, strict=True)]
        yield Figure(
            name=f"/v2, {name}, beside {_OURS}",
            value=statistics.median(times),
            unit="times",
            at_most=MOST_TIMES,
        )


def _requests() -> dict[str, bytes]:
    """Write the requests: of a picture that needs no geometry, whose file is small."""
    file = picture()
    pixels = decode(file, max_pixels=28 * 28).pixels
    encoded = binary("image", "BYTES", (1,), with_lengths(file))
    tensor = binary("image", "UINT8", (1, 28, 28, 1), pixels.tobytes())
    # As Triton's client asks where no output is named, and for the probabilities alone.
    everything = {"parameters": {"binary_data_output": True}}
    some = {"outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}]}
    return {
        _OURS: _post("/models/digits/predict", file, {"Content-Type": "image/png"}),
        "encoded, all outputs": _infer(*message(encoded, **everything)),
        "encoded, probabilities": _infer(*message(encoded, **some)),
        "levels, all outputs": _infer(*message(tensor, **everything)),
        "levels, probabilities": _infer(*message(tensor, **some)),
        "raw": _infer(file, 0),
    }


def _infer(body: bytes, header_length: int) -> bytes:
    headers = {"Content-Type": "application/octet-stream", HEADER: str(header_length)}
    return _post("/v2/models/digits/infer", body, headers)


def _post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    given = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _in_turns(
    connections: Sequence[socket.socket], worker: int, requests: Mapping[str, bytes]
) -> dict[str, list[float]]:
    """Return the processor time of a request in each round, after a first one that warms up."""
    costs: dict[str, list[float]] = {name: [] for name in requests}
    for number in range(ROUNDS + 1):
        for name, request in requests.items():
            started = _cpu_seconds(worker)
            for _ in range(REQUESTS):
                _ask(connections, request)
            seconds = (_cpu_seconds(worker) - started) / (REQUESTS * len(connections))
            if number:
                costs[name].append(seconds)
    return costs


def _cpu_seconds(process: int) -> float:
    """Return the processor time of a process, to the nanosecond."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / _NANOSECONDS


def _ask(connections: Sequence[socket.socket], request: bytes) -> None:
    """Send a request over each connection, then receive all answers."""
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        _receive(connection)


def _receive(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(2**16)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    (length,) = (int(value) for name, _, value in lines if name.lower() == b"content-length")
    left = length - len(body)
    while left:
        left -= len(connection.recv(left))
