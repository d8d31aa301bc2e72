"""BentoML with a worker a core.

https://docs.bentoml.com/en/latest/build-with-bentoml/parallelize-requests.html advises workers in
the number of the cores. Adaptive batching is for devices on which a batch costs little more than
one instance.
"""

import bentoml

from benchmarks.peers.services.network import WORKERS, open_network, read_picture


@bentoml.service(workers=WORKERS, logging={"access": {"enabled": False}})
class Digits:
    """Tells the digit in a picture."""

    def __init__(self) -> None:
        self.run = open_network()

    @bentoml.api(route="/predict")
    def predict(self, image: bytes) -> dict[str, list[float]]:
        """Answer the picture in the form's field `image`."""
        return {"probabilities": self.run(read_picture(image)[None])[0].tolist()}
