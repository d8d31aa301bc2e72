"""`vitrine try`: try versions as a service would, and write down which have passed."""

import os
import sys
import tempfile
from pathlib import Path

from service.rollout.trial_records import TrialRecords
from service.rollout.trials import Limits, Trials
from service.settings import InvalidSetting, Settings
from vitrine import bundle


def run(models: Path) -> None:
    """Try every version of a folder, and write the file of those that have passed anew.

    Raises:
        SystemExit: The folder cannot be read, the file cannot be written, or some version is
            refused.
    """
    try:
        settings = Settings.from_environment(os.environ)
        refused = _try_all(models, settings)
    except InvalidSetting as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} cannot be read or written: {error.strerror}.")
    if refused:
        sys.exit("\n".join(refused))


def _try_all(models: Path, settings: Settings) -> list[str]:
    """Return why versions are refused."""
    if not settings.tried:
        raise InvalidSetting("VITRINE_TRIED must not be empty: it names the file that is written.")
    limits = Limits(seconds=settings.trial_seconds, max_bytes=settings.max_version_bytes)
    versions = [(name, n) for name, all_ in bundle.list_versions(models).items() for n in all_]
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "tried.json"
        records = TrialRecords(own, shipped=None, max_bytes=limits.max_bytes)
        trials = Trials(models, records, limits, threads=1, locks=Path(folder))
        reasons = {version: trials.reason_against(version) for version in versions}
        if own.exists():
            Path(settings.tried).write_bytes(own.read_bytes())
    return [
        f"{models / name / str(number)}: {reason}"
        for (name, number), reason in reasons.items()
        if reason is not None
    ]
