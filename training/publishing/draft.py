"""The folder that becomes the next version of a model, or disappears."""

import contextlib
import errno
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from training import interruption
from training.errors import CannotTrain
from training.progress import console
from training.publishing.comparison import compare_with_default
from training.publishing.mlmodel import write_mlmodel
from vitrine import bundle
from vitrine.bundle import Manifest

# How renaming fails where another training has just taken the number.
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})


class Draft:
    """A folder beside a model's versions that becomes one of them, or disappears.

    Attributes:
        folder: Folder for the files of the bundle.
        plots: Folder for its plots.
    """

    def __init__(self, models: Path, name: str) -> None:
        """Make the folder before the training starts, which fails early where it cannot be made.

        Raises:
            CannotTrain: The name cannot be served, or the folder cannot be made.
        """
        if not bundle.NAME_PATTERN.fullmatch(name):
            raise CannotTrain(
                "--name must be at most 64 letters, digits, '_', '-' or '.'. "
                f"Received: {name[:40]!r}."
            )
        self._model = models / name
        self.folder = self._model / f".{secrets.token_hex(8)}"
        self.plots = self.folder / bundle.PLOTS_NAME
        try:
            self.plots.mkdir(parents=True)
        except OSError as error:
            raise CannotTrain(f"{models} cannot be written to: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # the folder holds other versions
            self._model.rmdir()

    def publish(
        self, manifest_of: Callable[[int], Manifest], card: Callable[[Manifest], str]
    ) -> Path:
        """Give the draft the next free number and rename it to that.

        A version that scores below the one that answers by default leaves that one the default.

        Args:
            manifest_of: Function from the number to the manifest.
            card: Function from the manifest to the model card.

        Returns:
            The published folder.

        Raises:
            KeyboardInterrupt: The program was told to stop.
        """
        interruption.check()
        number = 0
        while True:
            number = max([number, *self._numbers()]) + 1
            manifest = manifest_of(number)
            comparison = compare_with_default(manifest, self._model)
            is_worse = comparison is not None and comparison.is_worse
            files = {**manifest.files, bundle.MLMODEL_NAME: write_mlmodel(manifest, self.folder)}
            manifest = msgspec.structs.replace(manifest, default=not is_worse, files=files)
            (self.folder / bundle.CARD_NAME).write_text(card(manifest), encoding="utf-8")
            report = bundle.describe_report(self.folder)
            bundle.write_manifest(msgspec.structs.replace(manifest, report=report), self.folder)
            if self._rename(number):
                if comparison is not None and is_worse:
                    console.print(comparison.warning, style="bold yellow", markup=False)
                return self._model / str(number)

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self._model.iterdir() if path.name.isdecimal()]

    def _rename(self, number: int) -> bool:
        """Rename the folder, unless a training that ran beside this one took the number first."""
        try:
            self.folder.rename(self._model / str(number))
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return False
        return True
