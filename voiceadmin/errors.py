"""Domain exceptions. The message is written for the user; nothing here knows HTTP."""

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


class DatabaseNotReady(Problem):
    """The store cannot be used as it is: not reachable, or made by another version."""


class ServeRefused(Problem):
    """The server will not start like this."""


class SignInRefused(Problem):
    """E-mail and password do not fit together, or the account is disabled; which of these is not told."""


class RateLimited(Problem):
    """Too many tries. wait: seconds until the next one may go well."""

    def __init__(self, text: str, wait: float) -> None:
        super().__init__(text)
        self.wait = wait


class LinkRefused(Problem):
    """A link is not good, or not any more."""


class AccountNotFound(Problem):
    """There is no such account, or none that this person may manage."""


class KeyNotFound(Problem):
    """There is no such API key, or none that this person may manage."""


class LinkNotFound(Problem):
    """There is no such open link, or none that this person may manage."""


class SessionNotFound(Problem):
    """There is no such session, or none of one's own."""


class ChangeRefused(Problem):
    """What was asked for would leave things in a state that they must not be in."""


class AuthenticationRequired(Problem):
    """Whoever asks is not known."""


class ReauthenticationRequired(Problem):
    """Whoever asks has to give their password again."""


class InvalidApiKey(Problem):
    """An API key opens nothing: unknown, expired or revoked."""


class ObjectNotFound(Problem):
    """One of the voices and assistants that were chosen is not there, or not in reach."""


class SelectionChanged(Problem):
    """What filters match is not what it was when somebody decided about all of it."""


class OperationNotFound(Problem):
    """There is no such operation, or it changed something out of reach."""


class PlanNotFound(Problem):
    """There is no such plan of a clean-up, or it has voices out of reach."""
