"""Write what is wrong with manifests: a list of them, in JSON, is read from standard input.

Run by the interpreter of the environment that has the schemas of Kubernetes. Those of other kinds
are in `schemas/`. A field that a schema does not know is a fault, as it is for
`kubectl apply --validate=strict`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate

_VERSION = "1.37"
_SCHEMAS = Path(__file__).parent / "schemas"


def _fault(manifest: dict[str, Any]) -> str | None:
    own = _SCHEMAS / f"{manifest['kind']}.json"
    try:
        if own.exists():
            schema = json.loads(own.read_text())
            jsonschema.Draft202012Validator(schema).validate(manifest)
        else:
            kubernetes_validate.validate(manifest, _VERSION, strict=True)
    except jsonschema.ValidationError as error:
        # Of a choice it is said only that nothing fits; what fits nearly says why.
        error = jsonschema.exceptions.best_match([error]) or error
        return f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        return "there is no such kind"
    return None


def _faults(manifests: list[dict[str, Any]]) -> Iterator[str]:
    for manifest in manifests:
        fault = _fault(manifest)
        if fault is not None:
            yield f"{manifest['kind']} {manifest['metadata']['name']}: {fault}"


if __name__ == "__main__":
    json.dump(list(_faults(json.load(sys.stdin))), sys.stdout)
