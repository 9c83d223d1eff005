"""What is unsafe about a deployment, each with its remedy, and what is so grave that nothing is served."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from voiceadmin.api_keys.types import ApiKeyRow
from voiceadmin.config import Settings, format_command
from voiceadmin.errors import ServeRefused
from voiceadmin.identity import Role

OURS_ALONE = 0o077  # the bits of a file's mode that let others near it


ALL_ADDRESSES = {"0.0.0.0", "::"}  # noqa: S104  # only compared with


SAFE_SSL = {"require", "verify-ca", "verify-full"}


class DeploymentRisk(NamedTuple):
    """What is unsafe, and what to do. grave: the server does not start like this."""

    says: str
    remedy: str
    grave: bool = False

    def __str__(self) -> str:
        """Both in one line."""
        return f"{self.says} {self.remedy}"


def find_deployment_risks(settings: Settings, *, debug: bool) -> list[DeploymentRisk]:
    """Find unsafe settings and files. debug: whether Flask runs in debug mode."""
    return [*_of_process(debug=debug), *_of_files(settings), *_of_settings(settings)]


def _of_process(*, debug: bool) -> Iterator[DeploymentRisk]:
    if debug or os.environ.get("FLASK_DEBUG", "0") not in ("", "0", "false", "no"):
        yield DeploymentRisk(
            "Flask runs in debug mode, which shows its code to visitors.", "Unset FLASK_DEBUG.", grave=True
        )
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield DeploymentRisk("It runs as root.", "Run it as a user of its own, who owns the instance folder.")


def _of_files(settings: Settings) -> Iterator[DeploymentRisk]:
    if not settings.database_url.startswith("sqlite:"):
        return
    database = settings.instance / settings.database_url.removeprefix("sqlite:///")
    for path in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & OURS_ALONE:
            yield DeploymentRisk(f"Others on this machine can open {path}.", f"Run: chmod 600 {path}", grave=True)


def _of_settings(settings: Settings) -> Iterator[DeploymentRisk]:
    if settings.anonymous_role is not Role.ANYONE:
        yield DeploymentRisk(
            f"Whoever reaches the server is {settings.anonymous_role.label.lower()} without signing in.",
            "Unset VOICEADMIN_ANONYMOUS_ROLE and invite people.",
        )
    if settings.plain_cookies:
        yield DeploymentRisk(
            "Cookies travel without encryption too, so whoever listens can take over a session.",
            "Unset VOICEADMIN_PLAIN_COOKIES and serve over HTTPS.",
        )
    if settings.hosts == Settings().hosts:
        yield DeploymentRisk(
            "It answers to names of this machine alone, so nobody else can use it.",
            "Put its public name into VOICEADMIN_HOSTS.",
        )
    if not settings.proxies:
        yield DeploymentRisk(
            "It speaks plain HTTP, and believes no proxy: signing in works on this machine alone, and every requester "
            "of a proxy has its address.",
            "Put a proxy with TLS in front, and set VOICEADMIN_PROXIES to how many there are.",
        )
    if settings.database_url.startswith("postgresql"):
        yield from _of_postgresql(settings)


def _of_postgresql(settings: Settings) -> Iterator[DeploymentRisk]:
    url = urlsplit(settings.database_url)
    if url.hostname not in (None, "localhost", "127.0.0.1", "::1"):
        modes = parse_qs(url.query).get("sslmode", ["prefer"])
        if modes[-1] not in SAFE_SSL:
            yield DeploymentRisk(
                "What PostgreSQL answers may travel without encryption.",
                "Add ?sslmode=verify-full to VOICEADMIN_DATABASE_URL.",
            )
    if settings.secret_key is None:
        yield DeploymentRisk(
            "Each start draws another key for the tokens of forms, so a form of one server is refused by another.",
            "Set VOICEADMIN_SECRET_KEY to the same random text everywhere.",
        )


def find_account_risks(admins: int, keys: Sequence[ApiKeyRow]) -> Iterator[DeploymentRisk]:
    """Find unsafe accounts and API keys. admins: the number of enabled platform admins."""
    if admins == 0:
        yield DeploymentRisk(
            "There is no account yet: whoever gets hold of the set-up link is an admin.",
            f"Make one: {format_command('account add YOU@EXAMPLE.COM --platform')}",
        )
    elif admins == 1:
        yield DeploymentRisk(
            "Only one person is an admin of the platform; nobody else could let them in again.",
            f"Make somebody else one: {format_command('account add COLLEAGUE@EXAMPLE.COM --platform')}",
        )
    for key in keys:
        if key.expires_at is None and key.revoked_at is None:
            yield DeploymentRisk(
                f"The API key “{key.name}” ({key.hint}…) never expires.",
                f"Make another one that does, and revoke it: {format_command(f'key revoke {key.id}')}",
            )


def refuse_critical_risks(found: Sequence[DeploymentRisk]) -> None:
    """Raise ServeRefused that says everything grave, one line each."""
    grave = [str(danger) for danger in found if danger.grave]
    if grave:
        raise ServeRefused("\n".join(grave))


def invitation_url(settings: Settings, token: str, *, host: str | None = None, port: int | None = None) -> str:
    """Return the address of an invitation.

    It has the public host name of VOICEADMIN_HOSTS if there is one, else the address on which the server listens.
    Where neither is known, as in a command beside a running server, it is a path without an address.

    Args:
        settings: name the public host.
        token: the secret of the invitation.
        host: the address on which the server listens, None if it is not known.
        port: the port on which the server listens, None if it is not known.
    """
    path = f"/links/{token}"
    if settings.hosts != Settings().hosts:
        return f"https://{settings.hosts[0].lstrip('.')}{path}"
    if host is None or port is None:
        return path
    if host in ALL_ADDRESSES:
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
