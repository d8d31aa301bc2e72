"""The verbs of the Makefile, run with interpreters made for the test: nothing is downloaded."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
GROUPS = ("service", "training", "service-dev", "dev", "ray", "ray-training")
# Those of the groups, and of the clients that the service is tested with.
LOCKS = (
    *(Path("requirements", f"{group}.txt") for group in GROUPS),
    *sorted(path.relative_to(ROOT) for path in ROOT.glob("tests/clients/*/requirements.txt")),
)

# Collects the tests of vitrine and service where the named packages cannot be imported.
COLLECT_WITHOUT = """
import sys, pytest

class Absent:
    def find_spec(name, path, target=None):
        if name in sys.argv:
            raise ModuleNotFoundError(f"{name} is absent", name=name)

sys.meta_path.insert(0, Absent)
sys.exit(pytest.main(["--collect-only", "-q", "tests/vitrine", "tests/service"]))
"""

# Prints its arguments to standard error. The environment that it makes has a python that prints
# some variables and its arguments.
INTERPRETER = """#!/bin/sh
echo "python $*" >&2
case "$*" in
    *version_info*) exit {version_status} ;;
    *ensurepip*) exit {venv_status} ;;
    "-m venv --clear "*)
        mkdir -p "$4/bin"
        printf '#!/bin/sh\\necho "$VITRINE_HOST:$VITRINE_PORT $PYTHONPATH $*"\\n' > "$4/bin/python"
        chmod +x "$4/bin/python" ;;
esac
"""

Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone, as far as the Makefile looks."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


@pytest.fixture
def make(clone: Path) -> Make:
    """Run make in the clone with an interpreter that has this version and this venv module."""

    def run(
        *arguments: str, version_status: int = 0, venv_status: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        python = clone / "python"
        python.write_text(
            INTERPRETER.format(version_status=version_status, venv_status=venv_status)
        )
        python.chmod(0o755)
        return subprocess.run(
            ["make", "PYTHON=./python", *arguments],
            cwd=clone,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_make_alone_lists_every_verb(make: Make) -> None:
    verbs = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    listed = re.findall(r"^  make (\S+) +\S", make().stdout, re.MULTILINE)

    assert sorted(listed) == sorted(verbs[0].split())


def test_serve_with_another_python_names_those_that_do(make: Make) -> None:
    finished = make("--silent", "serve", version_status=1)

    assert finished.returncode != 0
    assert "Vitrine needs Python 3.11, 3.12 or 3.13, which ./python is not" in finished.stderr
    assert "ensurepip" not in finished.stderr


def test_serve_without_venv_names_the_missing_package(make: Make) -> None:
    finished = make("--silent", "serve", venv_status=1)

    assert finished.returncode != 0
    assert "apt install python3-venv" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "address"),
    [
        ((), {}, "127.0.0.1:8080"),
        (("PORT=9000",), {}, "127.0.0.1:9000"),
        ((), {"PORT": "9000"}, "127.0.0.1:9000"),
        (("HOST=0.0.0.0",), {}, "0.0.0.0:8080"),
    ],
    ids=["default", "argument", "environment", "host"],
)
def test_serve_listens_where_it_is_told(
    make: Make, arguments: tuple[str, ...], environment: dict[str, str], address: str
) -> None:
    finished = make("serve", *arguments, **environment)

    assert finished.stdout.splitlines()[-1] == f"{address}  -m service serve"


def test_serve_installs_once_and_again_when_the_lock_changes(make: Make, clone: Path) -> None:
    first = make("serve")
    second = make("serve")
    stamp = (clone / ".venv/service/installed").stat().st_mtime
    os.utime(clone / "requirements/service.txt", (stamp + 1, stamp + 1))
    third = make("serve")

    assert ["-m venv" in run.stderr for run in (first, second, third)] == [True, False, True]


def test_client_is_installed_once_and_again_when_its_lock_changes(make: Make, clone: Path) -> None:
    lock = clone / "tests/clients/someone/requirements.txt"
    lock.parent.mkdir(parents=True)
    lock.touch()
    lock.with_suffix(".in").touch()
    (clone / ".venv/client-someone").mkdir(parents=True)
    first = make("clients")
    second = make("clients", "CLIENT=someone")
    stamp = (clone / ".venv/client-someone/installed").stat().st_mtime
    os.utime(lock, (stamp + 1, stamp + 1))
    third = make("clients")

    install = "-m uv pip install --quiet --python .venv/client-someone/bin/python --require-hashes"
    assert [install in run.stdout for run in (first, second, third)] == [True, False, True]
    assert first.stdout.endswith(" -m tests.clients\n")
    assert second.stdout.endswith(" -m tests.clients someone\n")


def test_environment_has_a_command_for_any_folder(make: Make, clone: Path, tmp_path: Path) -> None:
    make("--silent", ".venv/training/installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(clone / ".venv/training/bin/vitrine")

    finished = subprocess.run(
        [elsewhere / "link", "score", "a model", "*.csv"],
        cwd=elsewhere,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "/mine"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert finished.stdout == f": {clone}:/mine {clone}/bin/vitrine score a model *.csv\n"


def test_broken_off_installation_is_made_again(make: Make, clone: Path) -> None:
    make("serve")
    (clone / ".venv/service/installed").unlink()

    assert "-m venv --clear" in make("serve").stderr


def test_train_without_data_says_what_is_missing(make: Make) -> None:
    finished = make("train")

    assert finished.returncode != 0
    assert "VITRINE_DATA: must name the folder" in finished.stderr


def test_term_to_make_reaches_the_server(make: Make, clone: Path) -> None:
    make("serve")
    (clone / ".venv/service/bin/python").write_text(
        "#!/bin/sh\ntrap 'echo stopped; exit 0' TERM\necho started\nwhile :; do read line; done\n"
    )

    with subprocess.Popen(
        ["make", "--silent", "serve"],
        cwd=clone,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "started\n"
        server.send_signal(signal.SIGTERM)

        assert server.stdout.readline() == "stopped\n"


def test_locks_pin_one_version_of_each_package_for_all_groups() -> None:
    service, training, service_dev, dev, ray, ray_training = (
        _pins(group).items() for group in GROUPS
    )

    assert service <= training <= dev
    assert service <= service_dev <= dev
    assert service <= ray <= ray_training
    assert training <= ray_training


@pytest.mark.parametrize("group", GROUPS)
def test_lock_holds_what_the_group_asks_for(group: str) -> None:
    pins = _pins(group)

    for requirement in _requirements(group):
        name = requirement.name.lower().replace("_", "-")
        assert requirement.specifier.contains(pins[name]), f"run make lock: {requirement}"


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_lock_names_no_address_and_hashes_everything(lock: Path) -> None:
    text = (ROOT / lock).read_text()

    assert not re.search(r"https?:|file:|--index|--find-links|/(home|root|tmp|work)/", text)
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", text)[1:])


@pytest.mark.parametrize("group", ["service", "service-dev"])
def test_service_needs_no_tensorflow(group: str) -> None:
    assert not {"keras", "tensorflow", "tensorflow-cpu"} & _pins(group).keys()


def test_tests_of_vitrine_and_service_need_no_training() -> None:
    pins = _pins("service-dev")
    absent = [
        package
        for package, distributions in packages_distributions().items()
        # Some distribution brings a package `tests` along, as this project has one.
        if not any(canonicalize_name(name) in pins for name in distributions)
        and not (ROOT / package).exists()
    ]
    assert {"keras", "tensorflow"} <= {*absent}

    finished = subprocess.run(
        [sys.executable, "-c", COLLECT_WITHOUT, "training", *absent],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p no:cacheprovider -p pytest_timeout",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout


def test_commits_are_checked_by_the_locked_ruff() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [hook["rev"] for hook in hooks] == [f"v{_pins('dev')['ruff']}"]


def test_workflow_runs_every_step_with_pinned_actions() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    jobs = yaml.safe_load(workflow)["jobs"]
    steps = " ".join(jobs["all"]["strategy"]["matrix"]["steps"]).split()

    default = re.search(r"set -- (.+)", (ROOT / ".ci/run").read_text())
    assert default is not None
    assert steps == default[1].split()
    assert re.findall(r"uses: (?!\S+@[0-9a-f]{40} # v)", workflow) == []


def _pins(group: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{group}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]+\])?==(\S+)", text, re.MULTILINE))


def _requirements(group: str) -> list[Requirement]:
    groups: dict[str, list[Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())[
        "dependency-groups"
    ]
    found: list[Requirement] = []
    for entry in groups[group]:
        if isinstance(entry, dict):
            found += _requirements(entry["include-group"])
        else:
            found.append(Requirement(entry))
    return found
