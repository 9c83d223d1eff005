"""Entry point of the voiceadmin command."""

from __future__ import annotations

from voiceadmin import create_app
from voiceadmin.accounts import cli as accounts
from voiceadmin.api_keys import cli as api_keys
from voiceadmin.cleanup import cli as cleanup
from voiceadmin.cli import ErrorReportingGroup, cli
from voiceadmin.config import COMMAND
from voiceadmin.history import cli as history
from voiceadmin.management import cli as management
from voiceadmin.server import cli as server
from voiceadmin.sources import cli as sources
from voiceadmin.sources import sync_cli as syncs
from voiceadmin.totals import cli as totals
from voiceadmin.voices import cli as voices

__all__ = [
    "ErrorReportingGroup",
    "accounts",
    "api_keys",
    "cleanup",
    "cli",
    "history",
    "management",
    "server",
    "sources",
    "syncs",
    "totals",
    "voices",
]


def main() -> None:
    """Run the command of the command line."""
    cli(obj=create_app, prog_name=COMMAND)


if __name__ == "__main__":
    main()
