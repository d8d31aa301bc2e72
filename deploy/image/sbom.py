"""Print what is in the image, as a bill of materials in CycloneDX: packages of Python, and models.

`python sbom.py MODELS` describes the environment of the interpreter that runs it. The same
environment and the same models give the same text. The system's packages are those of the base
image, which has a bill of its own.

References:
    OWASP CycloneDX 1.6, ECMA-424: https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

# Longer ones are whole texts of licenses.
_MOST_CHARACTERS = 80


def bill(models: Path) -> dict[str, Any]:
    """Return the bill of materials."""
    components = [*_packages(), *_models(models)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(components))}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "vitrine", "bom-ref": "vitrine"}},
        "components": components,
        "dependencies": [{"ref": "vitrine", "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _packages() -> Iterator[dict[str, Any]]:
    for package in sorted(distributions(), key=_normal_name):
        reference = f"pkg:pypi/{_normal_name(package)}@{package.version}"
        yield {
            "type": "library",
            "bom-ref": reference,
            "name": package.name,
            "version": package.version,
            "purl": reference,
            **_licenses(package),
        }


def _normal_name(package: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", package.name).lower()


def _licenses(package: Distribution) -> dict[str, Any]:
    """Return the license that a package names: an expression of SPDX, else a name, else nothing."""
    expression = package.metadata.get("License-Expression")
    if expression:
        return {"licenses": [{"expression": expression}]}
    name = package.metadata.get("License") or ""
    for classifier in package.metadata.get_all("Classifier") or ():
        if classifier.startswith("License ::"):
            name = classifier.rpartition(" :: ")[2]
    is_name = 0 < len(name) <= _MOST_CHARACTERS and "\n" not in name
    return {"licenses": [{"license": {"name": name}}]} if is_name else {}


def _models(models: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(models.glob("*/*/manifest.json")):
        network = json.loads(path.read_text())["files"]["model.onnx"]
        name, version = path.parts[-3:-1]
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model:{name}@{version}",
            "name": name,
            "version": version,
            "hashes": [{"alg": "SHA-256", "content": network["sha256"]}],
        }


if __name__ == "__main__":
    json.dump(bill(Path(sys.argv[1])), sys.stdout, indent=1)
