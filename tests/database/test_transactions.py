"""Write transactions of several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from voiceadmin.database import engine
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
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
