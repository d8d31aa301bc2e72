"""Log records as lines of JSON."""

import json
import logging
import os
from collections.abc import Iterator

import pytest

from service.telemetry import logs
from service.telemetry.line_writer import LineWriter


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The service's logger, put back as it was."""
    logger = logging.getLogger("service")
    before = (logger.handlers, logger.propagate, logger.level)
    yield logger
    logger.handlers, logger.propagate, logger.level = before


def format_record(message: str, *values: object, **more: object) -> dict[str, object]:
    """Format a record and read the line again."""
    record = logging.LogRecord("a.b", logging.INFO, __file__, 1, message, values, None)
    record.__dict__.update(more)
    line: dict[str, object] = json.loads(logs.JsonFormatter().format(record))
    return line


def test_line_says_when_how_bad_who_and_what() -> None:
    line = format_record("took %d", 3, created=0.25, fields={"request_id": "x"})

    assert line == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "INFO",
        "logger": "a.b",
        "message": "took 3",
        "request_id": "x",
    }


def test_line_holds_the_traceback() -> None:
    error = ZeroDivisionError("a reason")

    line = format_record("failed", exc_info=(type(error), error, None))

    assert "ZeroDivisionError" in str(line["traceback"])


def test_line_is_written_whatever_the_message() -> None:
    assert format_record("file \udcff\n")["message"] == "file ?\n"


def test_service_logs_from_a_level_on(
    logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure("WARNING")

    logging.getLogger("service.some").info("quiet")
    logging.getLogger("service.some").warning("loud")

    logger.handlers[0].flush()
    (line,) = capfd.readouterr().out.splitlines()
    assert json.loads(line)["message"] == "loud"


def test_errors_do_not_wait_for_other_lines() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing, describe_drop=logs.describe_drop, wait_seconds=3600)
    handler = logs.LineHandler(writer)

    for level in (logging.INFO, logging.ERROR):
        handler.handle(logging.LogRecord("a", level, __file__, 1, "broken", None, None))

    read = b""
    while b"ERROR" not in read:
        read += os.read(reading, 2**16)
    os.close(reading)
    os.close(writing)
    assert [json.loads(line)["level"] for line in read.splitlines()] == ["INFO", "ERROR"]


def test_line_says_how_many_lines_are_missing() -> None:
    line = json.loads(logs.describe_drop(3))

    assert (line["level"], line["message"], line["lines"]) == ("WARNING", "log lines dropped", 3)
