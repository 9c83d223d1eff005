"""Credentials of the load client: the session of an admin for pages, and an API key without an effective rate limit."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete

from voiceadmin import create_app
from voiceadmin.accounts.models import Account, AccountSession
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.tokens import KEY_PREFIX, hash_token
from voiceadmin.web.access import cookie_name

TOKEN = "benchmark" + "0" * 34
KEY = KEY_PREFIX + TOKEN
SETTINGS = {
    "VOICEADMIN_KEY_RATE": "1000000",
    "VOICEADMIN_KEY_BURST": "1000000",
    "VOICEADMIN_SESSION_IDLE_MINUTES": "600",
}
HEADERS = f"Authorization: Bearer {KEY}\r\nCookie: {cookie_name(Settings())}={TOKEN}\r\n"  # sent to all servers


def create_credentials(settings: Settings) -> None:
    """Write the session and the API key of HEADERS to a database, created now."""
    now = datetime.now(UTC)
    app = create_app(settings)
    with app.app_context():
        with write_transaction():
            for table in (AccountSession, ApiKey, Account):
                db.session.execute(delete(table))
            account = Account(
                email="bench", email_key="bench", name="", password_hash="", platform=True, created_at=now
            )
            db.session.add(account)
            db.session.flush()
            times = {"created_at": now, "last_active_at": now, "reauthenticated_at": now}
            session = AccountSession(
                token_hash=hash_token(TOKEN), account_id=account.id, address="", user_agent="", **times
            )
            key = ApiKey(
                name="bench",
                token_hash=hash_token(KEY),
                hint="",
                all_organizations=True,
                created_by="bench",
                created_at=now,
            )
            db.session.add_all([session, key])
        dispose_engine()
