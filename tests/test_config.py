"""Settings: defaults, conversion, and error messages that contain no values of secrets."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from voiceadmin import create_app
from voiceadmin.config import (
    ASSETS,
    COMMAND,
    AttentionThresholds,
    Settings,
    default_instance,
    format_command,
    setting_names,
)
from voiceadmin.errors import BadSettings
from voiceadmin.identity import Role

SECRET = "0123456789abcdef" * 2
ENCRYPTION_KEYS = (base64.urlsafe_b64encode(b"\xfb" * 32).decode(), base64.urlsafe_b64encode(b"b" * 32).decode())
UPSTREAM_PROXY_ERROR = "must be the address of a proxy, as in http://proxy.example:3128, without user name or path."

ENCRYPTION_KEYS_ERROR = "must be keys of 44 characters, separated by commas, such as the output of"
SLOTS_ERROR = (
    "must be providers with a whole number of slots each, separated by commas, as in elevenlabs=660,resemble=25."
)
TIMEOUTS_ERROR = (
    "must be providers with a whole number of minutes each, separated by commas, as in "
    "elevenlabs=10,resemble=60,others=60."
)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environ({"HOME": "/root"}) == Settings()


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environ(dict.fromkeys(setting_names(), "")) == Settings()


def test_the_default_database_is_a_file_in_the_checkout() -> None:
    assert default_instance() == ASSETS / "instance"
    assert Settings().database_url == "sqlite:///voiceadmin.sqlite"


def test_every_setting_is_read(tmp_path: Path) -> None:
    given = {
        "VOICEADMIN_INSTANCE": str(tmp_path),
        "VOICEADMIN_DATABASE_URL": "postgresql://desk:secret@db.example:5433/voices",
        "VOICEADMIN_HOSTS": "voices.example, .internal.example ,",
        "VOICEADMIN_SECRET_KEY": SECRET,
        "VOICEADMIN_PROXIES": "1",
        "VOICEADMIN_PLAIN_COOKIES": "yes",
        "VOICEADMIN_ANONYMOUS_ROLE": "viewer",
        "VOICEADMIN_SESSION_IDLE_MINUTES": "15",
        "VOICEADMIN_SESSION_HOURS": "8",
        "VOICEADMIN_KEY_RATE": "2",
        "VOICEADMIN_KEY_BURST": "20",
        "VOICEADMIN_SLOTS": "elevenlabs=660, a=b = 0",
        "VOICEADMIN_CLONING_TIMEOUTS": "resemble=90,others=30",
        "VOICEADMIN_UNUSED_DAYS": "90",
        "VOICEADMIN_MINIMUM_AGE_DAYS": "0",
        "VOICEADMIN_HISTORY_DAYS": "100",
        "VOICEADMIN_HISTORY_YEARS": "1",
        "VOICEADMIN_ENCRYPTION_KEYS": f"{ENCRYPTION_KEYS[0]} , {ENCRYPTION_KEYS[1]},",
        "VOICEADMIN_UPSTREAM_HOSTS": "Voices.Internal, 10.0.0.7 ,",
        "VOICEADMIN_UPSTREAM_PROXY": "http://Proxy.Internal:3128/",
    }

    settings = Settings.from_environ(given)

    assert sorted(given) == sorted(setting_names())
    assert settings == Settings(
        instance=tmp_path,
        database_url="postgresql+psycopg://desk:secret@db.example:5433/voices",
        hosts=("voices.example", ".internal.example"),
        secret_key=SECRET,
        proxies=1,
        plain_cookies=True,
        anonymous_role=Role.VIEWER,
        session_idle_minutes=15,
        session_hours=8,
        key_rate=2,
        key_burst=20,
        slots=(("elevenlabs", 660), ("a=b", 0)),
        cloning_timeouts=(("resemble", 90), ("others", 30)),
        unused_days=90,
        minimum_age_days=0,
        history_days=100,
        history_years=1,
        encryption_keys=ENCRYPTION_KEYS,
        upstream_hosts=("voices.internal", "10.0.0.7"),
        upstream_proxy="http://proxy.internal:3128",
    )
    assert not any(secret in repr(settings) for secret in (SECRET, *ENCRYPTION_KEYS))


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("SECRET_KEY", SECRET[:31], "can be guessed; give 32 or more random characters"),
        ("SECRET_KEY", "changeme" * 8, "can be guessed; give 32 or more random characters"),
        ("PROXIES", "-1", "is not a whole number of proxies from 0 to 10."),
        ("PROXIES", "11", "is not a whole number of proxies from 0 to 10."),
        ("PLAIN_COOKIES", "1", "must be yes or no."),
        ("ANONYMOUS_ROLE", "admin", "must be none, viewer or operator; admins must sign in."),
        ("ANONYMOUS_ROLE", "Viewer", "must be none, viewer or operator; admins must sign in."),
        ("SESSION_IDLE_MINUTES", "0", "is not a whole number of minutes from 1 to 1,440."),
        ("SESSION_IDLE_MINUTES", "1441", "is not a whole number of minutes from 1 to 1,440."),
        ("SESSION_HOURS", "12.5", "is not a whole number of hours from 1 to 720."),
        ("SESSION_HOURS", "721", "is not a whole number of hours from 1 to 720."),
        ("KEY_RATE", "fast", "is not a whole number of requests per second from 1 to 1,000,000."),
        ("KEY_BURST", "0", "is not a whole number of requests from 1 to 1,000,000."),
        ("SLOTS", "660", SLOTS_ERROR),
        ("SLOTS", "=660", SLOTS_ERROR),
        ("SLOTS", "elevenlabs", SLOTS_ERROR),
        ("SLOTS", "elevenlabs=", SLOTS_ERROR),
        ("SLOTS", "elevenlabs=-1", SLOTS_ERROR),
        ("SLOTS", "elevenlabs=6.5", SLOTS_ERROR),
        ("SLOTS", "elevenlabs=1000000001", SLOTS_ERROR),
        ("SLOTS", "elevenlabs=660,", SLOTS_ERROR),
        ("CLONING_TIMEOUTS", "10", TIMEOUTS_ERROR),
        ("CLONING_TIMEOUTS", "others=525601", TIMEOUTS_ERROR),
        ("UNUSED_DAYS", "0", "is not a whole number of days from 1 to 36,500."),
        ("MINIMUM_AGE_DAYS", "-1", "is not a whole number of days from 0 to 36,500."),
        ("HISTORY_DAYS", "99", "is not a whole number of days from 100 to 36,500."),
        ("HISTORY_YEARS", "0", "is not a whole number of years from 1 to 100."),
        ("ENCRYPTION_KEYS", ",", ENCRYPTION_KEYS_ERROR),
        ("ENCRYPTION_KEYS", "a-plain-password", ENCRYPTION_KEYS_ERROR),
        ("ENCRYPTION_KEYS", ENCRYPTION_KEYS[0][:-4], ENCRYPTION_KEYS_ERROR),
        ("ENCRYPTION_KEYS", f"{ENCRYPTION_KEYS[0]},short", ENCRYPTION_KEYS_ERROR),
        ("ENCRYPTION_KEYS", ENCRYPTION_KEYS[0].replace("-", "!"), ENCRYPTION_KEYS_ERROR),
        ("UPSTREAM_HOSTS", ".example.com", "must be host names; a leading dot for subdomains is not allowed here."),
        ("UPSTREAM_PROXY", "proxy.internal:3128", UPSTREAM_PROXY_ERROR),
        ("UPSTREAM_PROXY", "socks5://proxy.internal:3128", UPSTREAM_PROXY_ERROR),
        ("UPSTREAM_PROXY", "http://proxy.internal", UPSTREAM_PROXY_ERROR),
        ("UPSTREAM_PROXY", "http://user:secret@proxy.internal:3128", UPSTREAM_PROXY_ERROR),
        ("UPSTREAM_PROXY", "http://proxy.internal:3128/path", UPSTREAM_PROXY_ERROR),
        ("UPSTREAM_PROXY", "http://proxy.internal:99999", UPSTREAM_PROXY_ERROR),
        ("UPSTREAM_PROXY", "http://:3128", UPSTREAM_PROXY_ERROR),
        ("SLOTS", "elevenlabs=1,resemble=2,elevenlabs=3", "contains a provider twice; give each one number of slots."),
    ],
)
def test_an_invalid_value_is_reported_with_its_remedy(name: str, raw: str, message: str) -> None:
    with pytest.raises(BadSettings) as bad:
        Settings.from_environ({f"VOICEADMIN_{name}": raw})

    assert f"VOICEADMIN_{name} {message}" in str(bad.value)
    assert name not in ("SECRET_KEY", "ENCRYPTION_KEYS") or raw == "," or raw not in str(bad.value)


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("sqlite:///other.sqlite", "sqlite:///other.sqlite"),
        ("sqlite:////var/lib/voices.sqlite", "sqlite:////var/lib/voices.sqlite"),
        ("postgres://db/voices", "postgresql+psycopg://db/voices"),
        ("postgresql://db/voices", "postgresql+psycopg://db/voices"),
        ("postgresql+psycopg://db/voices?sslmode=require", "postgresql+psycopg://db/voices?sslmode=require"),
    ],
)
def test_a_database_url_gets_its_driver(raw: str, url: str) -> None:
    assert Settings.from_environ({"VOICEADMIN_DATABASE_URL": raw}).database_url == url


@pytest.mark.parametrize(
    "raw",
    [
        "voices.sqlite",
        "mysql://db/voices",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql:db",
        "postgresql://db:notaport/voices",
        "postgresql://db:70000/voices",
        "sqlite://host/voices.sqlite",
        "sqlite:///voices.sqlite?mode=ro",
        "postgresql://[::1/voices",
        "://",
    ],
)
def test_an_invalid_database_url_is_refused(raw: str) -> None:
    with pytest.raises(BadSettings, match=r"^VOICEADMIN_DATABASE_URL "):
        Settings.from_environ({"VOICEADMIN_DATABASE_URL": raw})


@pytest.mark.parametrize("character", "#/[@")
def test_a_special_character_in_a_password_is_reported_without_it(character: str) -> None:
    with pytest.raises(BadSettings) as bad:
        Settings.from_environ({"VOICEADMIN_DATABASE_URL": f"postgresql://desk:cip{character}her@db.example/voices"})

    assert "contains a special character in the user name or password; write %23 for #" in str(bad.value)
    assert "cip" not in str(bad.value)
    assert "her" not in str(bad.value)


def test_line_breaks_around_a_value_are_removed() -> None:
    given = {"DATABASE_URL": "postgresql://db/voices\n", "PROXIES": " 2\r\n", "HOSTS": "\n"}

    settings = Settings.from_environ({f"VOICEADMIN_{name}": raw for name, raw in given.items()})

    assert settings == Settings(database_url="postgresql+psycopg://db/voices", proxies=2)


@pytest.mark.parametrize("parameter", ["ssl=true", "pgbouncer=true", "schema=voices", "sslmode=disable&sslmod=x"])
def test_unknown_parameters_of_a_database_are_refused_by_name(tmp_path: Path, parameter: str) -> None:
    settings = Settings(instance=tmp_path, database_url=f"postgresql+psycopg://db/voices?{parameter}")

    with pytest.raises(BadSettings) as bad:
        create_app(settings)

    name = parameter.rpartition("&")[2].partition("=")[0]
    assert f"has parameters that PostgreSQL does not know: {name}. Remove them" in str(bad.value)


@pytest.mark.parametrize("raw", ["https://voices.example", "a b", "desk@voices.example", "*", ",", " , "])
def test_a_value_that_is_not_a_host_name_is_refused(raw: str) -> None:
    with pytest.raises(BadSettings, match=r"^VOICEADMIN_HOSTS must be host names"):
        Settings.from_environ({"VOICEADMIN_HOSTS": raw})


def test_an_instance_folder_is_expanded_and_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/desk")

    assert Settings.from_environ({"VOICEADMIN_INSTANCE": "~/voices"}).instance == Path("/home/desk/voices")
    assert Settings.from_environ({"VOICEADMIN_INSTANCE": "voices"}).instance == tmp_path / "voices"


def test_an_instance_that_is_a_file_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()

    with pytest.raises(BadSettings, match=r"^VOICEADMIN_INSTANCE is a file; give a folder\.$"):
        Settings.from_environ({"VOICEADMIN_INSTANCE": str(taken)})


def test_all_errors_are_reported_together_by_name_without_values(tmp_path: Path) -> None:
    taken = tmp_path / "cipher-folder"
    taken.touch()

    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(
            {
                "VOICEADMIN_INSTANCE": str(taken),
                "VOICEADMIN_DATABASE_URL": "mysql://desk:cipher@db/voices",
                "VOICEADMIN_HOSTS": "https://cipher.example",
                "VOICEADMIN_DATABASE": "cipher",
            }
        )

    lines = str(caught.value).splitlines()
    assert sorted(line.split()[0] for line in lines) == [
        "VOICEADMIN_DATABASE",
        "VOICEADMIN_DATABASE_URL",
        "VOICEADMIN_HOSTS",
        "VOICEADMIN_INSTANCE",
    ]
    assert "cipher" not in str(caught.value)


def test_a_variable_of_the_tests_is_not_an_unknown_setting() -> None:
    assert Settings.from_environ({"VOICEADMIN_CHROMIUM": "/usr/bin/chromium"}) == Settings()


def test_a_lower_case_name_is_not_a_setting() -> None:
    with pytest.raises(BadSettings, match="VOICEADMIN_hosts is not a setting"):
        Settings.from_environ({"VOICEADMIN_hosts": "example.org"})


def test_the_default_thresholds_are_those_of_the_documentation() -> None:
    minutes = {"elevenlabs": 10, "resemble": 60, "inworld": 5, "cartesia": 5}

    assert Settings().attention_thresholds == AttentionThresholds(
        cloning_timeouts=tuple((provider, timedelta(minutes=number)) for provider, number in minutes.items()),
        other=timedelta(minutes=60),
        unused=timedelta(days=60),
        minimum_age=timedelta(days=14),
    )


def test_a_cloning_timeout_replaces_only_the_default_of_its_provider() -> None:
    limits = Settings(
        cloning_timeouts=(("resemble", 90), ("newcomer", 3), ("others", 30)), unused_days=7, minimum_age_days=0
    ).attention_thresholds

    spans = {
        name: limits.cloning_timeout(name) // timedelta(minutes=1)
        for name in ("elevenlabs", "resemble", "newcomer", "x")
    }
    assert spans == {"elevenlabs": 10, "resemble": 90, "newcomer": 3, "x": 30}
    assert (limits.unused, limits.minimum_age) == (timedelta(days=7), timedelta(0))


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({}, f"{COMMAND} migrate"),
        ({"VOICEADMIN_INSTANCE": ""}, f"{COMMAND} migrate"),
        ({"VOICEADMIN_INSTANCE": "/srv/voices"}, f"VOICEADMIN_INSTANCE=/srv/voices {COMMAND} migrate"),
        ({"VOICEADMIN_INSTANCE": "/srv/my voices"}, f"VOICEADMIN_INSTANCE='/srv/my voices' {COMMAND} migrate"),
    ],
)
def test_a_command_in_a_message_names_the_instance_that_is_set(environ: dict[str, str], text: str) -> None:
    assert format_command("migrate", environ) == text


def test_a_command_in_a_message_contains_no_secret() -> None:
    environ = {"VOICEADMIN_DATABASE_URL": "postgresql://desk:secret@db.example/voices", "VOICEADMIN_SECRET_KEY": SECRET}

    assert format_command("migrate", environ) == f"{COMMAND} migrate"


def test_a_command_without_arguments_ends_with_its_name() -> None:
    assert format_command("", {}) == COMMAND
