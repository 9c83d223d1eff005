"""The voiceadmin command: the same actions and queries, from a shell."""

from __future__ import annotations

from voiceadmin.cli import people, serving, voices
from voiceadmin.cli.shell import Commands, cli

__all__ = ["Commands", "cli", "people", "serving", "voices"]
