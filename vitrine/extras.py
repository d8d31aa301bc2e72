"""The optional parts of the library, and what is said where one is not installed."""

from typing import Literal

Extra = Literal["tables", "pictures"]


class MissingExtra(ImportError):
    """An optional part is needed and not installed; the message says which."""

    def __init__(self, extra: Extra, module: str | None) -> None:
        super().__init__(
            f"This needs {module}, which is not installed. Install vitrine with the extra "
            f"{extra!r}."
        )


class needs:  # noqa: N801 - it reads as a word: `with needs("pictures"):`
    """Import inside this `with` what an optional part brings.

    It is entered for every picture; a generator would take five times as long.

    Raises:
        MissingExtra: It is not installed.
    """

    __slots__ = ("_extra",)

    def __init__(self, extra: Extra) -> None:
        self._extra = extra

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ModuleNotFoundError):
            raise MissingExtra(self._extra, error.name) from error
