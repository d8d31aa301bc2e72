"""The wheel of the library: what it holds, what it requires, and that it runs with no more."""

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Collection, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.bundles import write_picture_bundle, write_table_bundle
from tests.servers import ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]

PREDICT_ARRAYS = """
import numpy, vitrine

model = vitrine.load("rooms")
rooms = {"size": numpy.float32([1, 2]), "colour": numpy.array(["red", None], dtype=object)}
print([record["value"] for record in model.predict(rooms)])
"""
PREDICT_CSV = """
import vitrine

try:
    vitrine.load("rooms").predict(b"size,colour\\n1,red\\n")
except ImportError as error:
    print(error)
"""
PREDICT_PICTURE = """
import vitrine

try:
    vitrine.load("strokes").predict(b"\\x89PNG")
except ImportError as error:
    print(error)
"""
IMPORT_EVERY_MODULE = """
import importlib, pkgutil, vitrine

names = [module.name for module in pkgutil.walk_packages(vitrine.__path__, "vitrine.")]
for name in names:
    importlib.import_module(name)
print("vitrine.tables" in names and "vitrine.images" in names)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--offline", "--no-config"]
    subprocess.run([*build, "--out-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, folder: Path, extras: Collection[str] = ()) -> Path:
    """Install the wheel into a new environment.

    What the wheel requires is linked from the environment of this test, and nothing else is there.

    Returns:
        The interpreter of the new environment.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*pip, "--python", python, wheel], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (metadata,) = packages.glob("vitrine-*.dist-info")
    required_packages = requirements(Distribution.at(metadata), extras)
    for required in {package.name: package for package in required_packages}.values():
        for name in {file.parts[0] for file in required.files or ()} - {"..", "__pycache__"}:
            (packages / name).symlink_to(Path(str(required.locate_file(name))))
    return python


def requirements(package: Distribution, extras: Collection[str] = ()) -> Iterator[Distribution]:
    """Find what a package requires in the environment of this test, directly or not."""
    for text in package.requires or ():
        requirement = Requirement(text)
        environments: list[dict[str, str]] = [{"extra": extra} for extra in extras or ("",)]
        marker = requirement.marker
        if marker is None or any(marker.evaluate(environment) for environment in environments):
            found = distribution(requirement.name)
            assert requirement.specifier.contains(found.version)
            yield found
            yield from requirements(found, requirement.extras)


def run(python: Path, program: str, folder: Path) -> str:
    """Run a program in a folder, apart from this checkout."""
    finished = subprocess.run(
        [python, "-I", "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    return finished.stdout + finished.stderr


def test_wheel_predicts_on_arrays_with_what_it_requires(wheel: Path, tmp_path: Path) -> None:
    write_table_bundle(tmp_path)

    printed = run(install(wheel, tmp_path / "venv"), PREDICT_ARRAYS, tmp_path)

    assert printed == "[13.0, 20.0]\n"


@pytest.mark.parametrize(
    ("program", "module", "extra"),
    [(PREDICT_CSV, "pyarrow", "tables"), (PREDICT_PICTURE, "cv2", "pictures")],
    ids=["tables", "pictures"],
)
def test_missing_extra_is_named(
    wheel: Path, tmp_path: Path, program: str, module: str, extra: str
) -> None:
    write_table_bundle(tmp_path)
    write_picture_bundle(tmp_path)

    printed = run(install(wheel, tmp_path / "venv"), program, tmp_path)

    assert printed == (
        f"This needs {module}, which is not installed. Install vitrine with the extra {extra!r}.\n"
    )


def test_tables_and_pictures_need_their_extras_alone(wheel: Path, tmp_path: Path) -> None:
    python = install(wheel, tmp_path / "venv", ["tables", "pictures"])

    assert run(python, IMPORT_EVERY_MODULE, tmp_path) == "True\n"


def test_document_of_the_library_names_the_wheel(wheel: Path) -> None:
    assert f"dist/{wheel.name}[" in (ROOT / "docs/library.md").read_text()


def test_wheel_holds_the_library_alone(wheel: Path) -> None:
    version = PYPROJECT["project"]["version"]
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}

    packed = {name for name in names if not name.startswith(f"vitrine-{version}.dist-info/")}
    assert packed == {
        str(path.relative_to(ROOT))
        for path in (ROOT / "vitrine").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "vitrine/py.typed" in packed
    described = {name.partition("/")[2] for name in names - packed}
    assert described == {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"}


@pytest.mark.parametrize(
    ("group", "asked_for"),
    [
        (
            "service",
            [*PYPROJECT["project"]["dependencies"], *EXTRAS["tables"], *EXTRAS["pictures"]],
        ),
        ("training", EXTRAS["tensorflow"]),
    ],
    ids=["service", "training"],
)
def test_wheel_asks_for_the_versions_of_a_group(group: str, asked_for: list[str]) -> None:
    entries = PYPROJECT["dependency-groups"][group]

    assert {*asked_for} <= {entry for entry in entries if isinstance(entry, str)}


def test_backend_is_the_one_that_the_locked_uv_brings_along() -> None:
    (backend,) = PYPROJECT["build-system"]["requires"]
    locked = re.search(r"^uv==(\S+)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)

    assert locked is not None
    assert Requirement(backend).specifier.contains(locked[1])
