"""BentoML with a worker a core.

https://docs.bentoml.com/en/latest/build-with-bentoml/parallelize-requests.html advises workers in
the number of the cores. Adaptive batching is for devices on which a batch costs little more than
one instance.
"""

import bentoml
from PIL.Image import Image

from benchmarks.peers.services.network import WORKERS, open_network
from benchmarks.peers.services.pictures import as_levels


@bentoml.service(workers=WORKERS, logging={"access": {"enabled": False}})
class Digits:
    """Tells the digit in a picture."""

    def __init__(self) -> None:
        self.run = open_network()

    @bentoml.api(route="/predict")
    def predict(self, image: Image) -> dict[str, list[float]]:
        """Answer the picture in the form's field `image`."""
        return {"probabilities": self.run(as_levels(image)[None])[0].tolist()}
