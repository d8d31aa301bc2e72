"""Runs what KServe's asynchronous client is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kserve import InferenceRESTClient
from kserve.inference_client import RESTConfig

# Given a protocol, "v1" or "v2", and what to ask of a client, returns what it returns.
Ask = Callable[[str, Callable[[InferenceRESTClient], Awaitable[Any]]], Any]


@pytest.fixture
def ask() -> Ask:
    """Ask a client that speaks a protocol."""

    def run(protocol: str, question: Callable[[InferenceRESTClient], Awaitable[Any]]) -> Any:
        async def answer() -> Any:
            async with InferenceRESTClient(RESTConfig(protocol=protocol)) as client:
                return await question(client)

        return asyncio.run(answer())

    return run
