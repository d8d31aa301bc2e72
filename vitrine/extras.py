"""The optional parts of the library, and what is said where one is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Extra = Literal["tables", "pictures"]


class MissingExtra(ImportError):
    """An optional part is needed and not installed; the message says which."""

    def __init__(self, extra: Extra, module: str | None) -> None:
        super().__init__(
            f"This needs {module}, which is not installed. Install vitrine with the extra "
            f"{extra!r}."
        )


@contextmanager
def needs(extra: Extra) -> Iterator[None]:
    """Import inside this `with` what an optional part brings.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(extra, error.name) from error
