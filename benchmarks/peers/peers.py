"""The other servers: how each is configured, started and asked.

Each has a worker for every core. What its own documentation advises for speed is named beside it.
"""

import base64
import json
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT
from benchmarks.peers import cases
from benchmarks.peers.environments import install
from benchmarks.peers.serving import Place, Server
from benchmarks.peers.wrk import Request
from tests.servers import free_port

_SERVICES = "benchmarks.peers.services"
_BOUNDARY = "boundary-of-the-benchmark"
# MLflow holds a request, its table and its answer in memory several times over. Requests of twice
# as many rows are a fifth slower, and those of a million rows ten times.
_MLFLOW_ROWS = 50_000
_TRITON_MODEL = """\
name: "digits"
backend: "python"
max_batch_size: 64
input [ {{ name: "image" data_type: TYPE_STRING dims: [1] }} ]
output [ {{ name: "probabilities" data_type: TYPE_FP32 dims: [10] }} ]
dynamic_batching {{ }}
instance_group [ {{ count: {workers} kind: KIND_CPU }} ]
"""


def triton() -> Server:
    """NVIDIA's Triton with its Python backend.

    Its guide to optimisation advises dynamic batching and several instances of a model:
    https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/optimization.html
    The picture is sent as binary data, which saves writing and reading base64:
    https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html
    """
    site = _site_packages(install("triton"))
    home = site / "pytriton" / "tritonserver"

    def command(place: Place) -> list[str | Path]:
        _lay_out_triton(place, home)
        return [
            home / "bin/tritonserver",
            f"--model-repository={place.folder}/repository",
            f"--backend-directory={place.folder}/backends",
            *("--http-address=127.0.0.1", f"--http-port={place.port}"),
            *("--grpc-address=127.0.0.1", f"--grpc-port={free_port()}"),
            *("--metrics-address=127.0.0.1", f"--metrics-port={free_port()}"),
        ]

    return Server(
        name="triton",
        title="Triton",
        command=command,
        environment=_environment(
            BENCH_PATH=f"{ROOT}:{site}",
            LD_LIBRARY_PATH=str(sysconfig.get_config_var("LIBDIR")),
        ),
        ready="/v2/health/ready",
        asks=_asks(_binary_tensor, "/v2/health/live"),
        read=_read_v2,
    )


def _lay_out_triton(place: Place, home: Path) -> None:
    version = place.folder / "repository/digits/1"
    version.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "services/triton_model.py", version / "model.py")
    configuration = _TRITON_MODEL.format(workers=place.workers)
    (version.parent / "config.pbtxt").write_text(configuration)
    backend = place.folder / "backends/python"
    backend.mkdir(parents=True)
    # The program that runs the model is built for one version of Python, and expected there.
    program = home / "python_backend_stubs" / sysconfig.get_python_version()
    for file in (*(home / "backends/python").iterdir(), *program.iterdir()):
        if not (backend / file.name).exists():
            (backend / file.name).symlink_to(file)


def mlserver() -> Server:
    """Seldon's MLServer.

    Its page on parallel inference says how to do without processes for inference, to which each
    request is handed over: https://docs.seldon.ai/mlserver/user-guide/parallel-inference. With a
    network as small as these, two of them bring half of the throughput of none.
    """
    python = install("mlserver")

    def command(place: Place) -> list[str | Path]:
        settings = {
            "host": "127.0.0.1",
            "http_port": place.port,
            "grpc_port": free_port(),
            "metrics_port": free_port(),
            "parallel_workers": 0,
            "debug": False,
        }
        model = {"name": "digits", "implementation": f"{_SERVICES}.mlserver_model.Digits"}
        (place.folder / "settings.json").write_text(json.dumps(settings))
        (place.folder / "model-settings.json").write_text(json.dumps(model))
        return [python.with_name("mlserver"), "start", place.folder]

    return Server(
        name="mlserver",
        title="MLServer",
        command=command,
        environment=_environment(),
        ready="/v2/models/digits/ready",
        asks=_asks(_base64_tensor, "/v2/health/live"),
        read=_read_v2,
    )


def litserve() -> Server:
    """Lightning's LitServe."""
    python = install("litserve")
    return Server(
        name="litserve",
        title="LitServe",
        command=lambda _: [python, "-m", f"{_SERVICES}.litserve_app"],
        environment=_environment(),
        ready="/health",
        asks=_asks(_form, "/health"),
        read=_read_plain,
    )


def bentoml() -> Server:
    """BentoML."""
    python = install("bentoml")
    return Server(
        name="bentoml",
        title="BentoML",
        command=lambda place: [
            *(python.with_name("bentoml"), "serve", f"{_SERVICES}.bentoml_app:Digits"),
            *("--host", "127.0.0.1", "--port", str(place.port)),
        ],
        environment=_environment(BENTOML_DO_NOT_TRACK="True"),
        ready="/readyz",
        asks=_asks(_form, "/livez"),
        read=_read_plain,
    )


def ray() -> Server:
    """Ray Serve.

    The variable turns on what Ray calls its high throughput mode:
    https://docs.ray.io/en/master/kuberay/user-guides/serve-high-throughput.html
    """
    python = install("ray")
    return Server(
        name="ray",
        title="Ray Serve",
        command=lambda _: [python, "-m", f"{_SERVICES}.ray_app"],
        environment=_environment(RAY_SERVE_THROUGHPUT_OPTIMIZED="1", RAY_USAGE_STATS_ENABLED="0"),
        ready="/-/healthz",
        asks=_asks(partial(_body, "/"), "/-/healthz"),
        read=_read_plain,
    )


def flask() -> Server:
    """Flask and `model.predict` under gunicorn, as many tutorials have it."""
    python = install("flask")
    return Server(
        name="flask",
        title="Flask, model.predict",
        command=lambda place: [
            *(python.with_name("gunicorn"), "--workers", str(place.workers)),
            *("--bind", f"127.0.0.1:{place.port}", f"{_SERVICES}.flask_app:app"),
        ],
        # Every core has a worker; more threads would take the cores of the others.
        environment=_environment(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1"),
        ready="/livez",
        asks=_asks(partial(_body, "/predict"), "/livez"),
        read=_read_plain,
    )


def mlflow() -> Server:
    """MLflow's own server, with a process for every core.

    Its page on local deployment advises processes and names uvicorn as the server, which is faster
    with uvloop and httptools installed: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally
    and https://www.uvicorn.org/installation. Without uvloop every answer waits 40 ms, since the
    sockets that uvicorn shares between processes do not send small pieces at once.
    """
    python = install("mlflow")

    def command(place: Place) -> list[str | Path]:
        model = place.folder / "model"
        save: list[str | Path] = [python, "-m", f"{_SERVICES}.mlflow_model", model]
        subprocess.run(save, cwd=ROOT, check=True, capture_output=True, timeout=120)
        return [
            *(python.with_name("mlflow"), "models", "serve", "--model-uri", model),
            *("--workers", str(place.workers), "--env-manager", "local"),
            *("--host", "127.0.0.1", "--port", str(place.port)),
        ]

    return Server(
        name="mlflow",
        title="MLflow",
        command=command,
        environment=_environment(
            MLFLOW_DISABLE_TELEMETRY="true",
            PATH=f"{python.parent}:/usr/bin:/bin",  # where MLflow finds the uvicorn that it starts
        ),
        ready="/ping",
        asks={
            "row": lambda _: _data_frame(),
            "table": lambda _: Request(
                path="/invocations", media_type="text/csv", body=cases.table(_MLFLOW_ROWS)
            ),
        },
        read=lambda body: float(json.loads(body)["predictions"][0]),
        table_rows=_MLFLOW_ROWS,
    )


def bare() -> Server:
    """A server that only parses requests: no peer, but what HTTP costs at least."""
    return Server(
        name="bare",
        title="httptools on uvloop",
        command=lambda _: [sys.executable, "-m", f"{_SERVICES}.bare"],
        environment=_environment(),
        ready="/",
        asks=_asks(partial(_body, "/"), "/"),
        read=lambda _: 0.0,
    )


PEERS: Mapping[str, Callable[[], Server]] = {
    maker.__name__: maker for maker in (triton, mlserver, litserve, bentoml, ray, flask, mlflow)
}


def _environment(**more: str) -> Callable[[Place], Mapping[str, str]]:
    return lambda _: {"PYTHONPATH": str(ROOT), **more}


def _asks(picture: Callable[[], Request], alive: str) -> Mapping[str, Callable[[str], Request]]:
    return {"picture": lambda _: picture(), "alive": lambda _: Request(path=alive)}


def _site_packages(python: Path) -> Path:
    return next((python.parent.parent / "lib").glob("python3.*/site-packages"))


def _body(path: str) -> Request:
    return Request(path=path, media_type="image/png", body=cases.picture())


def _form() -> Request:
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="image"; filename="digit.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return Request(
        path="/predict",
        media_type=f"multipart/form-data; boundary={_BOUNDARY}",
        body=head.encode() + cases.picture() + f"\r\n--{_BOUNDARY}--\r\n".encode(),
    )


def _tensor(**more: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "image", "shape": [1, 1], "datatype": "BYTES", **more}]}


def _base64_tensor() -> Request:
    text = base64.b64encode(cases.picture()).decode()
    body = _tensor(data=[text], parameters={"content_type": "base64"})
    return Request(
        path="/v2/models/digits/infer",
        media_type="application/json",
        body=json.dumps(body).encode(),
    )


def _binary_tensor() -> Request:
    file = cases.picture()
    tensor = struct.pack("<I", len(file)) + file
    head = json.dumps(_tensor(parameters={"binary_data_size": len(tensor)})).encode()
    return Request(
        path="/v2/models/digits/infer",
        media_type="application/octet-stream",
        body=head + tensor,
        headers={"Inference-Header-Content-Length": str(len(head))},
    )


def _data_frame() -> Request:
    frame = {"columns": list(cases.COLUMNS), "data": [list(cases.rows(1)[0])]}
    return Request(
        path="/invocations",
        media_type="application/json",
        body=json.dumps({"dataframe_split": frame}).encode(),
    )


def _read_v2(body: bytes) -> float:
    return float(max(json.loads(body)["outputs"][0]["data"]))


def _read_plain(body: bytes) -> float:
    return float(max(json.loads(body)["probabilities"]))
