"""The settings of the service, read once from the environment.

Every setting is a variable `VITRINE_<NAME>`; a few are also told by the platforms that run
containers. An unknown name or a bad value stops the start. If the
service ran with a default instead, a typing mistake would be noticed in production only.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from math import inf
from typing import Any

from service.cors_origins import InvalidOrigins, parse_origins
from service.reverse_proxies import InvalidReverseProxy, parse_networks, parse_prefix
from service.version_policy import InvalidPolicy, Policy, parse_policy
from vitrine.bundle import NAME_PATTERN
from vitrine.errors import nearest, shown
from vitrine.options import DEFAULT_COVERAGE, DEFAULT_MAX_PIXELS

PREFIX = "VITRINE_"
# The folder of data sets, for training and tests; the key with which commands ask a service.
_READ_ELSEWHERE = {"VITRINE_DATA", "VITRINE_KEY"}
# Settings of earlier versions, and what takes their place.
_REMOVED = {
    "VITRINE_MANAGEMENT_TOKEN": "Make a management key instead: `vitrine keys add NAME --manage "
    "--file keys.json`, and start the service with VITRINE_KEYS=keys.json.",
}


# What the platforms that run containers tell a service, and the setting that says it. They send
# requests where they say, so they come before a variable of ours, which an image may have set.
_PLATFORM_VARIABLES = {
    "AIP_HTTP_PORT": "port",
    "AIP_HEALTH_ROUTE": "health_route",
    "AIP_PREDICT_ROUTE": "predict_route",
    "SAGEMAKER_BIND_TO_PORT": "port",
}
# Where Vertex AI has put what was uploaded as the model's artifacts; another folder may be named.
_STORAGE_VARIABLE = "AIP_STORAGE_URI"
_ROUTE = re.compile(r"(/[A-Za-z0-9_.~:@!$&'()*+,;=-]+)+")


class InvalidSetting(Exception):
    """A variable has an unknown name or a bad value; the message says what is allowed."""


def _parse_flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _parse_address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text


class _InvalidText(Exception):
    """A text breaks the rule of its setting, which the message says."""


def _parse_models(text: str) -> str:
    if text.startswith("gs://"):
        raise _InvalidText(
            "names a bucket of Google Cloud Storage, from which models cannot be read. Put the "
            "models into the image, or into S3 or a web server, and name that in VITRINE_MODELS. "
            f"Received: {shown(text)}."
        )
    return text


def _parse_desired_state(text: str) -> str:
    if text not in {"server", "store"}:
        raise _InvalidText(f"must be 'server' or 'store'. Received: {shown(text)}.")
    return text


def _parse_name(text: str) -> str:
    if text and not NAME_PATTERN.fullmatch(text):
        rule = "must be a name that a model can have: at most 64 letters, digits, '_', '-' or '.'"
        raise _InvalidText(f"{rule}. Received: {shown(text)}.")
    return text


def _parse_route(text: str) -> str:
    if text and not _ROUTE.fullmatch(text):
        raise _InvalidText(f"must be a path such as '/predict'. Received: {shown(text)}.")
    return text


def _setting(
    default: Any,
    help_text: str,
    *,
    minimum: float = 1,
    below: float = inf,
    maximum: float = inf,
    parse: Callable[[str], Any] | None = None,
) -> Any:
    metadata = {
        "help": help_text,
        "minimum": minimum,
        "below": below,
        "maximum": maximum,
        "parse": parse or type(default),
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the service. Units are in the names."""

    models: str = _setting(
        "models",
        "Folder of the models, with bundles in `<name>/<version>/`, or of one model or version; or "
        "an address, `s3://...` or `https://...`.",
        parse=_parse_models,
    )
    cache: str = _setting(
        "", "Folder into which bundles are fetched from an address. Empty: the user's cache folder."
    )
    state: str = _setting(
        "",
        "Folder in which the workers agree on what is served. Empty: one that is removed when the "
        "server stops.",
    )
    desired_state: str = _setting(
        "server",
        "Where the desired state is kept: `server` keeps it in `VITRINE_STATE`, for one server; "
        "`store` keeps it beside the models, for all servers that read them.",
        parse=_parse_desired_state,
    )
    versions: Policy = _setting(
        "latest:2",
        "Versions of each model that are served: `latest:N`, `all` or numbers such as `1,3`.",
        parse=parse_policy,
    )
    trial_seconds: float = _setting(
        4.0,
        "Processor time that a version may take to load and predict, before any worker loads it.",
        minimum=0.1,
    )
    max_version_bytes: int = _setting(
        384 * 2**20, "Memory that a version may take to load and predict, beside the libraries."
    )
    tried: str = _setting(
        "tried.json", "File with the versions that passed their trial before the service started."
    )
    watch_seconds: float = _setting(
        1.0, "Time between two looks for new versions. 0: look only on request.", minimum=0
    )
    keys: str = _setting(
        "",
        "File of the API keys. Empty: nobody needs a key, and only this machine may change what is "
        "served.",
    )
    trusted_proxies: str = _setting(
        "",
        "Addresses and networks of the proxies whose `X-Forwarded-For`, `-Proto`, `-Host` and "
        "`-Prefix` are believed, such as `10.0.0.0/8`, between commas. Empty: none.",
        parse=parse_networks,
    )
    path_prefix: str = _setting(
        "",
        "Path under which a proxy shows the service, such as `/ml`; requests may come with or "
        "without it. Empty: none.",
        parse=parse_prefix,
    )
    open_metrics: bool = _setting(
        False,
        "Whether `/metrics` needs no API key: `true` or `false`. It matters only with "
        "`VITRINE_KEYS`.",
        minimum=0,
        parse=_parse_flag,
    )
    cors_origins: str = _setting(
        "",
        "Origins of the web pages that may read answers, such as `https://example.org`, between "
        "commas; or `*` for all. Empty: none but the service's own.",
        parse=parse_origins,
    )
    languages: str = _setting(
        "all",
        "Languages of other model servers that are spoken beside the service's own, between "
        "commas: `v1` is TensorFlow Serving's, `v2` the Open Inference Protocol, `invocations` "
        "that of MLflow, SageMaker and Vertex AI. `all`: all of them. Empty: none.",
    )
    default_model: str = _setting(
        "",
        "Model that answers where a request names none, as those of `invocations` do not. Empty: "
        "the only one that is served.",
        parse=_parse_name,
    )
    predict_route: str = _setting(
        "",
        "Further path at which `invocations` answers. Vertex AI names it in `AIP_PREDICT_ROUTE`.",
        parse=_parse_route,
    )
    health_route: str = _setting(
        "",
        "Further path of the health check of `invocations`. Vertex AI names it in "
        "`AIP_HEALTH_ROUTE`.",
        parse=_parse_route,
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8080, "TCP port to listen on.")
    tls_certificate: str = _setting(
        "",
        "File of the certificate with which connections are encrypted, in PEM, with those that "
        "lead to its root. Empty: they are not encrypted.",
    )
    tls_key: str = _setting(
        "", "File of the certificate's private key, in PEM. Empty: it is in the same file."
    )
    workers: int = _setting(2, "Number of worker processes.")
    threads: int = _setting(
        16,
        "Number of large requests that each worker may have begun to compute. Each holds a thread, "
        "and its body in memory; the others wait.",
    )
    graceful_timeout_seconds: int = _setting(
        30, "Time that the server gives its requests to finish when it stops."
    )
    body_timeout_seconds: float = _setting(
        20.0,
        "Longest pause of a client that sends a body or reads an answer.",
        minimum=0.1,
    )
    transfer_seconds: float = _setting(
        30.0,
        "Time that a client has for its request, and again to read the answer, beside the time "
        "that their bytes take at the lowest rate.",
        minimum=0.1,
    )
    min_bytes_per_second: int = _setting(
        500, "Lowest rate at which a client may send a body and read an answer, on average."
    )
    streams: int = _setting(
        32,
        "Number of tables that each worker reads while they arrive. Further ones wait, and "
        "are refused if none ends in time.",
    )
    body_memory_bytes: int = _setting(
        64 * 2**20,
        "Number of bytes of bodies and answers that wait in the memory of each worker. What is "
        "more waits in a file.",
        minimum=0,
    )
    body_disk_bytes: int = _setting(
        2**30,
        "Number of bytes of bodies and answers that wait in a file of each worker, in the folder "
        "that `TMPDIR` names. What is more is refused.",
        minimum=0,
    )
    request_timeout_seconds: float = _setting(
        60.0,
        "Longest time from the arrival of a whole request to its answer. A client may ask for less "
        "with X-Request-Timeout. A table that is answered while it arrives may take longer.",
        minimum=0.001,
    )
    max_body_bytes: int = _setting(
        32 * 2**20,
        "Largest size of a body with pictures, JSON or Parquet, and of one record batch in an "
        "Arrow stream.",
    )
    max_csv_bytes: int = _setting(
        4 * 2**30,
        "Largest size of a table in CSV or in an Arrow stream, and of what it unpacks to. It is "
        "streamed, so that it needs little memory.",
    )
    max_files: int = _setting(64, "Largest number of files and fields in a form.")
    max_instances: int = _setting(10_000, "Largest number of instances in a JSON body.")
    max_rows: int = _setting(20_000_000, "Largest number of rows in a table.")
    max_row_bytes: int = _setting(
        2**20,
        "Largest size of one row of a CSV body, and of the texts of one row of any table.",
        minimum=1024,
    )
    max_pixels: int = _setting(
        DEFAULT_MAX_PIXELS,
        "Largest number of pixels in a picture, width times height. Only a JPEG that is not "
        "progressive may have more than 25 million.",
    )
    coverage: float = _setting(
        DEFAULT_COVERAGE,
        "Default probability with which prediction sets and intervals hold the truth. It is lower "
        "for a model that was calibrated with few instances.",
        minimum=0.01,
        below=1,
    )
    max_explained: int = _setting(
        64, "Largest number of instances that one request may have explained."
    )
    fast_path: bool = _setting(
        True,
        "Whether small requests are answered where they are received: `true` or `false`. `false` "
        "sends every request through Flask, for a comparison.",
        minimum=0,
        parse=_parse_flag,
    )
    otlp_endpoint: str = _setting(
        "",
        "Address of an OpenTelemetry collector, to which requests are sent as spans by OTLP over "
        "HTTP, such as `http://localhost:4318/v1/traces`. Empty: none.",
        parse=_parse_address,
    )
    log_level: str = _setting("INFO", "Lowest level that is logged: DEBUG, INFO, WARNING or ERROR.")
    log_sampling: float = _setting(
        1.0,
        "Share of the successful requests that leave a line in the log. Requests that are slow, "
        "are refused or fail are logged whatever it is.",
        minimum=0,
        maximum=1,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings from environment variables.

        Raises:
            InvalidSetting: A variable is unknown, or its value has the wrong type or range.
        """
        known = {PREFIX + spec.name.upper(): spec for spec in fields(cls)}
        given = {
            name: text
            for name, text in environment.items()
            if name.startswith(PREFIX) and name not in _READ_ELSEWHERE
        }
        for name in given:
            if name in _REMOVED:
                raise InvalidSetting(f"{name} is no longer a setting. {_REMOVED[name]}")
            if name not in known:
                raise InvalidSetting(f"{name} is not a setting.{nearest(name, known)}")
        named = {name: known[name] for name in given} | _named_by_platforms(environment, known)
        values = {spec.name: _parse(name, environment[name], spec) for name, spec in named.items()}
        return cls(**values)


def _named_by_platforms(
    environment: Mapping[str, str], known: Mapping[str, "Field[Any]"]
) -> dict[str, "Field[Any]"]:
    """Return the variables of platforms that are given, each with the setting that it says."""
    names = dict(_PLATFORM_VARIABLES)
    if f"{PREFIX}MODELS" not in environment:
        names[_STORAGE_VARIABLE] = "models"
    return {
        variable: known[PREFIX + name.upper()]
        for variable, name in names.items()
        if environment.get(variable)
    }


def _parse(name: str, text: str, spec: "Field[Any]") -> Any:
    try:
        value = spec.metadata["parse"](text)
    except (InvalidPolicy, InvalidOrigins, InvalidReverseProxy, _InvalidText) as error:
        raise InvalidSetting(f"{name} {error}") from None
    except ValueError:
        kind = type(spec.default).__name__
        raise InvalidSetting(f"{name} must be of type {kind}. Received: {shown(text)}.") from None
    if isinstance(value, int | float):
        _check_range(name, text, value, spec.metadata)
    if name == "VITRINE_LOG_LEVEL" and value not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise InvalidSetting(
            f"{name} must be DEBUG, INFO, WARNING or ERROR. Received: {shown(text)}."
        )
    return value


def _check_range(name: str, text: str, value: float, limits: Mapping[str, Any]) -> None:
    minimum, below, maximum = limits["minimum"], limits["below"], limits["maximum"]
    if not (minimum <= value < below and value <= maximum):
        rule = f"at least {minimum}"
        rule += f" and below {below}" if below < inf else ""
        rule += f" and at most {maximum}" if maximum < inf else ""
        raise InvalidSetting(f"{name} must be {rule}. Received: {shown(text)}.")
