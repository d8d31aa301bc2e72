"""MLServer's custom runtime: https://docs.seldon.ai/mlserver/user-guide/custom."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.services.network import open_network
from benchmarks.peers.services.pictures import read_picture


class Digits(MLModel):
    """Tells the digits in pictures."""

    async def load(self) -> bool:
        """Open the network."""
        self.run = open_network()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer pictures in base64."""
        files = Base64Codec.decode_input(payload.inputs[0])
        probabilities = self.run(np.stack([read_picture(file) for file in files]))
        output = NumpyCodec.encode_output("probabilities", probabilities)
        return InferenceResponse(model_name=self.name, outputs=[output])
