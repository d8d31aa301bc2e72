"""The interface of a saved network: the arrays that it takes and returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInterface:
    """What a saved network takes and returns.

    Attributes:
        inputs: Input arrays in order.
        output: The only output array.
        activation: Last activation before the output; "linear" where there is none.
        scales: Whether the network scales its inputs itself; None where that is not visible.
        vocabularies: Vocabularies of the text inputs, by name.
    """

    inputs: tuple[Tensor, ...]
    output: Tensor
    activation: str
    scales: bool | None
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def describe_tensors(tensors: tuple[Tensor, ...]) -> str:
    """Name tensors with their shapes and types in one line of at most 300 characters."""
    return "; ".join(
        f"{tensor.name} ({', '.join('any' if n is None else str(n) for n in tensor.shape)}) of "
        f"{tensor.dtype}"
        for tensor in tensors
    )[:300]
