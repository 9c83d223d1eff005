"""The voiceadmin command."""

from __future__ import annotations

from voiceadmin import create_app, db
from voiceadmin.cli import Commands, cli
from voiceadmin.config import COMMAND


def main() -> None:
    """Run the command that the shell names."""
    Commands.unavailable = db.UNAVAILABLE
    cli(obj=create_app, prog_name=COMMAND)


if __name__ == "__main__":
    main()
