"""A saved network -> a function on arrays.

ONNX Runtime runs every bundle that has an ONNX file. TensorFlow, where it is installed, runs a
bundle that has a Keras file alone; the service itself does not need TensorFlow.
"""

import os
import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine import bundle
from vitrine.bundle import KERAS_NAME, ONNX_NAME, InvalidBundle, Manifest
from vitrine.onnx_file import Declared, UnreadableFile, read_declared

# A network runs on so many instances at a time. Its intermediate results then take a few megabytes,
# however long a block of a table is, and stay in the processor's cache.
_MOST_AT_ONCE = 1024
# Longer than any trial of a version may take.
_LONGEST_PASS_SECONDS = 10.0

_OLDER = (".h5", ".hdf5")

Tensors = Mapping[str, NDArray[Any]]
Engine = Callable[[Tensors], dict[str, NDArray[np.float32]]]


def load_engine(folder: Path, manifest: Manifest, *, threads: int) -> Engine:
    """Open the network of a version.

    Args:
        folder: Folder of the bundle, whose files are already verified.
        manifest: Manifest of the bundle.
        threads: Number of threads that one call may use.

    Returns:
        A thread-safe function from the tensors of the inputs to the outputs, by their names in the
        signature.

    Raises:
        InvalidBundle: No installed engine can run the network, or its inputs or outputs are not
            those of the signature.
    """
    if ONNX_NAME in manifest.files:
        return _load_onnx(folder, manifest, threads=threads)
    if KERAS_NAME not in manifest.files:
        # Keras' older format may hold code, which loading would run.
        older = next((name for name in manifest.files if name.lower().endswith(_OLDER)), None)
        more = "" if older is None else f" {older} is not opened: the service takes no .h5 files."
        raise InvalidBundle(f"{folder}: There is neither {ONNX_NAME} nor {KERAS_NAME}.{more}")
    if find_spec("tensorflow") is None:
        raise InvalidBundle(
            f"{folder}: There is no {ONNX_NAME}, and TensorFlow, which would run {KERAS_NAME}, "
            "is not installed."
        )
    return _load_keras(folder, manifest)


def import_runtime(manifest: Manifest) -> None:
    """Import the library that would run a version, as opening its network does first."""
    if ONNX_NAME in manifest.files:
        import onnxruntime  # noqa: F401, PLC0415
    elif KERAS_NAME in manifest.files and find_spec("tensorflow") is not None:
        import tensorflow  # noqa: F401, PLC0415


def runtime() -> str:
    """Name what runs ONNX files, and its version."""
    import onnxruntime  # noqa: PLC0415

    return f"onnxruntime {onnxruntime.__version__}"


def declared_bytes(folder: Path, manifest: Manifest) -> int:
    """Return the memory that the tensors of a version's ONNX file declare to take; 0 without one.

    Raises:
        InvalidBundle: The file cannot be opened, or it is not whole in itself.
    """
    return _read_onnx(folder)[1].tensor_bytes if ONNX_NAME in manifest.files else 0


def _load_onnx(folder: Path, manifest: Manifest, *, threads: int) -> Engine:
    # The import starts threads that a forked worker would lack, and wait for at its end.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    # A table's network is many small operations, which are slower on two threads than on one.
    options.intra_op_num_threads = 1 if manifest.signature.picture is None else threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores that other requests are decoded on. An arena keeps the
    # memory of the largest batch, and saves less than half a microsecond of a small pass.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # The format whose tensors were looked at; the runtime would take its own one for it, too.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    network, declared = _read_onnx(folder)
    try:
        session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the errors of the runtime share no other base class
        raise InvalidBundle(
            f"{folder}: {ONNX_NAME} cannot be opened: {type(error).__name__}."
        ) from error
    _check_inputs(folder, manifest, {tensor.name for tensor in session.get_inputs()})
    tensors = [output.tensor for output in manifest.signature.outputs]
    names = [output.name for output in manifest.signature.outputs]
    missing = set(tensors) - {tensor.name for tensor in session.get_outputs()}
    if missing:
        raise InvalidBundle(f"{folder}: {ONNX_NAME} lacks the outputs {sorted(missing)}.")

    # A timer costs a thread: networks without loops, which always end, have none.
    run_session = _limited(session) if declared.has_loops else session.run

    def run(feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        count = len(next(iter(feeds.values())))
        if count <= _MOST_AT_ONCE:
            return dict(zip(names, run_session(tensors, feeds), strict=True))
        parts = [
            run_session(tensors, {name: array[first:last] for name, array in feeds.items()})
            for first, last in pairwise([*range(0, count, _MOST_AT_ONCE), count])
        ]
        return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))

    return run


def _read_onnx(folder: Path) -> tuple[bytes, Declared]:
    """Read an ONNX file, if it is whole in itself."""
    with bundle.open_file(folder, ONNX_NAME) as stream:
        network = stream.read()
    try:
        return network, read_declared(network)
    except UnreadableFile as error:
        raise InvalidBundle(f"{folder}: {ONNX_NAME} cannot be opened: it {error}.") from error


def _limited(session: Any) -> Callable[..., Any]:
    """Return a function that runs a network, and ends a pass that takes too long.

    How often a loop is repeated may depend on an instance, so that no trial shows its time.
    """
    import onnxruntime  # noqa: PLC0415

    def run(tensors: list[str], feeds: Tensors) -> Any:
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        timer = threading.Timer(_LONGEST_PASS_SECONDS, setattr, (options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            return session.run(tensors, feeds, options)
        finally:
            timer.cancel()

    return run


def _load_keras(folder: Path, manifest: Manifest) -> Engine:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: PLC0415 - seconds and hundreds of megabytes, only for bundles that need it
    import tensorflow as tf  # noqa: PLC0415

    try:
        network = keras.saving.load_model(folder / KERAS_NAME, compile=False, safe_mode=True)
    except Exception as error:  # a damaged archive may fail in any layer of Keras
        raise InvalidBundle(
            f"{folder}: {KERAS_NAME} cannot be opened: {type(error).__name__}."
        ) from error
    _check_inputs(folder, manifest, {tensor.name for tensor in network.inputs})
    outputs = manifest.signature.outputs
    # A free batch axis: one trace serves every batch size.
    specs = {
        spec.tensor: tf.TensorSpec((None, *spec.shape), spec.dtype, name=spec.tensor)
        for spec in manifest.signature.inputs
    }
    call = tf.function(lambda feeds: network(feeds, training=False), input_signature=[specs])

    def run(feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        answers = call({name: tf.constant(array) for name, array in feeds.items()})
        return {output.name: answers[output.tensor].numpy() for output in outputs}

    return run


def _check_inputs(folder: Path, manifest: Manifest, inputs: set[str]) -> None:
    expected = {spec.tensor for spec in manifest.signature.inputs}
    if inputs != expected:
        raise InvalidBundle(
            f"{folder}: The network has the inputs {sorted(inputs)}, but the signature has "
            f"{sorted(expected)}."
        )


def available_cpus() -> int:
    """Return the number of cores that this process may use.

    It is the least of the quota of its cgroup, rounded up, the cores that the scheduler allows, and
    the number in `PYTHON_CPU_COUNT`, by which Python 3.13 is told the same.
    """
    allowed = min(len(os.sched_getaffinity(0)), _cgroup_quota(Path("/sys/fs/cgroup")))
    told = os.environ.get("PYTHON_CPU_COUNT", "")
    return max(1, min(allowed, int(told)) if told.isdecimal() else allowed)


def _cgroup_quota(root: Path) -> int:
    unlimited = os.cpu_count() or 1
    try:
        quota, period = _quota_files(root)
        return -(-int(quota) // int(period)) if int(quota) > 0 else unlimited
    except (OSError, ValueError):  # no cgroup mounted, or version 2's "max"
        return unlimited


def _quota_files(root: Path) -> tuple[str, str]:
    if (root / "cpu.max").exists():
        quota, period = (root / "cpu.max").read_text().split()
        return quota, period
    return (root / "cpu/cpu.cfs_quota_us").read_text(), (root / "cpu/cpu.cfs_period_us").read_text()
