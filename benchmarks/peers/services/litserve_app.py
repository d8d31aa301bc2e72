"""LitServe with a worker a core.

https://lightning.ai/docs/litserve/how-tos/parallelism-types advises workers for work of the
processor. Batches are for devices on which a batch costs little more than one instance; here they
would add their waiting time to every request.
"""

import os

import litserve
from fastapi import Request

from benchmarks.peers.services.network import WORKERS, open_network
from benchmarks.peers.services.pictures import Levels, read_picture


class Digits(litserve.LitAPI):
    """Tells the digit in the form's field `image`."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe names the processor
        """Open the network."""
        self.run = open_network()

    def decode_request(self, request: Request) -> Levels:
        """Read the picture; LitServe gives the form in place of the request."""
        return read_picture(request["image"].file.read())

    def predict(self, x: Levels) -> Levels:
        """Run the network."""
        probabilities: Levels = self.run(x[None])[0]
        return probabilities

    def encode_response(self, output: Levels) -> dict[str, list[float]]:
        """Write the probabilities."""
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    # "fast_queue" passes requests on through ZeroMQ: https://lightning.ai/docs/litserve/api-reference/litserver
    litserve.LitServer(
        Digits(), accelerator="cpu", workers_per_device=WORKERS, fast_queue=True
    ).run(
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        num_api_servers=WORKERS,
        generate_client_file=False,
        log_level="warning",
    )
