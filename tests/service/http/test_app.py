"""The composed application, and the modules that a server imports."""

import gc
import json
import logging
import os
import runpy
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.errors import AppImportError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.settings import InvalidSetting, Settings
from tests.fakes import client_of, fake_repository, picture, table
from vitrine.bundle import ONNX_NAME

NUMBERS = "PROMETHEUS_MULTIPROC_DIR"
PATHS = [
    *("/models/strokes/predict", "/models/rooms/predict", "/models/rooms", "/metrics", "/é"),
    *("/v1/models/strokes:predict", "/v1/models/rooms:predict", "/v1/models/rooms:regress", "/v1/"),
    *("/v2/models/strokes/infer", "/v2/models/rooms/infer", "/v2/repository/index", "/v2/é"),
    *("/invocations", "/invocations/", "/ping"),
]
KINDS = [
    *("image/png", "text/csv", "application/json", "multipart/form-data; boundary=b"),
    *("application/octet-stream", "text/csv; charset=x", "multipart/form-data; boundary=é", ""),
    *("application/x-www-form-urlencoded", "text/plain"),
]
ACCEPTS = ["*/*", "text/csv", "application/json", "text/html", "x;q=y,,"]
BODIES = [
    picture(),
    table(3),
    b'{"instances":[[[1,2],[3,4]]]}',
    b'{"instances":[{"size":1,"colour":null}]}',
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nsize,colour\r\n--b--',
    b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\ndata:;base64,iVBOR\r\n--b--',
    b"data:image/png;base64," + b64encode(picture()),
    b"image=" + b64encode(picture()) + b"&image=data:,%3Csvg",
    b'{"instances":[{"b64":"' + b64encode(picture()) + b'"},{"image":"data:,"}]}',
    b'{"inputs":{"size":[1],"colour":["red"]}}',
    b'{"inputs":[{"name":"size","shape":[1],"datatype":"FP32","data":[1]}]}',
    b'{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["x"]}],"outputs":[{}]}',
    b'{"dataframe_split":{"columns":["size"],"data":[[1]]}}',
]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without our variables, and the loggers put back as they were."""
    for name in [*os.environ, NUMBERS, "VITRINE_STATE", "OPENBLAS_NUM_THREADS"]:
        if name.startswith("VITRINE_") or name in {NUMBERS, "OPENBLAS_NUM_THREADS"}:
            monkeypatch.setenv(name, "")  # which has it put back, if the code under test sets it
            monkeypatch.delenv(name)
    loggers = [logging.getLogger(name) for name in ("service", "gunicorn.error")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    yield monkeypatch
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    gc.unfreeze()


def bodies() -> st.SearchStrategy[bytes]:
    """Bytes of any kind, and good bodies with some bytes changed."""
    changed = st.tuples(st.sampled_from(BODIES), st.integers(0, 200), st.binary(max_size=8)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + len(parts[2]) :]
    )
    return st.one_of(st.binary(max_size=300), changed, st.sampled_from(BODIES))


REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
        "path": st.sampled_from(PATHS),
        "query_string": st.text(alphabet="topechrsdlim=&%;,.é12f \t", max_size=20),
        "content_type": st.sampled_from(KINDS),
        "headers": st.sampled_from(ACCEPTS).map(lambda accept: {"Accept": accept}),
        "data": bodies(),
    }
)


@given(request=REQUESTS)
@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_request_is_a_mistake_of_ours(app: Flask, request: dict[str, Any]) -> None:
    response = app.test_client().open(**request)

    assert response.status_code < 500
    assert response.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path",
    [
        "/models/strokes/predict/",
        "/models//strokes/predict",
        "/models/strokes/versions/1/predict//",
    ],
)
def test_body_is_answered_whatever_slashes_its_path_has(app: Flask, path: str) -> None:
    response = app.test_client().post(path, data=picture(), content_type="image/png")

    assert (response.status_code, response.mimetype) == (200, "application/json")


@pytest.mark.parametrize("path", ["/models", "/models/rooms", "/models/rooms/drift", "/readyz"])
def test_slash_at_the_end_of_a_path_changes_nothing(app: Flask, path: str) -> None:
    client = app.test_client()

    assert client.get(f"{path}/").data == client.get(path).data


def test_slash_at_the_end_of_a_path_is_no_route_of_its_own(
    app: Flask, registry: CollectorRegistry
) -> None:
    app.test_client().get("/models/")

    labels = {"route": "/models", "method": "GET", "status": "200"}
    assert registry.get_sample_value("vitrine_requests_total", labels) == 1


def test_requests_at_the_same_time_do_not_mix(app: Flask) -> None:
    def ask(size: int) -> None:
        for _ in range(10):
            response = app.test_client().post(
                "/models/rooms/predict",
                data=b"size,colour\n" + b"%d,red\n" % size * 100,
                content_type="text/csv",
            )
            answers.append((size, set(response.text.splitlines()[1:])))

    answers: list[tuple[int, set[str]]] = []
    threads = [threading.Thread(target=ask, args=(size,)) for size in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 80
    assert all(lines == {f"{10.0 * size + 3},"} for size, lines in answers)


def test_package_costs_nothing_to_import() -> None:
    code = "import sys; before = set(sys.modules); import service; print(set(sys.modules) - before)"

    output = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert output == "{'service'}\n"


def test_service_does_not_import_what_it_must_not() -> None:
    code = "import sys, service.http.app; print([m in sys.modules for m in sys.argv[1:]])"
    modules = ["tensorflow", "keras", "onnxruntime", "training", "PIL.FitsImagePlugin"]

    output = subprocess.check_output([sys.executable, "-c", code, *modules], text=True)

    assert output == f"{[False] * len(modules)}\n"


def test_server_imports_an_application_over_the_models(
    clean: pytest.MonkeyPatch, models: Path
) -> None:
    clean.setenv("VITRINE_MODELS", str(models))

    app: Flask = runpy.run_module("service.wsgi")["app"]

    loaded = app.test_client().get("/readyz").get_json()["models"]
    assert loaded == {"rooms": [1], "strokes": [1]}


def test_only_the_first_worker_says_why_it_cannot_start(
    clean: pytest.MonkeyPatch, models: Path, tmp_path: Path
) -> None:
    (models / "rooms/1" / ONNX_NAME).unlink()
    clean.setenv("VITRINE_MODELS", str(models))
    with pytest.raises(AppImportError, match=f"{ONNX_NAME} cannot be read"):
        runpy.run_module("service.wsgi")

    clean.setenv(NUMBERS, str(tmp_path))
    with pytest.raises(AppImportError, match=f"{ONNX_NAME} cannot be read"):
        runpy.run_module("service.wsgi")
    with pytest.raises(SystemExit):
        runpy.run_module("service.wsgi")


def test_server_is_configured_by_the_settings(clean: pytest.MonkeyPatch) -> None:
    for name, value in {"HOST": "::1", "PORT": "9", "WORKERS": "3", "THREADS": "5"}.items():
        clean.setenv(f"VITRINE_{name}", value)

    conf = runpy.run_module("service.server.gunicorn_conf")

    assert (conf["bind"], conf["workers"], conf["threads"]) == ("[::1]:9", 3, 5)
    assert conf["worker_connections"] > conf["threads"]
    assert conf["control_socket_disable"]
    config = Config()
    for name in conf.keys() & config.settings.keys():
        config.set(name, conf[name])  # which checks the value


def test_bad_setting_ends_the_configuration(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("VITRINE_PORT", "http")

    with pytest.raises(SystemExit, match="VITRINE_PORT must be of type int"):
        runpy.run_module("service.server.gunicorn_conf")


def starting(*addresses: object, master: int = 0) -> Any:
    """Return what gunicorn hands to `on_starting`."""
    settings = SimpleNamespace(address=list(addresses))
    return SimpleNamespace(master_pid=master, cfg=settings, log=logging.getLogger("gunicorn"))


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_taken_address_ends_the_start(
    clean: pytest.MonkeyPatch, family: socket.AddressFamily
) -> None:
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    conf = runpy.run_module("service.server.gunicorn_conf")
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        taken.listen()
        address = taken.getsockname()[:2]

        with pytest.raises(SystemExit, match=f"Cannot listen on {host} port"):
            conf["on_starting"](starting("/some/socket", address))


def test_folder_of_metrics_is_made_and_taken_away(clean: pytest.MonkeyPatch) -> None:
    conf = runpy.run_module("service.server.gunicorn_conf")
    server = starting(master=1)

    conf["on_starting"](server)
    folder = Path(os.environ[NUMBERS])
    assert folder.is_dir()
    conf["child_exit"](server, SimpleNamespace(pid=1, age=1))
    conf["on_exit"](server)

    assert not folder.exists()


def test_given_folder_of_metrics_is_kept(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.setenv(NUMBERS, str(tmp_path / "numbers"))
    conf = runpy.run_module("service.server.gunicorn_conf")
    server = starting()

    conf["on_starting"](server)
    conf["on_exit"](server)

    assert (tmp_path / "numbers").is_dir()


def test_unwritable_folder_of_metrics_ends_the_start(
    clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    clean.setenv(NUMBERS, str(tmp_path / "file" / "numbers"))
    conf = runpy.run_module("service.server.gunicorn_conf")

    with pytest.raises(SystemExit, match="folder of the metrics cannot be written"):
        conf["on_starting"](starting())


def test_worker_told_to_stop_is_not_ready(clean: pytest.MonkeyPatch, app: Flask) -> None:
    conf = runpy.run_module("service.server.gunicorn_conf")
    worker = SimpleNamespace(is_loaded=threading.Event(), wsgi=app, alive=True)

    conf["post_worker_init"](worker)
    assert app.test_client().get("/readyz").status_code == 200
    worker.alive = False
    assert app.test_client().get("/readyz").status_code == 503


def test_messages_of_the_server_are_json(
    clean: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = runpy.run_module("service.server.gunicorn_conf")

    logger = conf["JsonLogger"](Config())

    logger.info("here I am")
    for error in (TimeoutError(), OSError("disk")):
        try:
            raise error
        except OSError:
            logger.exception("failed")

    first, second = map(json.loads, capfd.readouterr().out.splitlines())
    assert first["message"] == "here I am"
    assert "OSError: disk" in second["traceback"]


def test_serve_becomes_the_server(clean: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    clean.setattr(sys, "argv", ["service", "serve"])
    clean.setattr(os, "execv", lambda _, command: commands.append(command))

    runpy.run_module("service", run_name="__main__")

    (command,) = commands
    assert command[1:3] == ["-m", "gunicorn"]
    assert command[-2:] == ["python:service.server.gunicorn_conf", "service.wsgi:app"]


def test_command_must_be_known(
    clean: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean.setattr(sys, "argv", ["service"])

    with pytest.raises(SystemExit):
        runpy.run_module("service", run_name="__main__")

    assert "are required: COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("languages", "status"), [("all", 200), ("v2", 200), ("invocations", 404), ("", 404)]
)
def test_languages_that_the_settings_name_are_spoken(
    registry: CollectorRegistry, languages: str, status: int
) -> None:
    client = client_of(fake_repository(), registry, Settings(languages=languages))

    assert client.get("/v2/health/live").status_code == status


def test_unknown_language_is_no_setting(registry: CollectorRegistry) -> None:
    settings = Settings(languages="v2, grpc")

    with pytest.raises(InvalidSetting, match=r"VITRINE_LANGUAGES must be 'all', .*: 'grpc'"):
        client_of(fake_repository(), registry, settings)
