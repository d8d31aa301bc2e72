"""Feed one decoder with what libFuzzer makes: `python -m tests.soak.fuzzing TARGET [OPTIONS]`.

The options are libFuzzer's: `-max_total_time=600` for ten minutes, `-rss_limit_mb=2048`, and at the
end the name of a folder in which inputs that reached new code are kept. An input that ends the
process is kept in a file `crash-...`; with the name of this file as an option, it is fed again.
"""

import sys

import atheris

with atheris.instrument_imports(include=["vitrine", "service"]):
    from tests.soak.fuzzing.targets import TARGETS


def main() -> None:
    """Feed the target that the first argument names."""
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name].feed)
    atheris.Fuzz()


main()
