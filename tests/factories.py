"""Factories of database rows with default values, so that a test states only the values that matter to it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select

from voiceadmin import clock
from voiceadmin.accounts.actions.links import create_invitations
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account, Membership
from voiceadmin.accounts.passwords import hash_password
from voiceadmin.accounts.types import Grant
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import Actor, Role, Scope
from voiceadmin.organizations.models import Assistant, AssistantVoice, Organization
from voiceadmin.sources.models import ProviderListing, Source
from voiceadmin.text import build_name_key, normalize_email
from voiceadmin.voices.models import ClonedVoice, VoiceVerdict
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.access import cookie_name

LONG_AGO = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
RECENTLY = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
DAY = timedelta(days=1)

Model = TypeVar("Model", bound=Base)

_numbers = itertools.count(1)


def make_organization(name: str = "Acme Telecom", **fields: Any) -> Organization:
    """Create an organization without voices and assistants."""
    return _saved(Organization(name=name, **fields))


def make_many_organizations() -> None:
    """Create a thousand organizations with one statement, "Customer 0" to "Customer 999"."""
    with write_transaction():
        db.session.execute(insert(Organization), [{"name": f"Customer {number}"} for number in range(1000)])


def make_assistant(organization: Organization | None = None, **fields: Any) -> Assistant:
    """Create an assistant without a voice, in a new organization unless one is given."""
    organization = organization or make_organization()
    given: dict[str, Any] = {"id": next(_numbers), "name": "Night desk"} | fields
    return _saved(Assistant(organization_id=organization.id, name_key=build_name_key(given["name"]), **given))


def name_voice(assistant: Assistant, provider_voice_id: str, provider: str = "elevenlabs") -> None:
    """Let another setting of an assistant name a voice, which it does not use."""
    _saved(AssistantVoice(assistant_id=assistant.id, provider=provider, provider_voice_id=provider_voice_id))


def voice_row(**fields: Any) -> VoiceRow:
    """A ready, scored, unused voice that is not in the database."""
    number = next(_numbers)
    given: dict[str, Any] = {
        "id": number,
        "name": f"Voice {number}",
        "provider": "elevenlabs",
        "provider_voice_id": f"pv{number}",
        "language": "en",
        "gender": None,
        "status": VoiceStatus.READY,
        "quality_score": 0.85,
        "created_at": LONG_AGO,
        "last_used_at": None,
        "synthesis_count": 0,
    }
    return VoiceRow(**(given | fields))


def make_voice(organization: Organization, **fields: Any) -> VoiceRow:
    """Create a voice of an organization with the fields of `voice_row`."""
    row = voice_row(**fields)
    put_voices(organization, [row])
    return row


def put_voices(organization: Organization, rows: Sequence[VoiceRow]) -> None:
    """Write voices of an organization in one statement."""
    with write_transaction():
        db.session.execute(upsert_statement(ClonedVoice), [build_voice_columns(row, organization.id) for row in rows])


def refill(organization: Organization, rows: Sequence[VoiceRow]) -> None:
    """Delete all voices of all organizations, and write these voices of one organization."""
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    if rows:
        put_voices(organization, rows)


PASSWORD = "correct horse battery"  # of every account


def make_account(
    email: str = "", *, platform: bool = False, roles: Mapping[Organization, Role] | None = None, **fields: Any
) -> Account:
    """Create an account that can sign in with PASSWORD, with these roles."""
    number = next(_numbers)
    email = email or f"person{number}@example.com"
    given: dict[str, Any] = {
        "name": "",
        "password_hash": hash_password(PASSWORD),
        "created_at": LONG_AGO,
        "platform": platform,
    }
    account = _saved(Account(email=email, email_key=normalize_email(email), **(given | fields)))
    for organization, role in (roles or {}).items():
        _saved(Membership(account_id=account.id, organization_id=organization.id, role=int(role)))
    return account


def sign_in(client: FlaskClient, account: Account) -> FlaskClient:
    """Sign a test client in as an account that has just confirmed its password."""
    with write_transaction():
        token = create_session(account.id, address="127.0.0.1", user_agent="Mozilla/5.0 Firefox/140.0", now=clock.now())
    client.set_cookie(cookie_name(client.application.config["VOICEADMIN"]), token)
    return client


def connect_provider(kind: str = "elevenlabs", *, read_at: datetime | None, **fields: Any) -> int:
    """Create a source of a provider, whose only list was last read at a time, and return its id.

    The source itself has no findings.
    """
    given: dict[str, Any] = {"name": kind, "address": "", "created_by": "", "created_at": LONG_AGO, "read_at": RECENTLY}
    source_id = _saved(Source(kind=kind, **(given | fields))).id
    listing = {"attempted_at": read_at or LONG_AGO, "complete_at": read_at, "voices": 0, "withheld": ""}
    _saved(ProviderListing(source_id=source_id, name="voices", result="complete", message="", **listing))
    return source_id


def put_verdicts(verdicts: Mapping[int, str], *, since: datetime, certainty: str = "listed") -> None:
    """Store verdicts by the id of their voice, judged on what the voice is now."""
    judged_on: dict[str, Any] = {
        "voice_id": ClonedVoice.id,
        "organization_id": ClonedVoice.organization_id,
        "provider": ClonedVoice.provider,
        "provider_voice_id": ClonedVoice.provider_voice_id,
        "status": ClonedVoice.status,
        "upstream_status": func.coalesce(ClonedVoice.upstream_status, ""),
    }
    with write_transaction():
        db.session.execute(delete(VoiceVerdict).where(VoiceVerdict.voice_id.in_(verdicts)))
        for row in db.session.execute(select(*judged_on.values()).where(ClonedVoice.id.in_(verdicts))).all():
            values: dict[str, Any] = dict(zip(judged_on, row, strict=True))
            values["status"] = VoiceStatus(values["status"]).value
            verdict = {"verdict": verdicts[values["voice_id"]], "certainty": certainty, "message": "", "since": since}
            is_missing = verdict["verdict"] == "missing"
            db.session.add(VoiceVerdict(**values, **verdict, rests_on_absence=is_missing, judged_at=since))


def _saved(model: Model) -> Model:
    """Commit a new row, and return it loaded and detached from the session."""
    with write_transaction():
        db.session.add(model)
        db.session.flush()
        db.session.refresh(model)
        db.session.expunge(model)
    return model


def create_invitation(scope: Scope, email: str, *grants: Grant, by: Actor, now: datetime) -> str:
    """Invite one address, and return the token of the link."""
    return create_invitations(scope, [email], grants, by=by, now=now)[email]
