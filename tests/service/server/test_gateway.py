"""What an application is told of a request."""

from collections.abc import Callable, Iterable
from typing import Any

from service.server.gateway import CLIENT, Gateway
from service.server.outgoing import Outgoing
from service.server.request import Client, Request
from tests.spaces import space

REMOTE = "203.0.113.7"


def environ_of(request: Request) -> dict[str, Any]:
    """Return the environment in which an application answers a request."""
    environs: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        environs.append(environ)
        start("200 OK", [("Content-Length", "0")])
        return []

    gateway = Gateway(application, address=("127.0.0.1", 80), scheme="http", is_multiprocess=False)
    outgoing = Outgoing(space(), on_append=lambda: None, is_receiving=lambda: False)
    gateway.answer(request, outgoing, lambda: True)
    return environs[0]


def test_whole_answer_holds_no_thread_for_a_client_that_does_not_read() -> None:
    body = bytes(5 * 2**20)

    def application(_: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    request = Request(Client(REMOTE), space())
    request.method, request.target = b"GET", b"/models"
    gateway = Gateway(application, address=("127.0.0.1", 80), scheme="http", is_multiprocess=False)
    outgoing = Outgoing(space(), on_append=lambda: None, is_receiving=lambda: False)

    gateway.answer(request, outgoing, lambda: True)

    assert outgoing.is_ended
    assert b"".join(iter(outgoing.take, None)).endswith(body)


def test_application_can_ask_whether_the_client_is_gone() -> None:
    client = Client(REMOTE)
    request = Request(client, space())
    request.method, request.target = b"GET", b"/livez"

    environ = environ_of(request)

    assert environ["REMOTE_ADDR"] == REMOTE
    assert environ[CLIENT] is client
