"""What was counted of each version, in all workers, in the words of the protocol."""

from typing import Any

from service.telemetry.metrics import Look, Metrics
from vitrine.model import Model

_NANOSECONDS = 1_000_000_000
_MILLISECONDS = 1000


def statistics_of(model: Model, metrics: Metrics, look: Look) -> dict[str, Any]:
    """Return the statistics of a version.

    Args:
        model: The version.
        metrics: The instruments.
        look: Their numbers.
    """
    version = (model.name, model.version)
    calls, instances = look.count_and_sum(metrics.batch_instances, *version)
    predicted, seconds = look.count_and_sum(metrics.inference_duration, *version)
    durations = metrics.version_request_duration
    parts = {
        part: _duration(predicted, look.number(metrics.version_seconds, *version, part))
        for part in ("queue", "decode", "encode")
    }
    return {
        "name": model.name,
        "version": str(model.version),
        "last_inference": int(look.number(metrics.last_prediction, *version) * _MILLISECONDS),
        "inference_count": int(instances),
        "execution_count": calls,
        "inference_stats": {
            "success": _duration(*look.count_and_sum(durations, *version, "success")),
            "fail": _duration(*look.count_and_sum(durations, *version, "failure")),
            "queue": parts["queue"],
            "compute_input": parts["decode"],
            "compute_infer": _duration(predicted, seconds),
            "compute_output": parts["encode"],
            "cache_hit": _duration(0, 0.0),
            "cache_miss": _duration(0, 0.0),
        },
        "response_stats": {},
        "batch_stats": [],
        "memory_usage": [],
    }


def _duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": int(seconds * _NANOSECONDS)}
