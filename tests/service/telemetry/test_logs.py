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


def test_requests_are_sampled(logger: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", sampling=0)
    requests = logging.getLogger(logs.ACCESS)
    fields = {"route": "/", "complete": True, "duration_ms": 1.0}

    for status in (200, 500):
        request = {**fields, "status": status}
        requests.handle(logs.FieldsRecord(requests.name, logging.INFO, "request", request))

    logger.handlers[0].flush()
    requests.filters.clear()
    (line,) = capfd.readouterr().out.splitlines()
    assert json.loads(line)["status"] == 500


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


def test_log_that_nobody_reads_does_not_stop_a_process() -> None:
    reading, writing = os.pipe()
    handler = logs.ImmediateHandler(writing)
    record = logging.LogRecord("a", logging.INFO, __file__, 1, "x" * 5000, None, None)

    for _ in range(20):  # a pipe holds 64 KiB
        handler.handle(record)

    read = os.read(reading, 2**20)
    handler.handle(record)
    os.close(writing)
    read += os.read(reading, 2**20)
    os.close(reading)
    *before, dropped, last = read.splitlines()
    whole = [json.loads(line) for line in (*before, last) if line.endswith(b"}")]
    assert len(before) - len(whole) <= 0  # one may be cut off
    assert {line["message"] for line in whole} == {"x" * 5000}
    assert json.loads(dropped)["lines"] == 21 - len(whole)


def test_line_says_how_many_lines_are_missing() -> None:
    line = json.loads(logs.describe_drop(3))

    assert (line["level"], line["message"], line["lines"]) == ("WARNING", "log lines dropped", 3)
