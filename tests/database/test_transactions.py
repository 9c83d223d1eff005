"""Write transactions of several threads."""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, make_url, select, text
from sqlalchemy.exc import OperationalError

from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_assistant, make_organization, sign_in
from voiceadmin import clock
from voiceadmin.accounts.models import AccountSession
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.config import Settings
from voiceadmin.database import engine
from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH, WRITER_LOCK
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import WRITES_RETRIED_AT, acquire_advisory_lock, write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Organization


def test_threads_write_to_sqlite_in_turn_without_waiting_for_its_lock(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)  # SQLite refuses a second writer at once
    db.session.remove()
    db.engine.dispose()

    def write(number: int) -> None:
        with sqlite_app.app_context():
            for turn in range(20):
                with write_transaction():
                    db.session.add(Organization(name=f"{number} {turn}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    assert db.session.scalar(select(func.count()).select_from(Organization)) == 160


def test_threads_that_read_and_write_lose_no_update(app: Flask) -> None:
    organization = make_organization("0")
    organization_id = organization.id
    db.session.remove()

    def count(_: int) -> None:
        with app.app_context():
            for _ in range(50):
                with write_transaction():
                    lock_organizations([organization_id])
                    found = db.session.get_one(Organization, organization_id)
                    found.name = str(int(found.name) + 1)
            db.session.remove()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))

    assert db.session.scalar(select(Organization.name)) == "400"


@pytest.mark.parametrize("is_other_process", [False, True], ids=["thread", "process"])
def test_pages_and_keys_do_not_wait_for_a_long_write(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch, is_other_process: bool
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    make_assistant(make_organization(), id=31)
    client = sign_in(sqlite_app.test_client(), make_account(platform=True))
    secret = create_api_key(EVERYTHING, "poller", None, expires_at=None, by=SHELL, now=NOW)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=5))  # the last activity is due to be recorded
    dispose_engine()

    with ExitStack() as stack:
        if is_other_process:
            other = stack.enter_context(closing(sqlite3.connect(sqlite_app.extensions[SQLITE_PATH])))
            other.execute("BEGIN IMMEDIATE")
        else:
            lock = sqlite_app.extensions[WRITER_LOCK]
            stack.enter_context(lock)
            other = stack.enter_context(closing(sqlite3.connect(sqlite_app.extensions[SQLITE_PATH])))
            other.execute("BEGIN IMMEDIATE")
        pages = [client.get("/assistants/31/voices").status_code for _ in range(20)]
        polls = [
            client.get("/api/v1/assistants/31/cloned-voices", headers={"Authorization": f"Bearer {secret}"}).status_code
            for _ in range(15)
        ]
    monkeypatch.delitem(sqlite_app.extensions, WRITES_RETRIED_AT)
    later = client.get("/assistants/31/voices").status_code

    assert pages == [200] * 20
    assert polls == [200] * 10 + [429] * 5  # the rate of one second
    assert later == 200
    assert db.session.scalar(select(AccountSession.last_active_at)) == NOW + timedelta(minutes=5)


@pytest.mark.databases("postgresql")
def test_who_says_that_it_waits_for_a_lock_waits_longer_than_the_lock_timeout(app: Flask, settings: Settings) -> None:
    address = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    is_waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(address) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT pg_advisory_xact_lock(hashtext('job'))")
        released: list[Future[None]] = []

        def release() -> None:
            while holder.execute(is_waiting).fetchone() == (0,):
                pass
            holder.execute("SELECT count(*) FROM generate_series(1, 500000)")  # takes longer than the lock timeout
            holder.commit()

        with write_transaction():
            db.session.execute(text("SET LOCAL lock_timeout = '10ms'"))
            acquire_advisory_lock("job", on_wait=lambda: released.append(pool.submit(release)))
            timeout = db.session.scalar(text("SHOW lock_timeout"))

    assert timeout == "10ms"


@pytest.mark.databases("postgresql")
def test_who_waits_for_a_lock_silently_waits_for_the_lock_timeout(app: Flask, settings: Settings) -> None:
    address = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtext('job'))")

        with write_transaction():
            db.session.execute(text("SET LOCAL lock_timeout = '10ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                acquire_advisory_lock("job")
            db.session.rollback()
