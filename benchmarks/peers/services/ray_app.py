"""Ray Serve with a replica a core."""

import os

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.peers.services.network import WORKERS, open_network
from benchmarks.peers.services.pictures import read_picture


# Replicas may have enough requests under way to be busy at all times:
# https://docs.ray.io/en/latest/serve/advanced-guides/performance.html
@serve.deployment(
    num_replicas=WORKERS, ray_actor_options={"num_cpus": 0.5}, max_ongoing_requests=64
)
class Digits:
    """Tells the digit in the picture that is the body."""

    def __init__(self) -> None:
        self.run = open_network()

    async def __call__(self, request: Request) -> dict[str, list[float]]:
        """Answer a picture."""
        pixels = read_picture(await request.body())
        return {"probabilities": self.run(pixels[None])[0].tolist()}


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, _node_ip_address="127.0.0.1")
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["BENCH_PORT"])})
    serve.run(Digits.bind(), blocking=True)  # type: ignore[attr-defined]  # the decorator's
