"""The runs of a study on the workers of a Ray cluster.

A worker makes a run as this process would: the seeds belong to the run, the code of the worker is
this code, and its TensorFlow takes as many threads.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from joblib import Parallel, delayed, parallel_config, register_parallel_backend

import cluster
import training
import vitrine
from cluster.connection import CannotConnect, connect
from training.errors import CannotTrain
from training.studies.study_folder import Key, MakeRuns, Result, RunOne, timed

# The libraries count threads by these, and Ray would set the first one to 1.
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# A worker whose node is lost starts again on another one, and its run with it. Workers ask for no
# CPU of Ray: the one of a lost node would wait until another worker gives its CPU back.
_WORKER_OPTIONS = {
    "num_cpus": 0,
    "scheduling_strategy": "SPREAD",
    "max_restarts": -1,
    "max_task_retries": -1,
}


def on_cluster(address: str) -> MakeRuns:
    """Connect to a Ray cluster, and return what makes the runs of a study there.

    Args:
        address: `host:port` of the head node, or `auto` for the cluster of this machine.

    Raises:
        CannotTrain: Ray is not installed, or the cluster cannot be used.
    """
    threads = str(len(os.sched_getaffinity(0)))
    variables = {name: os.environ.get(name, threads) for name in _THREADS}
    try:
        connect(
            address,
            environment="ray-training",
            packages=[cluster, training, vitrine],
            variables={**variables, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except CannotConnect as error:
        raise CannotTrain(str(error)) from error
    return _make_runs


def _make_runs(run_one: RunOne, keys: Sequence[Key]) -> Iterator[tuple[Key, Result]]:
    """Make runs on all CPUs that the cluster has now, and yield each as soon as it is finished."""
    import ray  # noqa: PLC0415
    from ray.util.joblib.ray_backend import RayBackend  # noqa: PLC0415

    class Backend(RayBackend):  # type: ignore[misc]
        """Ray's backend, whose results are taken one by one."""

        # Ray hands each result over when it is there, which joblib does not know.
        supports_return_generator = True
        _pool: Any

        def terminate(self) -> None:
            """End the workers at once: those that end in order would count as lost ones."""
            if self._pool is not None:
                for worker, _ in self._pool._actor_pool:
                    ray.kill(worker)
                self._pool = None

    register_parallel_backend("ray", Backend)
    # The data of the study travels once, and each node holds it once.
    shared = ray.put(run_one)
    workers = int(ray.cluster_resources()["CPU"])
    with parallel_config("ray", n_jobs=workers, ray_remote_args=_WORKER_OPTIONS):
        parallel = Parallel(return_as="generator_unordered", pre_dispatch="all", batch_size=1)
        yield from parallel(delayed(_run)(shared, key) for key in keys)


def _run(shared: Any, key: Key) -> tuple[Key, Result]:
    """Make one run, in a worker."""
    import ray  # noqa: PLC0415

    return key, timed(ray.get(shared), key)
