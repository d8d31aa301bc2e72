"""The files of versions that people read: the card, the history of the training and the plots.

They stay on disk. Each is compared with its hash in the manifest whenever it is read, since nobody
compared it when the version was loaded.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from vitrine import bundle
from vitrine.bundle import Manifest, ReportFile


class Reports:
    """The reports of the versions that lie in some folders.

    Args:
        folders: Folders with `<name>/<version>/`; the first one that has a file gives it.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = tuple(folders)

    def files(self, manifest: Manifest) -> Mapping[str, ReportFile]:
        """Return the files of a version's report that are there, by path."""
        return {
            path: file
            for path, file in manifest.report.items()
            if any(bundle.has_report_file(each, path, file) for each in self._places(manifest))
        }

    def read(self, manifest: Manifest, path: str) -> bytes | None:
        """Read a file of a version's report.

        Args:
            manifest: Description of the version.
            path: Path of the file, as somebody asks for it.

        Returns:
            The bytes that were published; None where they are not there.
        """
        file = manifest.report.get(path)
        if file is None:
            return None
        found = (bundle.read_report_file(each, path, file) for each in self._places(manifest))
        return next((body for body in found if body is not None), None)

    def _places(self, manifest: Manifest) -> list[Path]:
        return [folder / manifest.name / str(manifest.version) for folder in self._folders]
