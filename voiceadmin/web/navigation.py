"""The sections in the header of every page."""

from __future__ import annotations

from voiceadmin.identity import Role

SECTIONS = (  # path, label, and the lowest role that sees it
    ("", "Overview", Role.VIEWER),
    ("triage", "Triage", Role.VIEWER),
    ("assistants", "Assistants", Role.VIEWER),
    ("providers", "Providers", Role.VIEWER),
    ("clean-up", "Clean-up", Role.VIEWER),
    ("sources", "Sources", Role.ADMIN),
    ("activity", "Activity", Role.VIEWER),
    ("people", "People", Role.ADMIN),
    ("api-keys", "API keys", Role.ADMIN),
)
