"""The asynchronous client of tritonclient, which MLServer's batch client is made of."""

import asyncio
from collections.abc import Callable

import pytest
from tritonclient.http import InferInput
from tritonclient.http.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

Rooms = Callable[..., list[InferInput]]


def test_asynchronous_client_is_answered(url: str, rooms: Rooms) -> None:
    async def ask() -> list[float]:
        async with InferenceServerClient(url.removeprefix("http://")) as client:
            assert await client.is_server_live()
            assert await client.is_model_ready("plain")
            results = await asyncio.gather(
                *(client.infer("plain", rooms([float(n)], ["red"])) for n in range(10))
            )
            return [result.as_numpy("prediction").item() for result in results]

    assert asyncio.run(ask()) == [10.0 * n + 3.5 for n in range(10)]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_asynchronous_client_compresses(url: str, rooms: Rooms, algorithm: str) -> None:
    async def ask() -> float:
        async with InferenceServerClient(url.removeprefix("http://")) as client:
            result = await client.infer(
                "plain",
                rooms([1.0], ["red"]),
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
            value: float = result.as_numpy("prediction").item()
            return value

    assert asyncio.run(ask()) == 13.5


def test_asynchronous_client_is_told_what_is_wrong(url: str, rooms: Rooms) -> None:
    async def ask() -> None:
        async with InferenceServerClient(url.removeprefix("http://")) as client:
            await client.infer("nobody", rooms([1.0], ["red"]))

    with pytest.raises(InferenceServerException, match="nobody"):
        asyncio.run(ask())
