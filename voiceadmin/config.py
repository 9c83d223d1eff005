"""Settings: read from the environment once, all faults reported together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voiceadmin.problems import BadSettings

PACKAGE = Path(__file__).resolve().parent
IN_CHECKOUT = not (PACKAGE / "templates").is_dir()  # a wheel carries templates and static files in the package
ASSETS = PACKAGE.parent if IN_CHECKOUT else PACKAGE
COMMAND = "./dev" if IN_CHECKOUT else "voiceadmin"  # how this program is called where it lies
PREFIX = "VOICEADMIN_"


def default_instance() -> Path:
    """Where databases and secrets lie unless a setting says otherwise: beside the checkout, else in ./instance."""
    return (PACKAGE.parent if IN_CHECKOUT else Path.cwd()) / "instance"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Each is read from VOICEADMIN_ and its name in capitals; empty counts as not set."""

    instance: Path = field(default_factory=default_instance)
    database_url: str = "sqlite:///voiceadmin.sqlite"
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")

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
                    faults.append(f"{name} is not a setting; the README lists them all.")
            except ValueError as error:
                faults.append(f"{name} {error}")
        if faults:
            raise BadSettings("\n".join(faults))
        return cls(**given)


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


_READERS: dict[str, Callable[[str], Any]] = {
    "instance": _instance,
    "database_url": _database_url,
    "hosts": _hosts,
}
