"""The service's settings, read once from the environment.

Every setting is a `VITRINE_<NAME>` variable. An unknown name or a bad value stops the start: a
service that silently ran with a default would be found out in production.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any

from service.version_policy import InvalidPolicy, Policy, parse_policy
from vitrine.errors import nearest, shown
from vitrine.options import DEFAULT_COVERAGE, DEFAULT_MAX_PIXELS

PREFIX = "VITRINE_"
_READ_ELSEWHERE = {"VITRINE_DATA"}  # where training and the tests find data sets


class InvalidSetting(Exception):
    """A variable that cannot be used; the message names it, its rule and its value."""


def _setting(
    default: Any,
    help_text: str,
    *,
    minimum: float = 1,
    below: float = inf,
    parse: Callable[[str], Any] | None = None,
) -> Any:
    metadata = {
        "help": help_text,
        "minimum": minimum,
        "below": below,
        "parse": parse or type(default),
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set from outside; units are in the names."""

    models: str = _setting(
        "models", "Folder of the bundles, `<name>/<version>/`; or `s3://...` or `https://...`."
    )
    cache: str = _setting("", "Folder that remote bundles are fetched into; empty for the user's.")
    state: str = _setting(
        "",
        "Folder in which the workers agree on what is served; empty for one that ends with them.",
    )
    versions: Policy = _setting(
        "latest:2",
        "Versions that are served of each model: `latest:N`, `all` or numbers such as `1,3`.",
        parse=parse_policy,
    )
    watch_seconds: float = _setting(
        1.0, "Time between two looks for new versions; 0 to look only when told.", minimum=0
    )
    management_token: str = _setting(
        "", "Whoever sends it may change what is served; empty to let this machine alone do so."
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8080, "TCP port to listen on.")
    workers: int = _setting(2, "Worker processes.")
    threads: int = _setting(256, "Most request threads in each worker; few of them compute.")
    graceful_timeout_seconds: int = _setting(
        30, "Time that requests under way get to finish when the server stops."
    )
    body_timeout_seconds: float = _setting(
        20.0,
        "Longest silence while a body is being received or an answer is being read.",
        minimum=0.1,
    )
    max_body_bytes: int = _setting(32 * 2**20, "Largest body of pictures or JSON.")
    max_csv_bytes: int = _setting(4 * 2**30, "Largest CSV body; it is streamed, never held.")
    max_files: int = _setting(64, "Most files in one multipart body.")
    max_instances: int = _setting(10_000, "Most instances in one JSON body.")
    max_rows: int = _setting(20_000_000, "Most rows in one CSV body.")
    max_row_bytes: int = _setting(2**20, "Longest single row of a CSV body.", minimum=1024)
    max_pixels: int = _setting(
        DEFAULT_MAX_PIXELS, "Most pixels of one picture, width times height."
    )
    coverage: float = _setting(
        DEFAULT_COVERAGE,
        "Probability with which prediction sets and intervals hold the truth, where none is asked; "
        "less for a model that too few instances calibrated.",
        minimum=0.01,
        below=1,
    )
    max_explained: int = _setting(64, "Most instances that one request may have explained.")
    log_level: str = _setting(
        "INFO", "Least severe level that is logged: DEBUG, INFO, WARNING or ERROR."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings from environment variables.

        Raises:
            InvalidSetting: A variable is unknown, or its value is not of the setting's type.
        """
        known = {PREFIX + spec.name.upper(): spec for spec in fields(cls)}
        given = {
            name: text
            for name, text in environment.items()
            if name.startswith(PREFIX) and name not in _READ_ELSEWHERE
        }
        for name in given:
            if name not in known:
                raise InvalidSetting(f"{name} is not a setting.{nearest(name, known)}")
        return cls(
            **{known[name].name: _parse(name, text, known[name]) for name, text in given.items()}
        )


def _parse(name: str, text: str, spec: Any) -> Any:
    try:
        value = spec.metadata["parse"](text)
    except InvalidPolicy as error:
        raise InvalidSetting(f"{name} {error}") from None
    except ValueError:
        kind = type(spec.default).__name__
        raise InvalidSetting(f"{name} must be of type {kind}. Received: {shown(text)}.") from None
    minimum, below = spec.metadata["minimum"], spec.metadata["below"]
    if isinstance(value, int | float) and not minimum <= value < below:
        rule = f"at least {minimum}" + (f" and below {below}" if below < inf else "")
        raise InvalidSetting(f"{name} must be {rule}. Received: {shown(text)}.")
    if name == "VITRINE_LOG_LEVEL" and value not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise InvalidSetting(
            f"{name} must be DEBUG, INFO, WARNING or ERROR. Received: {shown(text)}."
        )
    return value
