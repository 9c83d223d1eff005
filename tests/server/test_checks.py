"""Deployment risks are reported with a remedy, and grave ones prevent the server from starting."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import make_account
from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.queries import list_api_keys
from voiceadmin.config import Settings
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.server.checks import find_account_risks, find_deployment_risks

SECRET = "0123456789abcdef" * 2
SAFE = {"hosts": ("voices.example",), "proxies": 1, "secret_key": SECRET}


@pytest.fixture(autouse=True)
def plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a user that is not root."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.mark.parametrize(
    ("changed", "says", "remedy"),
    [
        ({"anonymous_role": Role.VIEWER}, "Anonymous requesters have the role viewer", "VOICEADMIN_ANONYMOUS_ROLE"),
        ({"plain_cookies": True}, "cookies are also sent without encryption", "VOICEADMIN_PLAIN_COOKIES"),
        ({"hosts": Settings().hosts}, "host names of this machine", "VOICEADMIN_HOSTS"),
        ({"proxies": 0}, "plain HTTP", "VOICEADMIN_PROXIES"),
        ({"database_url": "postgresql+psycopg://u@db/v"}, "may be unencrypted", "sslmode=verify-full"),
        ({"database_url": "postgresql+psycopg://u@db/v?sslmode=prefer"}, "may be unencrypted", "sslmode=verify-full"),
        ({"database_url": "postgresql+psycopg://u@/v?host=db"}, "may be unencrypted", "sslmode=verify-full"),
        ({"database_url": "postgresql+psycopg://u@/v?host=/run,db"}, "may be unencrypted", "sslmode=verify-full"),
        (
            {"database_url": "postgresql+psycopg://u@localhost/v?hostaddr=192.0.2.1"},
            "may be unencrypted",
            "verify-full",
        ),
        (
            {"database_url": "postgresql+psycopg://u@db/v?sslmode=require"},
            "does not check the certificate",
            "verify-full",
        ),
        ({"hosts": (".com",)}, "every name below a top-level domain", "Name the hosts"),
        ({"proxies": 3}, "clients can forge their address", "VOICEADMIN_PROXIES"),
        ({"session_hours": 25}, "A session lasts up to 25 hours", "VOICEADMIN_SESSION_HOURS to 24"),
        ({"session_idle_minutes": 121}, "121 minutes without activity", "VOICEADMIN_SESSION_IDLE_MINUTES"),
        ({"database_url": "postgresql+psycopg://u@localhost/v", "secret_key": None}, "another secret", "SECRET_KEY"),
    ],
)
def test_each_risk_is_reported_with_its_remedy(
    tmp_path: Path, changed: dict[str, object], says: str, remedy: str
) -> None:
    (found,) = find_deployment_risks(Settings(instance=tmp_path, **(SAFE | changed)), debug=False)  # type: ignore[arg-type]

    assert says in found.problem
    assert remedy in found.remedy
    assert not found.is_critical


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///voiceadmin.sqlite",
        "sqlite:///./voiceadmin.sqlite",
        "sqlite:///{}/voiceadmin.sqlite",
        "sqlite:///x/../y",
    ],
)
def test_a_database_file_is_found_under_every_spelling_of_its_address(tmp_path: Path, address: str) -> None:
    for name in ("voiceadmin.sqlite", "y"):
        (tmp_path / name).touch(mode=0o644)
    (tmp_path / "x").mkdir()
    settings = Settings(instance=tmp_path, database_url=address.format(tmp_path), **SAFE)  # type: ignore[arg-type]

    assert [found.is_critical for found in find_deployment_risks(settings, debug=False)] == [True, False]


def test_a_folder_and_backups_that_other_users_can_open_are_risks(tmp_path: Path) -> None:
    folder = tmp_path / "my instance"
    folder.mkdir(mode=0o755)
    for number in range(7):
        (folder / f"backup-{number}.sqlite").touch(mode=0o644)
    (folder / "private.sqlite").touch(mode=0o600)

    first, second = find_deployment_risks(Settings(instance=folder, **SAFE), debug=False)  # type: ignore[arg-type]

    assert first.remedy == f"Run: chmod 700 '{folder}'"
    assert "such as backups: backup-0.sqlite" in second.problem
    assert second.problem.endswith("backup-4.sqlite and 2 more.")
    assert second.remedy.startswith(f"Run: chmod 600 '{folder}/backup-0.sqlite'")
    assert not first.is_critical
    assert not second.is_critical


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_database_file_that_other_users_can_open_is_a_grave_risk(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "voiceadmin.sqlite"
    path.touch()
    path.chmod(mode)

    (found,) = find_deployment_risks(Settings(instance=tmp_path, **SAFE), debug=False)  # type: ignore[arg-type]

    assert str(found) == f"Other users of this machine can open {path}. Run: chmod 600 {path}"
    assert found.is_critical


def test_safe_settings_have_no_risks_unless_run_as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = Settings(instance=tmp_path, **SAFE)  # type: ignore[arg-type]
    address = "postgresql+psycopg://u@db/v?sslmode=verify-full"
    encrypted = Settings(instance=tmp_path, database_url=address, **SAFE)  # type: ignore[arg-type]

    assert find_deployment_risks(safe, debug=False) == find_deployment_risks(encrypted, debug=False) == []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert [found.problem for found in find_deployment_risks(safe, debug=False)] == ["voiceadmin runs as root."]


@pytest.mark.parametrize("source", ["app", "environment"])
def test_debug_mode_is_a_grave_risk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1" if source == "environment" else "0")

    (found,) = find_deployment_risks(Settings(instance=tmp_path, **SAFE), debug=source == "app")  # type: ignore[arg-type]

    assert found.is_critical


def test_serve_refuses_to_start_with_grave_risks_and_reports_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    (tmp_path / "voiceadmin.sqlite").touch()
    (tmp_path / "voiceadmin.sqlite").chmod(0o644)

    result = CliRunner().invoke(cli, ["serve"], obj=lambda: create_app(Settings(instance=tmp_path)))

    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 2
    assert "Unset FLASK_DEBUG." in result.stderr
    assert "chmod 600" in result.stderr


def test_check_deploy_reports_every_risk_and_fails(sqlite_app: Flask) -> None:
    create_api_key(EVERYTHING, "old poller", None, expires_at=None, by=SHELL, now=NOW)
    (settings,) = [sqlite_app.config["VOICEADMIN"]]

    first = CliRunner().invoke(cli, ["check-deploy"], obj=lambda: create_app(settings))
    make_account(platform=True)
    second = CliRunner().invoke(cli, ["check-deploy"], obj=lambda: create_app(settings))

    assert first.exit_code == second.exit_code == 1
    assert "There is no account yet" in first.stdout
    assert "The API key “old poller” (va_" in first.stdout
    assert first.stderr == f"Error: Found {len(first.stdout.splitlines())} risks.\n"
    assert "There is only one platform admin" in second.stdout


def test_a_key_that_never_expires_is_no_risk_once_it_is_revoked(sqlite_app: Flask) -> None:
    create_api_key(EVERYTHING, "old poller", None, expires_at=None, by=SHELL, now=NOW)
    assert len(list(find_account_risks(2, list_api_keys(EVERYTHING)))) == 1

    revoke_api_key(EVERYTHING, list_api_keys(EVERYTHING)[0].id, by=SHELL, now=NOW)

    assert list(find_account_risks(2, list_api_keys(EVERYTHING))) == []


def test_check_deploy_does_not_count_disabled_platform_admins(sqlite_app: Flask) -> None:
    make_account(platform=True)
    make_account(platform=True, disabled_at=NOW)

    result = CliRunner().invoke(cli, ["check-deploy"], obj=lambda: create_app(sqlite_app.config["VOICEADMIN"]))

    assert "There is only one platform admin" in result.stdout


def test_check_deploy_succeeds_without_risks(tmp_path: Path, sqlite_app: Flask) -> None:
    for _ in range(2):
        make_account(platform=True)
    settings = Settings(instance=sqlite_app.config["VOICEADMIN"].instance, **SAFE)  # type: ignore[arg-type]
    for path in settings.instance.glob("voiceadmin.sqlite*"):
        path.chmod(0o600)

    result = CliRunner().invoke(cli, ["check-deploy"], obj=lambda: create_app(settings))

    assert (result.exit_code, result.stdout) == (0, "Found no risks.\n")
