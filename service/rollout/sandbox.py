"""A process gives up the right to open files and connections, where the kernel can take it away.

References:
    Landlock: unprivileged access control, https://docs.kernel.org/userspace-api/landlock.html.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

# Numbers of system calls, which are the same for all processors, and constants of linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38  # of linux/prctl.h
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
# What the first version of Landlock knows: with the four above, making and removing of all kinds.
_ALL_FILE_ACCESS = 2**13 - 1
_ALL_NETWORK_ACCESS = 3  # to bind and to connect, over TCP
_NETWORK_VERSION = 4

# What Python and the libraries read: themselves, the C library, and what the machine is like.
_SYSTEM = ("/usr", "/lib", "/lib64", "/proc", "/sys", "/etc/ld.so.cache", "/dev/null")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def enter(folder: Path) -> bool:
    """Let this process read one folder, Python and the libraries, and open nothing else.

    Returns:
        Whether the kernel can do so. Where it cannot, or whoever started the service forbids it,
        nothing changes.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    version = kernel.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return False
    rules = _Ruleset(files=_ALL_FILE_ACCESS, network=_ALL_NETWORK_ACCESS)
    size = ctypes.sizeof(rules) if version >= _NETWORK_VERSION else 8
    ruleset = kernel.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    code = Path(__file__).parents[2]
    for path in (folder, code, *map(Path, (sys.prefix, sys.base_prefix, *_SYSTEM))):
        _allow_reading(kernel, ruleset, path)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    is_entered: bool = kernel.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return is_entered


def end_with_parent() -> None:
    """Let the kernel end this process when the one that started it ends."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _allow_reading(kernel: ctypes.CDLL, ruleset: int, path: Path) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # another system keeps its libraries elsewhere
        return
    allowed = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
    rule = _PathBeneath(allowed=allowed, parent=parent)
    kernel.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(parent)
