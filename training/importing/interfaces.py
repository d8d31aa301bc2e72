"""The interface of a saved network: the arrays that it takes and returns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from training.importing.saved_losses import Loss

TEXT = "string"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One array that a saved network takes or returns.

    Attributes:
        name: Name of the array within the network.
        shape: Shape of one instance; None for an axis of any length.
        dtype: Element type.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    @property
    def size(self) -> int:
        """Number of elements of one instance; an axis of any length counts as none."""
        return math.prod(length or 0 for length in self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInterface:
    """What a saved network takes and returns.

    Attributes:
        inputs: Input arrays in order.
        output: The only output array.
        activation: Last activation before the output; "linear" where there is none.
        scales: Whether the network scales its inputs itself; None where that is not visible.
        takes_steps: Whether the network reads the two axes of its input as time steps and their
            features; None where that is not visible.
        vocabularies: Vocabularies of the text inputs, by name.
        loss: Loss that the network was trained with; None where that is not known.
    """

    inputs: tuple[Tensor, ...]
    output: Tensor
    activation: str
    scales: bool | None
    takes_steps: bool | None = None
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loss: Loss | None = None


def describe_tensors(tensors: tuple[Tensor, ...]) -> str:
    """Name tensors with their shapes and types in one line of at most 300 characters."""
    return "; ".join(
        f"{tensor.name} ({', '.join('any' if n is None else str(n) for n in tensor.shape)}) of "
        f"{tensor.dtype}"
        for tensor in tensors
    )[:300]


def describe_steps(tensor: Tensor) -> str:
    """Name the axes of a tensor of two axes as time steps and features."""
    steps, features = ("any number of" if n is None else str(n) for n in tensor.shape)
    return f"{steps} time steps of {features} feature{'' if features == '1' else 's'}"
