"""What can go wrong in the domain. Each text is written for the person who reads it; no HTTP in here."""

from __future__ import annotations


class Problem(Exception):
    """Base of all expected failures. Its text names what is wrong and what to do."""


class AssistantNotFound(Problem):
    """There is no assistant with this id."""


class OrganizationNotFound(Problem):
    """There is no organization with this id."""


class VoiceNotFound(Problem):
    """There is no voice with this id."""


class ImportRefused(Problem):
    """An import cannot even begin: its target or its input makes no sense."""


class SampleRefused(Problem):
    """The sample data would meet data that is not its own."""


class BadSettings(Problem):
    """Settings are missing or malformed; the text lists all of them, by name, never by value."""


class StoreNotReady(Problem):
    """The store cannot be used as it is: not reachable, or made by another version."""


class ServeRefused(Problem):
    """The server will not start like this."""
