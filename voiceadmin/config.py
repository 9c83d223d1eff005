"""Settings: read from the environment once, all faults reported together."""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voiceadmin.errors import BadSettings
from voiceadmin.identity import Role
from voiceadmin.text import parse_integer

PACKAGE = Path(__file__).resolve().parent


IN_CHECKOUT = not (PACKAGE / "templates").is_dir()  # a wheel carries templates and static files in the package


ASSETS = PACKAGE.parent if IN_CHECKOUT else PACKAGE


COMMAND = "./dev" if IN_CHECKOUT else "voiceadmin"  # the name of the command in this installation


PREFIX = "VOICEADMIN_"


MAX_SLOTS = 1_000_000_000


MAX_CLONING_TIMEOUT = 525_600  # minutes: a year


OTHERS = "others"  # stands for every provider that has no budget of its own


LEAST_SECRET = 32  # characters; a random one of hexadecimal digits has 128 bits then


def default_instance() -> Path:
    """Where databases and secrets lie unless a setting says otherwise: beside the checkout, else in ./instance."""
    return (PACKAGE.parent if IN_CHECKOUT else Path.cwd()) / "instance"


def format_command(arguments: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """Return a command of this program as it must be typed to use the instance of this process.

    VOICEADMIN_INSTANCE stands in front if it is set. Other settings are left out: they may contain passwords.
    """
    instance = environ.get(f"{PREFIX}INSTANCE")
    variables = f"{PREFIX}INSTANCE={shlex.quote(instance)} " if instance else ""
    return f"{variables}{COMMAND} {arguments}".rstrip()


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Each is read from VOICEADMIN_ and its name in capitals; empty counts as not set.

    secret_key: signs the tokens of forms; None draws one at each start.
    proxies: how many reverse proxies stand in front and may be believed.
    plain_cookies: whether cookies travel without TLS too. anonymous_role: of
    whoever has not signed in. key_rate, key_burst: requests of an API key, a
    second and at once. slots: how many voices each provider keeps for us.
    cloning_timeouts: minutes that each provider may take to clone a voice. unused_days,
    minimum_age_days: for how long nobody used a voice that counts as unused, and how old it is at least.
    """

    instance: Path = field(default_factory=default_instance)
    database_url: str = "sqlite:///voiceadmin.sqlite"
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    secret_key: str | None = field(default=None, repr=False)
    proxies: int = 0
    plain_cookies: bool = False
    anonymous_role: Role = Role.ANYONE
    session_idle_minutes: int = 30
    session_hours: int = 12
    key_rate: float = 10.0
    key_burst: int = 50
    slots: tuple[tuple[str, int], ...] = ()
    cloning_timeouts: tuple[tuple[str, int], ...] = ()
    unused_days: int = 60
    minimum_age_days: int = 14

    @property
    def limits(self) -> AttentionThresholds:
        """What the rules of attention compare with. A provider that the settings do not name keeps its default."""
        default = AttentionThresholds()
        given = {provider: timedelta(minutes=minutes) for provider, minutes in self.cloning_timeouts}
        other = given.pop(OTHERS, default.other)
        return AttentionThresholds(
            cloning_timeouts=tuple((dict(default.cloning_timeouts) | given).items()),
            other=other,
            unused=timedelta(days=self.unused_days),
            minimum_age=timedelta(days=self.minimum_age_days),
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Raises BadSettings that lists every malformed and every unknown
        VOICEADMIN_ variable, so that a typing error is not a silent default.
        """
        given: dict[str, Any] = {}
        faults: list[str] = []
        for name, raw in sorted(environ.items()):
            if not name.startswith(PREFIX) or not raw:
                continue
            setting = name.removeprefix(PREFIX).lower()
            try:
                if name in setting_names():
                    given[setting] = _READERS[setting](raw)
                elif name not in FOREIGN:
                    faults.append(f"{name} is not a setting; docs/operations.md lists them all.")
            except ValueError as error:
                faults.append(f"{name} {error}")
        if faults:
            raise BadSettings("\n".join(faults))
        return cls(**given)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine itself, for itself alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def setting_names() -> list[str]:
    """Every environment variable that is a setting."""
    return [PREFIX + setting.name.upper() for setting in fields(Settings)]


FOREIGN = {"VOICEADMIN_CHROMIUM"}  # read by the tests, not by the program


def _instance(raw: str) -> Path:
    path = Path(raw).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise ValueError("names a file; give it a folder.")
    return path


def _database_url(raw: str) -> str:
    scheme, separator, rest = raw.partition("://")
    drivers = {
        "sqlite": "sqlite",
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "postgresql+psycopg": "postgresql+psycopg",
    }
    if not separator or scheme not in drivers:
        raise ValueError("is not an address of a database; write sqlite:///FILE or postgresql://USER@HOST/NAME.")
    if scheme == "sqlite" and not rest.startswith("/"):
        raise ValueError("names no file; write three slashes before it, as in sqlite:///voiceadmin.sqlite.")
    if scheme == "sqlite" and rest in ("/", "/:memory:"):
        raise ValueError("needs a file, as in sqlite:///voiceadmin.sqlite; a database in memory is gone at once.")
    try:
        urlsplit(raw).port  # noqa: B018  # read, because only then it is judged
    except ValueError as error:
        raise ValueError("has a port that is no number up to 65535.") from error
    return f"{drivers[scheme]}://{rest}"


def _hosts(raw: str) -> tuple[str, ...]:
    hosts = tuple(host.strip() for host in raw.split(",") if host.strip())
    if not hosts or any(set(host) & set("/@* ") for host in hosts):
        raise ValueError("lists host names, separated by commas, without scheme or path.")
    return hosts


def _secret_key(raw: str) -> str:
    if len(raw) < LEAST_SECRET or len(set(raw)) < LEAST_SECRET // 3:
        raise ValueError(
            f"can be guessed; give {LEAST_SECRET} or more random characters, such as those that "
            "“python3 -c 'import secrets; print(secrets.token_hex(32))'” prints."
        )
    return raw


def _yes_or_no(raw: str) -> bool:
    if raw not in ("yes", "no"):
        raise ValueError("is neither yes nor no.")
    return raw == "yes"


def _anonymous_role(raw: str) -> Role:
    roles = {role.slug: role for role in (Role.ANYONE, Role.VIEWER, Role.OPERATOR)}
    if raw not in roles:
        raise ValueError("is none of none, viewer and operator; an admin must sign in.")
    return roles[raw]


def _number(least: int, most: int, unit: str) -> Callable[[str], int]:
    def read(raw: str) -> int:
        number = parse_integer(raw)
        if number is None or not least <= number <= most:
            raise ValueError(f"is not a whole number of {unit} from {least:,} to {most:,}.")
        return number

    return read


def _by_provider(most: int, unit: str, example: str) -> Callable[[str], tuple[tuple[str, int], ...]]:
    def read(raw: str) -> tuple[tuple[str, int], ...]:
        numbers: dict[str, int] = {}
        for pair in raw.split(","):
            provider, _, given = (part.strip() for part in pair.rpartition("="))
            number = parse_integer(given)
            if not provider or number is None or not 0 <= number <= most:
                raise ValueError(
                    f"lists providers with a whole number of {unit} each, separated by commas, as in {example}."
                )
            if provider in numbers:
                raise ValueError(f"names a provider twice; give each one number of {unit}.")
            numbers[provider] = number
        return tuple(numbers.items())

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    "instance": _instance,
    "database_url": _database_url,
    "hosts": _hosts,
    "secret_key": _secret_key,
    "proxies": _number(0, 10, "proxies"),
    "plain_cookies": _yes_or_no,
    "anonymous_role": _anonymous_role,
    "session_idle_minutes": _number(1, 1440, "minutes"),
    "session_hours": _number(1, 720, "hours"),
    "key_rate": _number(1, 1_000_000, "requests a second"),
    "key_burst": _number(1, 1_000_000, "requests"),
    "slots": _by_provider(MAX_SLOTS, "slots", "elevenlabs=660,resemble=25"),
    "cloning_timeouts": _by_provider(MAX_CLONING_TIMEOUT, "minutes", "elevenlabs=10,resemble=60,others=60"),
    "unused_days": _number(1, 36_500, "days"),
    "minimum_age_days": _number(0, 36_500, "days"),
}


@dataclass(frozen=True, slots=True)
class AttentionThresholds:
    """What the rules of attention compare with.

    cloning_timeouts: how long each provider may take to clone a voice, others as long
    as `other`. unused: for how long nobody may have used a voice that is at
    least as old as `minimum_age`. All bounds are inclusive.
    """

    cloning_timeouts: tuple[tuple[str, timedelta], ...] = (
        ("elevenlabs", timedelta(minutes=10)),
        ("resemble", timedelta(minutes=60)),
        ("inworld", timedelta(minutes=5)),
        ("cartesia", timedelta(minutes=5)),
    )
    other: timedelta = timedelta(minutes=60)
    unused: timedelta = timedelta(days=60)
    minimum_age: timedelta = timedelta(days=14)

    def cloning_timeout(self, provider: str) -> timedelta:
        """How long a provider may take."""
        return dict(self.cloning_timeouts).get(provider, self.other)
