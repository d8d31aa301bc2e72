"""The whole OpenAPI document, in thousands of requests that schemathesis makes of it.

All its checks hold; `schemathesis.toml` names the few that a language's own contract does not
allow, each with its reason. `hooks.py` makes pictures and tables.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

_FOLDER = Path(__file__).parent
_FEWEST_CASES = 5000
_CASES = re.compile(r"^  (\d+) generated", re.MULTILINE)


@pytest.fixture(scope="module")
def fuzzed() -> str:
    """The address of a service whose models all have a version that is labelled `stable`."""
    url, key = os.environ["FUZZED_URL"], os.environ["MANAGE_KEY"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    patch = json.dumps({"labels": {"stable": 1}}).encode()
    for name in ("digits", "fashion", "housing"):
        request = Request(f"{url}/models/{name}", patch, headers, method="PATCH")  # noqa: S310
        urlopen(request).close()  # noqa: S310 - the address is ours
    return url


def check(url: str, *options: str, examples: int) -> int:
    """Make requests of a document, check the answers, and return how many there were.

    Args:
        url: Address of the service.
        options: Which operations are tested.
        examples: Number of random requests for each.
    """
    finished = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file"),
            *("schemathesis.toml", "run", f"{url}/openapi.json", *options),
            *("--header", f"Authorization: Bearer {os.environ['MANAGE_KEY']}"),
            *("--max-examples", str(examples), "--seed", "1"),
        ],
        cwd=_FOLDER,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(_FOLDER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-20_000:] + finished.stderr[-2000:]
    found = _CASES.search(finished.stdout)
    assert found is not None
    return int(found[1])


def test_predictions_and_descriptions_keep_what_the_document_says(fuzzed: str) -> None:
    others = ("--exclude-tag", "management", "--exclude-path-regex", "load$")

    assert check(fuzzed, *others, examples=25) >= _FEWEST_CASES


# Last, because it unloads the models.
@pytest.mark.parametrize(
    "operations", [("--include-path-regex", "^/v2/.*load$"), ("--include-tag", "management")]
)
def test_changes_keep_what_the_document_says(fuzzed: str, operations: tuple[str, str]) -> None:
    assert check(fuzzed, *operations, examples=20) > 0
