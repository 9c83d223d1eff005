"""Settings, read once from the environment. All invalid values are reported together."""

from __future__ import annotations

import base64
import importlib.metadata
import ipaddress
import os
import re
import shlex
import tomllib
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


IN_CHECKOUT = not (PACKAGE / "templates").is_dir()  # a wheel contains templates and static files in the package


ASSETS = PACKAGE.parent if IN_CHECKOUT else PACKAGE


COMMAND = "./dev" if IN_CHECKOUT else "voiceadmin"  # the name of the command in this installation


PREFIX = "VOICEADMIN_"


MAX_SLOTS = 1_000_000_000


MAX_CLONING_TIMEOUT = 525_600  # minutes: a year


OTHERS = "others"  # in a setting: every provider without a value of its own


MIN_SECRET_LENGTH = 32  # characters; that many random hexadecimal digits have 128 bits


ENCRYPTION_KEY_LENGTH = 32  # bytes of a Fernet key


_PORT = re.compile(r":\d*\Z", re.ASCII)


_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)


def default_instance() -> Path:
    """Return the default folder of the database: `instance` in the checkout, or in the working directory."""
    return (PACKAGE.parent if IN_CHECKOUT else Path.cwd()) / "instance"


def read_version() -> str:
    """Return the version of this program: of the installed wheel, or of the checkout."""
    if not IN_CHECKOUT:
        return importlib.metadata.version("voiceadmin")
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def format_command(arguments: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """Return the command line that runs a command with the instance folder of this process.

    It begins with VOICEADMIN_INSTANCE if that is set. Other settings are omitted: they may contain passwords.
    """
    instance = environ.get(f"{PREFIX}INSTANCE")
    variables = f"{PREFIX}INSTANCE={shlex.quote(instance)} " if instance else ""
    return f"{variables}{COMMAND} {arguments}".rstrip()


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Each is read from VOICEADMIN_ and its name in capitals; an empty value counts as not set.

    Attributes:
        instance: folder of the SQLite database.
        database_url: SQLAlchemy URL; a relative SQLite file is in `instance`.
        hosts: accepted host names; a leading dot includes subdomains.
        secret_key: signs the CSRF tokens of forms; None generates one at each start.
        proxies: number of trusted reverse proxies.
        plain_cookies: whether cookies are also sent without TLS.
        anonymous_role: role of requesters who have not signed in.
        session_idle_minutes: minutes without activity after which a session ends.
        session_hours: hours after which a session ends in any case.
        key_rate: requests per second of an API key.
        key_burst: requests of an API key that are allowed at once.
        slots: number of voices that the plan of each provider includes.
        cloning_timeouts: minutes that each provider may take to clone a voice.
        unused_days: days without use after which a voice counts as unused.
        minimum_age_days: minimum age of a voice that counts as unused or never used.
        history_days: days for which the history keeps every day.
        history_years: years for which it keeps the last day of each week.
        encryption_keys: encrypt the keys of sources. The first encrypts, all decrypt.
        upstream_hosts: further hosts to which the keys of sources may be sent, also with private addresses.
        upstream_proxy: URL of the proxy for requests to sources, except those on this machine; "" for none.
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
    history_days: int = 400
    history_years: int = 5
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    upstream_hosts: tuple[str, ...] = ()
    upstream_proxy: str = ""

    @property
    def public_host(self) -> str | None:
        """Return the name for links to this server, None while the host names are the default ones."""
        return None if self.hosts == Settings().hosts else self.hosts[0].lstrip(".")

    @property
    def attention_thresholds(self) -> AttentionThresholds:
        """Return the thresholds of the attention rules. Providers without a setting keep their default."""
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

        Raises:
            BadSettings: lists every malformed and every unknown VOICEADMIN_ variable. Unknown ones are refused, so
                that a misspelled name does not silently leave the default.
        """
        given: dict[str, Any] = {}
        faults: list[str] = []
        for name, text in sorted(environ.items()):
            raw = text.strip()  # files and shells add line breaks
            if not name.startswith(PREFIX) or not raw:
                continue
            setting = name.removeprefix(PREFIX).lower()
            try:
                if name in setting_names():
                    given[setting] = _READERS[setting](raw)
                elif name not in NOT_SETTINGS:
                    faults.append(f"{name} is not a setting; docs/operations.md lists them all.")
            except ValueError as error:
                faults.append(f"{name} {error}")
        if faults:
            raise BadSettings("\n".join(faults))
        return cls(**given)


def normalize_host(text: str) -> str | None:
    """Return a host name or IP address as browsers write it, without a port; None if it is neither.

    Names become lower case, without a final dot, and ASCII (IDNA). IPv6 addresses become short, in brackets.
    """
    text = text.strip()
    name = text if text.count(":") > 1 and "[" not in text else _PORT.sub("", text)
    try:
        if ":" in name:
            return f"[{ipaddress.IPv6Address(name.strip('[]'))}]"
        name = name.removesuffix(".").encode("idna").decode().lower()
    except ValueError:
        return None
    return name if _HOST_NAME.fullmatch(name) else None


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def setting_names() -> list[str]:
    """Return the environment variables of all settings."""
    return [PREFIX + setting.name.upper() for setting in fields(Settings)]


NOT_SETTINGS = {"VOICEADMIN_CHROMIUM"}  # read by the tests


def _instance(raw: str) -> Path:
    path = Path(raw).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise ValueError("is a file; give a folder.")
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
        raise ValueError("is not a database URL; write sqlite:///FILE or postgresql://USER@HOST/NAME.")
    if scheme == "sqlite" and not rest.startswith("/"):
        raise ValueError("contains no file; write three slashes before it, as in sqlite:///voiceadmin.sqlite.")
    if scheme == "sqlite" and rest in ("/", "/:memory:"):
        raise ValueError("needs a file, as in sqlite:///voiceadmin.sqlite; databases in memory are not supported.")
    if scheme == "sqlite" and "?" in rest:
        raise ValueError("has parameters after “?”, which SQLite addresses do not have here; remove them.")
    if scheme != "sqlite":
        _check_authority(raw)
    return f"{drivers[scheme]}://{rest}"


def _check_authority(url: str) -> None:
    """Check user, password, host and port of a URL. Error texts contain no part of it: it may be of the password."""
    address = url.partition("://")[2].partition("?")[0]
    authority, _, path = address.partition("/")
    if "#" in url or "@" in path or authority.count("@") > 1 or "[" in authority.rpartition("@")[0]:
        raise ValueError(
            "contains a special character in the user name or password; write %23 for #, %2F for /, %3A for :, "
            "%3F for ?, %40 for @, %5B for [ and %5D for ]."
        )
    try:
        urlsplit(url).port  # noqa: B018  # urlsplit checks the port on access
    except ValueError as error:
        raise ValueError("has a port that is not a number up to 65535.") from error


def _hosts(raw: str) -> tuple[str, ...]:
    given = [host.strip() for host in raw.split(",") if host.strip()]
    names = [normalize_host(host.removeprefix(".")) for host in given]
    if not names or None in names:
        raise ValueError("must be host names, separated by commas, without scheme or path.")
    return tuple(f".{name}" if host.startswith(".") else str(name) for host, name in zip(given, names, strict=True))


def _secret_key(raw: str) -> str:
    if len(raw) < MIN_SECRET_LENGTH or len(set(raw)) < MIN_SECRET_LENGTH // 3:
        raise ValueError(
            f"can be guessed; give {MIN_SECRET_LENGTH} or more random characters, such as the output of "
            "“python3 -c 'import secrets; print(secrets.token_hex(32))'”."
        )
    return raw


def _encryption_keys(raw: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in raw.split(",") if key.strip())
    try:
        lengths = {len(base64.b64decode(key, altchars="-_", validate=True)) for key in keys}
    except ValueError:
        lengths = set()
    if lengths != {ENCRYPTION_KEY_LENGTH}:
        raise ValueError(
            "must be keys of 44 characters, separated by commas, such as the output of “python3 -c 'from"
            " cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'”."
        )
    return keys


def _upstream_hosts(raw: str) -> tuple[str, ...]:
    if any(host.strip().startswith(".") for host in raw.split(",")):
        raise ValueError("must be host names; a leading dot for subdomains is not allowed here.")
    return _hosts(raw)


def _upstream_proxy(raw: str) -> str:
    try:
        parts = urlsplit(raw.rstrip("/"))
        is_address = parts.scheme in ("http", "https") and parts.port is not None and parts.username is None
        host = normalize_host(f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "")
    except ValueError:
        is_address, host = False, None
    if not is_address or host is None or parts.path or parts.query or parts.fragment:
        raise ValueError("must be the address of a proxy, as in http://proxy.example:3128, without user name or path.")
    return f"{parts.scheme}://{host}:{parts.port}"


def _yes_or_no(raw: str) -> bool:
    if raw not in ("yes", "no"):
        raise ValueError("must be yes or no.")
    return raw == "yes"


def _anonymous_role(raw: str) -> Role:
    roles = {role.slug: role for role in (Role.ANYONE, Role.VIEWER, Role.OPERATOR)}
    if raw not in roles:
        raise ValueError("must be none, viewer or operator; admins must sign in.")
    return roles[raw]


def _number(minimum: int, maximum: int, unit: str) -> Callable[[str], int]:
    def read(raw: str) -> int:
        number = parse_integer(raw)
        if number is None or not minimum <= number <= maximum:
            raise ValueError(f"is not a whole number of {unit} from {minimum:,} to {maximum:,}.")
        return number

    return read


def _by_provider(maximum: int, unit: str, example: str) -> Callable[[str], tuple[tuple[str, int], ...]]:
    def read(raw: str) -> tuple[tuple[str, int], ...]:
        numbers: dict[str, int] = {}
        for pair in raw.split(","):
            provider, _, given = (part.strip() for part in pair.rpartition("="))
            number = parse_integer(given)
            if not provider or number is None or not 0 <= number <= maximum:
                raise ValueError(
                    f"must be providers with a whole number of {unit} each, separated by commas, as in {example}."
                )
            if provider in numbers:
                raise ValueError(f"contains a provider twice; give each one number of {unit}.")
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
    "key_rate": _number(1, 1_000_000, "requests per second"),
    "key_burst": _number(1, 1_000_000, "requests"),
    "slots": _by_provider(MAX_SLOTS, "slots", "elevenlabs=660,resemble=25"),
    "cloning_timeouts": _by_provider(MAX_CLONING_TIMEOUT, "minutes", "elevenlabs=10,resemble=60,others=60"),
    "unused_days": _number(1, 36_500, "days"),
    "minimum_age_days": _number(0, 36_500, "days"),
    "history_days": _number(100, 36_500, "days"),
    "history_years": _number(1, 100, "years"),
    "encryption_keys": _encryption_keys,
    "upstream_hosts": _upstream_hosts,
    "upstream_proxy": _upstream_proxy,
}


@dataclass(frozen=True, slots=True)
class AttentionThresholds:
    """The values that the rules compare with. All bounds are inclusive.

    Attributes:
        cloning_timeouts: how long each provider may take to clone a voice.
        other: the cloning timeout of all other providers.
        unused: time without use after which a voice counts as unused.
        minimum_age: age below which a voice is not reported as unused or never used.
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

    @property
    def shortest_and_longest_timeout(self) -> tuple[timedelta, timedelta]:
        """The shortest and the longest cloning timeout of all providers."""
        timeouts = [self.other, *(timeout for _, timeout in self.cloning_timeouts)]
        return min(timeouts), max(timeouts)

    def cloning_timeout(self, provider: str) -> timedelta:
        """Return how long a provider may take to clone a voice."""
        return dict(self.cloning_timeouts).get(provider, self.other)
