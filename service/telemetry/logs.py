"""The log: one JSON object per line on standard output."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson


class JsonFormatter(logging.Formatter):
    """Write a log record as one line of JSON, with its `fields` and its traceback, if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
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
    """Replace characters that UTF-8 cannot encode; odd file names have them."""
    return text.encode(errors="replace").decode()


def json_handler() -> logging.Handler:
    """Return a handler that writes JSON to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    return handler


def configure(level: str) -> None:
    """Log the messages of the service that have at least this level."""
    logger = logging.getLogger("service")
    logger.handlers = [json_handler()]
    logger.propagate = False
    logger.setLevel(level)
