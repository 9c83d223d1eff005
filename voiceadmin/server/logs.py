"""Logging: each event is one line of JSON on standard error."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any


class JsonLines(logging.Formatter):
    """Formats a log record as one JSON object: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of ASCII; JSON escapes line breaks and control characters."""
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event)


class WithoutPath(logging.Filter):
    """Removes the request path from waitress's messages: it may contain the secret of a one-time link."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and keep it."""
        if str(record.msg).startswith("Exception while serving"):
            record.msg, record.args = "Exception while a response was created", ()
        return True


# For dictConfig. waitress.queue warns when a request waits for a thread, which is normal.
LOG_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLines}},
    "filters": {"without path": {"()": WithoutPath}},
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "loggers": {
        "voiceadmin": {"level": "INFO", "handlers": ["json"], "propagate": False},
        "gunicorn.error": {"level": "WARNING", "handlers": ["json"], "propagate": False},
        "waitress": {"level": "WARNING", "handlers": ["json"], "propagate": False, "filters": ["without path"]},
        "waitress.queue": {"level": "ERROR"},
    },
}


def configure_logs() -> None:
    """Send the logs of this program and of its server to standard error, one line of JSON for each event."""
    dictConfig(LOG_CONFIG)
