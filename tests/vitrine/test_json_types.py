"""Types that JSON is read into: each is known to msgspec once its module is imported."""

import subprocess
import sys

# Prints each type that msgspec would have to look at later, in whichever thread comes first.
PROGRAM = """
import gc, importlib, pkgutil
import msgspec
import service, vitrine

for package in (vitrine, service):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(("__main__", "mlflow_loader", "spans", "wsgi")):
            importlib.import_module(module.name)

def all_below(kind):
    for each in kind.__subclasses__():
        yield each
        yield from all_below(each)

def is_known(kind):
    return any(type(each).__name__ == "StructInfo" for each in gc.get_referents(kind))

for kind in all_below(msgspec.Struct):
    if kind.__module__.startswith(("vitrine", "service")) and not kind.__subclasses__():
        if not is_known(kind):
            print(kind.__module__, kind.__qualname__)
from service.telemetry.numbers import Key
if "__msgspec_cache__" not in vars(Key):
    print("Key")
"""


def test_every_type_is_known_once_its_module_is_imported() -> None:
    command = [sys.executable, "-c", PROGRAM]

    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert found.stdout == ""
