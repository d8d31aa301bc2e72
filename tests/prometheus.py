"""A real Prometheus that watches real servers with the rules that we ship."""

import http.client
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers import ROOT, Server, free_port

FOLDER = ROOT / "deploy/prometheus"
RULES = FOLDER / "rules.yml"
# How often it looks at the servers and goes through the rules, and the longest a look may take.
INTERVAL_SECONDS = 1
_START_SECONDS = 60
_STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus that is ready.

    Attributes:
        port: On 127.0.0.1.
    """

    port: int

    def ask(self, expression: str, label: str) -> dict[str, float]:
        """Evaluate an expression; return its values by one of their labels.

        As of the last time that all rules were gone through: one after the other they record what
        belongs together.
        """
        groups = self._get("/api/v1/rules?type=record")["groups"]
        time = min(group["lastEvaluation"] for group in groups if group["rules"])
        data = self._get("/api/v1/query?" + urlencode({"query": expression, "time": time}))
        return {each["metric"].get(label, ""): float(each["value"][1]) for each in data["result"]}

    def instances(self, model: str) -> dict[str, float]:
        """Return how many instances of a model, by feature, what is recorded is surely about.

        A second is what a scrape may take until its numbers are kept.
        """
        counter = f'vitrine_feature_instances_total{{model="{model}"}} offset {INTERVAL_SECONDS}s'
        return self.ask(f"sum by (feature) ({counter})", "feature")

    def alerts(self) -> set[tuple[str, str, str]]:
        """Return the name, the state and the feature of each alert that is pending or firing."""
        rules = (
            rule
            for group in self._get("/api/v1/rules?type=alert")["groups"]
            for rule in group["rules"]
        )
        return {
            (rule["name"], alert["state"], alert["labels"].get("feature", ""))
            for rule in rules
            for alert in rule["alerts"]
        }

    def firing(self, job: str) -> set[str]:
        """Return the names of the alerts that fire for a job."""
        return {
            alert["labels"]["alertname"]
            for alert in self._get("/api/v1/alerts")["alerts"]
            if alert["state"] == "firing" and alert["labels"]["job"] == job
        }

    def _get(self, path: str) -> dict[str, Any]:
        status, body = _request(self.port, path)
        if status != HTTPStatus.OK:
            raise RuntimeError(f"Prometheus answered {status}: {body.decode()}")
        data: dict[str, Any] = json.loads(body)["data"]
        return data


def _request(port: int, path: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


# A rule that looks back for minutes would keep a test waiting for as long.
_SHORT = {"1d": "60s", "1h": "20s", "15m": "1s", "5m": "5s", "1m": "1s"}


def hurried(rules: str) -> str:
    """Return rules that look back for seconds only, and wait a second before they fire."""
    rules = re.sub(r"\bfor: \w+", "for: 1s", rules)
    return re.sub(r"\[(\w+)\]", lambda found: f"[{_SHORT[found[1]]}]", rules)


@contextmanager
def watching(
    servers: Mapping[str, Sequence[Server]], rules: str | None = None
) -> Iterator[Prometheus]:
    """Watch servers until the block ends.

    Args:
        servers: The servers, by the name of their job.
        rules: The rules; by default, those that we ship.
    """
    jobs = [
        {
            "job_name": job,
            "static_configs": [{"targets": [f"127.0.0.1:{each.port}" for each in those]}],
        }
        for job, those in servers.items()
    ]
    with running(jobs, rules or RULES.read_text()) as prometheus:
        yield prometheus


@contextmanager
def discovering(url: str) -> Iterator[Prometheus]:
    """Watch the servers that an address lists until the block ends.

    Args:
        url: Address that Prometheus asks again and again for the servers.
    """
    found = {"url": url, "refresh_interval": f"{INTERVAL_SECONDS}s"}
    with running([{"job_name": "vitrine", "http_sd_configs": [found]}], RULES.read_text()) as one:
        yield one


@contextmanager
def running(jobs: Sequence[Mapping[str, Any]], rules: str) -> Iterator[Prometheus]:
    """Run a Prometheus until the block ends.

    Args:
        jobs: What it scrapes, as `scrape_configs` says it.
        rules: The rules.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "prometheus.yml"
        (Path(folder) / "rules.yml").write_text(rules)
        config.write_text(json.dumps(_config(jobs)))  # which is YAML
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        process = subprocess.Popen(command, cwd=folder)
        try:
            _await_ready(process, port)
            yield Prometheus(port)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _config(jobs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    often = f"{INTERVAL_SECONDS}s"
    return {
        "global": {"scrape_interval": often, "evaluation_interval": often},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }


def _await_ready(process: subprocess.Popen[bytes], port: int) -> None:
    started = time.perf_counter()
    while not _is_ready(port):
        if process.poll() is not None or time.perf_counter() - started > _START_SECONDS:
            raise RuntimeError(f"Prometheus did not become ready: {process.poll()}.")
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    try:
        status, _ = _request(port, "/-/ready")
    except (OSError, http.client.HTTPException):
        return False
    return status == HTTPStatus.OK
