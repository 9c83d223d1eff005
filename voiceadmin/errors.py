"""Domain exceptions. Their messages are shown to the user; web/errors.py maps them to HTTP statuses."""

from __future__ import annotations


class Problem(Exception):
    """Base class of expected failures. The message says what is wrong and what to do."""


class AssistantNotFound(Problem):
    """There is no assistant with this id."""


class OrganizationNotFound(Problem):
    """There is no organization with this id."""


class VoiceNotFound(Problem):
    """There is no voice with this id."""


class ImportRefused(Problem):
    """An import cannot start, because its target or its input is invalid, or because it lacks space."""


class ImportInterrupted(Problem):
    """A part of an import is written, and the rest will be written by the next import or start of a server."""


class SourceRefused(Problem):
    """A source cannot be created, changed or used as given."""


class SourceNotFound(Problem):
    """There is no source with this id."""


class SampleRefused(Problem):
    """The sample data would conflict with other data."""


class BadSettings(Problem):
    """Settings are missing or malformed. The message lists all of them by name, never by value."""


class DatabaseNotReady(Problem):
    """The database cannot be used: it is unreachable, or has the schema of another version."""


class ServeRefused(Problem):
    """The server cannot start with these settings or on this address."""


class SignInRefused(Problem):
    """The e-mail or the password is wrong, or the account is disabled. The message does not say which."""


class RateLimited(Problem):
    """Too many requests or attempts. wait: seconds until the next one can succeed."""

    def __init__(self, text: str, wait: float) -> None:
        super().__init__(text)
        self.wait = wait


class LinkRefused(Problem):
    """A one-time link is unknown, used, expired or revoked."""


class AccountNotFound(Problem):
    """There is no such account, or the requester may not manage it."""


class KeyNotFound(Problem):
    """There is no such API key, or the requester may not manage it."""


class LinkNotFound(Problem):
    """There is no such open invitation, or the requester may not manage it."""


class SessionNotFound(Problem):
    """There is no such session, or it belongs to another account."""


class ChangeRefused(Problem):
    """The change would leave the data in an invalid state."""


class AuthenticationRequired(Problem):
    """The request has no valid session or API key."""


class ReauthenticationRequired(Problem):
    """The action needs the password again, because it was last entered too long ago."""


class InvalidApiKey(Problem):
    """The API key is unknown, expired or revoked."""


class ObjectNotFound(Problem):
    """A selected voice, assistant or source does not exist or is outside the requester's scope."""


class SelectionChanged(Problem):
    """The filters match other objects than those that the user confirmed."""


class OperationNotFound(Problem):
    """There is no such operation, or it changed objects outside the requester's scope."""


class PlanNotFound(Problem):
    """There is no such clean-up plan, or it has voices outside the requester's scope."""
