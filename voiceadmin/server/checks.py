"""Security checks of a deployment: settings, files, process, accounts and API keys."""

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

GROUP_AND_OTHERS = 0o077  # permission bits of a file's mode


SAFE_SSL_MODES = {"require", "verify-ca", "verify-full"}


class DeploymentRisk(NamedTuple):
    """One unsafe property of a deployment and its remedy. is_critical: `serve` refuses to start."""

    problem: str
    remedy: str
    is_critical: bool = False

    def __str__(self) -> str:
        """Return problem and remedy in one line."""
        return f"{self.problem} {self.remedy}"


def find_deployment_risks(settings: Settings, *, debug: bool) -> list[DeploymentRisk]:
    """Find unsafe settings and files. debug: whether Flask runs in debug mode."""
    return [*_check_process(debug=debug), *_check_files(settings), *_check_settings(settings)]


def _check_process(*, debug: bool) -> Iterator[DeploymentRisk]:
    if debug or os.environ.get("FLASK_DEBUG", "0") not in ("", "0", "false", "no"):
        yield DeploymentRisk(
            "Flask runs in debug mode, which shows source code on error pages.",
            "Unset FLASK_DEBUG.",
            is_critical=True,
        )
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield DeploymentRisk("voiceadmin runs as root.", "Run it as a dedicated user that owns the instance folder.")


def _check_files(settings: Settings) -> Iterator[DeploymentRisk]:
    if not settings.database_url.startswith("sqlite:"):
        return
    database = settings.instance / settings.database_url.removeprefix("sqlite:///")
    for path in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & GROUP_AND_OTHERS:
            yield DeploymentRisk(
                f"Other users of this machine can open {path}.", f"Run: chmod 600 {path}", is_critical=True
            )


def _check_settings(settings: Settings) -> Iterator[DeploymentRisk]:
    if settings.anonymous_role is not Role.ANYONE:
        yield DeploymentRisk(
            f"Anonymous requesters have the role {settings.anonymous_role.label.lower()}.",
            "Unset VOICEADMIN_ANONYMOUS_ROLE and invite people.",
        )
    if settings.plain_cookies:
        yield DeploymentRisk(
            "Session cookies are also sent without encryption, where they can be stolen.",
            "Unset VOICEADMIN_PLAIN_COOKIES and serve over HTTPS.",
        )
    yield from _check_network(settings)
    if settings.database_url.startswith("postgresql"):
        yield from _check_postgresql(settings)


def _check_network(settings: Settings) -> Iterator[DeploymentRisk]:
    if settings.hosts == Settings().hosts:
        yield DeploymentRisk(
            "The server accepts only the host names of this machine.",
            "Add its public name to VOICEADMIN_HOSTS.",
        )
    if not settings.proxies:
        yield DeploymentRisk(
            "The server uses plain HTTP and trusts no proxy: signing in works only on this machine, and behind a proxy "
            "all requesters have the same address.",
            "Put a proxy with TLS in front, and set VOICEADMIN_PROXIES to the number of proxies.",
        )


def _check_postgresql(settings: Settings) -> Iterator[DeploymentRisk]:
    url = urlsplit(settings.database_url)
    if url.hostname not in (None, "localhost", "127.0.0.1", "::1"):
        modes = parse_qs(url.query).get("sslmode", ["prefer"])
        if modes[-1] not in SAFE_SSL_MODES:
            yield DeploymentRisk(
                "The connection to PostgreSQL may be unencrypted.",
                "Add ?sslmode=verify-full to VOICEADMIN_DATABASE_URL.",
            )
    if settings.secret_key is None:
        yield DeploymentRisk(
            "Each start generates another secret key, so that one server refuses the forms of another.",
            "Set VOICEADMIN_SECRET_KEY to the same random text on every server.",
        )


def find_account_risks(admins: int, keys: Sequence[ApiKeyRow]) -> Iterator[DeploymentRisk]:
    """Find unsafe accounts and API keys. admins: the number of enabled platform admins."""
    if admins == 0:
        yield DeploymentRisk(
            "There is no account yet: the first user of the set-up link becomes platform admin.",
            f"Create an account: {format_command('account add YOU@EXAMPLE.COM --platform')}",
        )
    elif admins == 1:
        yield DeploymentRisk(
            "There is only one platform admin; no other account could restore its access.",
            f"Add another platform admin: {format_command('account add COLLEAGUE@EXAMPLE.COM --platform')}",
        )
    for key in keys:
        if key.expires_at is None and key.revoked_at is None:
            yield DeploymentRisk(
                f"The API key “{key.name}” ({key.hint}…) never expires.",
                f"Create a key that expires, and revoke this one: {format_command(f'key revoke {key.id}')}",
            )


def refuse_critical_risks(found: Sequence[DeploymentRisk]) -> None:
    """Raise ServeRefused with one line per critical risk, if there are any."""
    critical = [str(risk) for risk in found if risk.is_critical]
    if critical:
        raise ServeRefused("\n".join(critical))
