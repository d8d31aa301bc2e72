"""One JSON object a line on standard output, for requests and for whatever else is logged."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson


class JsonFormatter(logging.Formatter):
    """Write a log record as one line of JSON: its `fields`, and its traceback where it has one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        time = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _writable(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = _writable(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


def _writable(text: str) -> str:
    """Replace what UTF-8 has no bytes for, such as parts of odd file names."""
    return text.encode(errors="replace").decode()


def json_handler() -> logging.Handler:
    """Return a handler that writes JSON to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    return handler


def configure(level: str) -> None:
    """Log what the service says, from `level` on."""
    logger = logging.getLogger("service")
    logger.handlers = [json_handler()]
    logger.propagate = False
    logger.setLevel(level)
