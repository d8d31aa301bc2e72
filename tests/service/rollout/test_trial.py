"""Parts of the program that tries a version; the whole is run by `test_trials.py`."""

from pathlib import Path

import pytest

from service.rollout import trial
from tests.bundles import write_picture_bundle, write_table_bundle
from vitrine.bundle import InvalidBundle


@pytest.mark.parametrize("write", [write_table_bundle, write_picture_bundle])
def test_harmless_version_runs_with_more_instances(tmp_path: Path, write: object) -> None:
    assert callable(write)
    trial._load_and_run(write(tmp_path), threads=1)


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("Failed to allocate memory for requested buffer of size 1"), True),
        (RuntimeError("another"), False),
    ],
    ids=str,
)
def test_lack_of_memory_is_found_behind_other_errors(error: Exception, is_one: bool) -> None:
    refused = InvalidBundle("The golden examples fail.")
    refused.__cause__ = error

    assert trial._is_out_of_memory(refused) is is_one
    assert trial._is_out_of_memory(error) is is_one


def test_memory_of_this_process_is_known() -> None:
    assert trial._status("VmData") > 2**20
    assert trial._status("VmNothing") == 0
