"""Times of refused sign-ins. They must not reveal whether an account exists."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import delete, insert

from voiceadmin import create_app
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.passwords import hash_password
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SignInRefused
from voiceadmin.rate_limits.models import TokenBucket

KNOWN, UNKNOWN = "known@example.com", "unknown@example.com"


def measure_refusals(folder: Path, tries: int) -> tuple[float, float]:
    """The median milliseconds of refused sign-ins of an unknown and of a known account, measured alternately."""
    app, now = create_app(Settings(instance=folder)), datetime.now(UTC)
    taken: dict[str, list[float]] = {UNKNOWN: [], KNOWN: []}
    with app.app_context():
        prepare_database()
        with write_transaction():
            password_hash = hash_password("the right password")
            values = {"email": KNOWN, "email_key": KNOWN, "name": "", "password_hash": password_hash, "created_at": now}
            db.session.execute(insert(Account).values(**values))
        for _ in range(tries):
            for email, times in taken.items():
                with write_transaction():
                    db.session.execute(delete(TokenBucket))
                start = time.perf_counter()
                with suppress(SignInRefused):
                    sign_in(
                        email, "a wrong one", address="192.0.2.1", user_agent="", idle=timedelta(minutes=30), now=now
                    )
                times.append((time.perf_counter() - start) * 1000)
        dispose_engine()
    return median(taken[UNKNOWN]), median(taken[KNOWN])
