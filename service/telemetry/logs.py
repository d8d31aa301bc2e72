"""The log: one JSON object per line on standard output."""

import atexit
import logging
import os
import select
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from service.telemetry.line_writer import LineWriter
from service.telemetry.sampling import RequestSampling

# Ours, and that of the library that sends spans.
_LOGGERS = ("service", "opentelemetry")
# Name of the logger of changes to what is served.
AUDIT = "service.audit"
# Name of the logger of requests.
ACCESS = "service.access"

_PATIENCE_SECONDS = 0.1

_log = logging.getLogger(__name__)

# What a record has beside, and nobody is told of requests.
_UNSAID: Mapping[str, Any] = {
    **dict.fromkeys(("args", "exc_info", "exc_text", "stack_info")),
    **dict.fromkeys(("pathname", "filename", "module", "funcName"), ""),
    "lineno": 0,
}


class FieldsRecord(logging.LogRecord):
    """A log record of fields, made in a tenth of the time of an ordinary one.

    An ordinary record looks up the thread, the process and the file, which the log does not tell.

    Args:
        name: Name of the logger.
        level: Level of the record.
        message: What is logged.
        fields: Its fields.
    """

    def __init__(self, name: str, level: int, message: str, fields: dict[str, Any]) -> None:
        created = time.time()
        # Formatters read the dictionary, not the attributes.
        self.__dict__ = {
            **_UNSAID,
            "name": name,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": message,
            "created": created,
            "msecs": created % 1 * 1000,
            "fields": fields,
        }


class JsonFormatter(logging.Formatter):
    """Write a log record as one line of JSON, with its `fields` and its traceback, if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
        return self.line(record)[:-1].decode()

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the line in UTF-8, with its line break."""
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": _writable(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = _writable(self.formatException(record.exc_info))
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _time(seconds: float) -> str:
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{_second(whole)}.{milliseconds:03}+00:00"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _writable(text: str) -> str:
    """Replace characters that UTF-8 cannot encode; odd file names have them."""
    return text.encode(errors="replace").decode()


class LineHandler(logging.Handler):
    """Hands each record to a line writer, and those of errors without delay.

    Args:
        writer: Writes the lines.
    """

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over a record."""
        try:
            line = _FORMATTER.line(record)
        except Exception:  # noqa: BLE001 - `logging` says so on standard error
            self.handleError(record)
        else:
            self._writer.write(line, is_urgent=record.levelno >= logging.ERROR)

    def flush(self) -> None:
        """Write what waits."""
        self._writer.flush()


_FORMATTER = JsonFormatter()


def describe_drop(lines: int) -> bytes:
    """Return a line of the log that says how many others are missing."""
    fields = {"lines": lines}
    return _FORMATTER.line(FieldsRecord(__name__, logging.WARNING, "log lines dropped", fields))


def _tell(message: str, fields: dict[str, Any]) -> None:
    _log.warning(message, extra={"fields": fields})


class ImmediateHandler(logging.Handler):
    """Writes each record at once, and drops it where nobody takes it within a tenth of a second.

    It starts no thread, so that a process that uses it can be forked. A process that keeps others
    running must not wait for a log that nobody reads.

    Args:
        descriptor: Descriptor of the file.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._dropped = 0
        self._is_cut = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or drop it."""
        try:
            line = _FORMATTER.line(record)
        except Exception:  # noqa: BLE001 - `logging` says so on standard error
            self.handleError(record)
            return
        if self._dropped and self._write(describe_drop(self._dropped)):
            self._dropped = 0
        if not self._write(line):
            self._dropped += 1

    def _write(self, line: bytes) -> bool:
        """Return whether a line was written, in pieces that the kernel takes as a whole."""
        rest = b"\n" * self._is_cut + line
        while rest:
            if not self._poll.poll(1000 * _PATIENCE_SECONDS):
                return False
            try:
                rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
            except OSError:  # the disk is full, or the reader is gone
                return False
            self._is_cut = bool(rest)
        return True


def json_handler() -> logging.Handler:
    """Return a handler that writes each record to standard output at once."""
    return ImmediateHandler(sys.stdout.fileno())


def configure(level: str, *, sampling: float = 1.0) -> LineWriter:
    """Log the messages that have at least this level, of the service and of what sends its spans.

    Args:
        level: The level.
        sampling: Share of the healthy requests that are logged.

    Returns:
        What writes the lines.
    """
    writer = LineWriter(sys.stdout.fileno(), describe_drop=describe_drop)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [LineHandler(writer)]
        logger.propagate = False
        logger.setLevel(level)
    requests = RequestSampling(sampling, tell=_tell)
    logging.getLogger(ACCESS).filters = [requests]
    # At the end of the process, in the reverse order.
    atexit.register(writer.flush)
    atexit.register(requests.summarize)
    # Whatever else is logged, who changed something is.
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    return writer
