"""The log: one event one line of JSON on standard error, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

QUIET = {"sqlalchemy", "alembic"}


class JsonLines(logging.Formatter):
    """A record as an object on one line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event)


def configure_logs() -> None:
    """Send what this program logs to standard error, from INFO up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    ours = logging.getLogger("voiceadmin")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
