"""The voiceadmin command."""

from __future__ import annotations

from voiceadmin import create_app, db
from voiceadmin.cli import Commands, cli


def main() -> None:
    """Run the command that the shell names."""
    Commands.unavailable = db.UNAVAILABLE
    cli(obj=create_app, prog_name="voiceadmin")


if __name__ == "__main__":
    main()
