"""Security checks of a deployment: settings, files, process, accounts and API keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from sqlalchemy import make_url

from voiceadmin.api_keys.types import ApiKeyRow
from voiceadmin.config import Settings, format_command, is_loopback
from voiceadmin.database.engine import sqlite_path
from voiceadmin.errors import ServeRefused
from voiceadmin.identity import Role

GROUP_AND_OTHERS = 0o077  # permission bits of a file's mode


CHECKING_SSL_MODES = {"verify-ca", "verify-full"}  # of libpq: they check the certificate of the server


SAFE_SESSION_HOURS = 24  # OWASP ASVS 5.0 asks for a documented limit; a working day with its breaks is below it


SAFE_IDLE_MINUTES = 120


USUAL_PROXIES = 2  # a load balancer and a web server


FILES_LISTED = 5


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
    database = sqlite_path(settings)
    opened = [] if database is None else [database, Path(f"{database}-wal"), Path(f"{database}-shm")]
    for path in filter(_is_open_to_others, opened):
        yield DeploymentRisk(
            f"Other users of this machine can open {path}.", f"Run: chmod 600 {quote(str(path))}", is_critical=True
        )
    if _is_open_to_others(settings.instance):
        yield DeploymentRisk(
            f"Other users of this machine can open the instance folder {settings.instance}.",
            f"Run: chmod 700 {quote(str(settings.instance))}",
        )
    others = [path for path in _list_files(settings.instance) if path not in opened and _is_open_to_others(path)]
    if others:
        yield DeploymentRisk(
            f"Other users of this machine can open files in the instance folder, such as backups: {_name(others)}.",
            f"Run: chmod 600 {' '.join(quote(str(path)) for path in others[:FILES_LISTED])}",
        )


def _is_open_to_others(path: Path) -> bool:
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & GROUP_AND_OTHERS)


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _name(paths: Sequence[Path]) -> str:
    names = ", ".join(path.name for path in paths[:FILES_LISTED])
    return names if len(paths) <= FILES_LISTED else f"{names} and {len(paths) - FILES_LISTED} more"


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
    if settings.session_hours > SAFE_SESSION_HOURS or settings.session_idle_minutes > SAFE_IDLE_MINUTES:
        yield DeploymentRisk(
            f"A session lasts up to {settings.session_hours} hours, and {settings.session_idle_minutes} minutes "
            "without activity: a stolen one stays useful for long.",
            f"Set VOICEADMIN_SESSION_HOURS to {SAFE_SESSION_HOURS} or less, and VOICEADMIN_SESSION_IDLE_MINUTES to "
            f"{SAFE_IDLE_MINUTES} or less.",
        )
    yield from _check_network(settings)
    if settings.database_url.startswith("postgresql"):
        yield from _check_postgresql(settings)


def _check_network(settings: Settings) -> Iterator[DeploymentRisk]:
    if settings.public_host is None:
        yield DeploymentRisk(
            "The server accepts only the host names of this machine.",
            "Add its public name to VOICEADMIN_HOSTS.",
        )
    for host in settings.hosts:
        if host.startswith(".") and host.count(".") == 1:
            yield DeploymentRisk(
                f"VOICEADMIN_HOSTS contains {host}, which accepts every name below a top-level domain.",
                "Name the hosts of this server.",
            )
    if settings.proxies > USUAL_PROXIES:
        yield DeploymentRisk(
            f"{settings.proxies} proxies are trusted. If there are fewer, clients can forge their address.",
            "Set VOICEADMIN_PROXIES to the number of proxies that a request passes through.",
        )
    if not settings.proxies:
        yield DeploymentRisk(
            "The server uses plain HTTP and trusts no proxy: signing in works only on this machine, and behind a proxy "
            "all requesters have the same address.",
            "Put a proxy with TLS in front, and set VOICEADMIN_PROXIES to the number of proxies.",
        )


def _check_postgresql(settings: Settings) -> Iterator[DeploymentRisk]:
    mode = _find_ssl_mode(settings)
    if mode is not None and mode not in CHECKING_SSL_MODES:
        yield DeploymentRisk(
            "The connection to PostgreSQL does not check the certificate of the server."
            if mode == "require"
            else "The connection to PostgreSQL may be unencrypted.",
            "Set sslmode=verify-full and sslrootcert in VOICEADMIN_DATABASE_URL.",
        )
    if settings.secret_key is None:
        yield DeploymentRisk(
            "Each start generates another secret key, so that one server refuses the forms of another.",
            "Set VOICEADMIN_SECRET_KEY to the same random text on every server.",
        )


def _find_ssl_mode(settings: Settings) -> str | None:
    """Return the sslmode of connections to another machine; None if the database is on this one."""
    url = make_url(settings.database_url)
    given = [url.host, *_values(url.query.get("host")), *_values(url.query.get("hostaddr"))]
    hosts = [host for value in given if value for host in value.split(",")] or os.environ.get("PGHOST", "").split(",")
    if all(not host or host.startswith(("/", "@")) or is_loopback(host.strip("[]")) for host in hosts):
        return None
    modes = _values(url.query.get("sslmode")) or (os.environ.get("PGSSLMODE", "prefer"),)
    return modes[-1]


def _values(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,) if value else ()


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
