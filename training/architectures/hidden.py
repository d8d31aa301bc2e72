"""The hidden layers of a multilayer perceptron, for pictures and tables alike."""

from dataclasses import dataclass

import keras
from keras import layers

ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "sigmoid", "tanh")

# Share of the old mean and variance that batch normalization keeps in each step. Keras' own 0.99
# needs hundreds of steps to forget how it began, and a small set has few.
NORMALIZATION_MOMENTUM = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """The hidden layers of a multilayer perceptron.

    Attributes:
        units: Number of units of each layer, in order; may be empty.
        activation: Name of the activation after each layer, from `ACTIVATIONS`.
        batch_normalization: Whether each layer is normalised over the batch before its activation.
        dropout: Share of each layer's outputs that are hidden while it learns.
    """

    units: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    batch_normalization: bool = False
    dropout: float = 0.0

    def __call__(self, tensor: keras.KerasTensor) -> keras.KerasTensor:
        """Apply the layers to a tensor.

        Shapes:
            (n, width) to (n, units of the last layer).
        """
        for units in self.units:
            tensor = layers.Dense(units, use_bias=not self.batch_normalization)(tensor)
            if self.batch_normalization:
                tensor = layers.BatchNormalization(momentum=NORMALIZATION_MOMENTUM)(tensor)
            tensor = layers.Activation(self.activation)(tensor)
            if self.dropout:
                tensor = layers.Dropout(self.dropout)(tensor)
        return tensor
