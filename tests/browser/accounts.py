"""Accounts, API keys and audit events of a company, with sessions and links whose tokens the tests know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from tests.browser.sources import fill_with_sources
from tests.conftest import SHELL
from tests.factories import DAY, create_invitation, make_account
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.accounts.models import Account, AccountSession, OneTimeLink
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.audit.actions import record_events
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.tokens import hash_token

ROOT = "token-of-the-platform-admin"
ADMIN = "token-of-an-admin"  # of Acme Telecom only
VIEWER = "token-of-a-viewer"  # of Acme Telecom only

KEY = "va_key-of-everything"
INVITED = "token-of-an-invitation"
INVITED_AGAIN = "token-of-an-invitation-of-an-existing-account"
RESET = "token-of-a-reset"
SETUP = "token-of-the-set-up"

WINDOWS_EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1 Mobile Safari/604.1"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"

PEOPLE = (
    "Ada Lindqvist", "Bao Nguyen", "Chiara Rossi", "Dmitri Volkov", "Elif Yılmaz", "Femi Adeyemi", "Grace O’Neill",
    "Hiroshi Tanaka", "Ines Carvalho", "Jonas Weber", "", "Katarzyna Wiśniewska-Dąbrowska", "Liam Murphy",
    "Mei-Ling Chen", "Noor Haddad", "Olga Petrova", "Pablo Fernández de la Reguera", "Quinn Baker", "Rania Khoury",
    "Sven Eriksson", "", "Tomás Ó Briain", "Uma Krishnan", "Víctor Sánchez", "Wanjiru Kamau", "Xavier Dubois",
)  # fmt: skip
PROGRAMS = ("Status board", "Nightly report", "Grafana", "Call router", "Billing", "On-call pager", "Data warehouse")


def create_session_with_token(
    account: Account, token: str, now: datetime, *, client: str = LINUX, address: str = "127.0.0.1"
) -> None:
    """Create a session with this token for an account."""
    with write_transaction():
        db.session.add(
            AccountSession(
                token_hash=hash_token(token),
                account_id=account.id,
                created_at=now,
                last_active_at=now,
                reauthenticated_at=now,
                address=address,
                user_agent=client,
            )
        )


def create_known_api_key(now: datetime) -> None:
    """Create the API key KEY, which can read all organizations."""
    with write_transaction():
        db.session.add(
            ApiKey(
                name="tests",
                token_hash=hash_token(KEY),
                hint=KEY[:9],
                all_organizations=True,
                created_by="",
                created_at=now,
            )
        )


def set_newest_link_token(token: str) -> None:
    """Change the token of the newest one-time link."""
    with write_transaction():
        db.session.scalars(select(OneTimeLink).order_by(OneTimeLink.id.desc())).first().token_hash = hash_token(token)  # type: ignore[union-attr]


def fill_with_accounts(now: datetime) -> None:
    """Fill the database. Account 1 is an admin of Acme Telecom, account 2 a viewer of it, account 3 is disabled."""
    add_sample(now - 40 * DAY, by=SHELL, now=now - 40 * DAY)
    add_sample(now, by=SHELL, now=now)
    organizations = db.session.scalars(select(Organization).order_by(Organization.id)).all()
    acme = next(organization for organization in organizations if organization.name == "Acme Telecom")
    people = _create_people(now, acme, organizations)
    by = Actor(ActorKind.ACCOUNT, people[0].id, people[0].email, "192.0.2.17")
    _create_links(now, acme, organizations, people, by)
    _create_api_keys(now, organizations, by)
    _record_events(now, acme, by)
    fill_with_sources(now, acme.id)
    disable_account(EVERYTHING, people[2].id, by=by, now=now - 2 * DAY)


def _create_people(now: datetime, acme: Organization, organizations: Sequence[Organization]) -> list[Account]:
    people = []
    for number, name in enumerate(PEOPLE):
        host = "acme.example" if number % 3 else "harbor-view-inn.example"
        email = f"{name.split()[0].lower() if name else f'night-shift-{number}'}@{host}"
        roles = {organizations[number % len(organizations)]: Role(1 + number % 3)}
        if number < 3:
            roles = {acme: (Role.ADMIN, Role.VIEWER, Role.OPERATOR)[number]}
        if number in (8, 12):
            roles = {organization: Role(1 + organization.id % 3) for organization in organizations}
        people.append(make_account(email, name=name, roles=roles, platform=number == 5, created_at=now - number * DAY))
    create_session_with_token(people[0], ADMIN, now)
    create_session_with_token(people[1], VIEWER, now)
    for number, (client, address) in enumerate(
        ((IPHONE, "2001:db8:85a3::8a2e:370:7334"), (WINDOWS_EDGE, "192.0.2.17"))
    ):
        create_session_with_token(
            people[0], f"another-{number}", now - timedelta(minutes=7 * number + 3), client=client, address=address
        )
    return people


def _create_links(
    now: datetime, acme: Organization, organizations: Sequence[Organization], people: Sequence[Account], by: Actor
) -> None:
    create_invitation(EVERYTHING, "newcomer@example.com", Grant(acme.id, Role.OPERATOR), by=by, now=now - 2 * DAY)
    set_newest_link_token(INVITED)
    create_invitation(EVERYTHING, people[1].email, Grant(organizations[-1].id, Role.VIEWER), by=by, now=now - DAY)
    set_newest_link_token(INVITED_AGAIN)
    create_invitation(EVERYTHING, "second.admin@example.com", Grant(None, Role.PLATFORM), by=by, now=now)
    create_reset_link(EVERYTHING, people[4].id, by=by, now=now)
    set_newest_link_token(RESET)


def _create_api_keys(now: datetime, organizations: Sequence[Organization], by: Actor) -> None:
    for number in range(30):
        created = now - (60 - 2 * number) * DAY
        organization_ids = frozenset(organization.id for organization in organizations[: number % 5 + 1])
        create_api_key(
            EVERYTHING,
            f"{PROGRAMS[number % len(PROGRAMS)]} {number // len(PROGRAMS) or ''}".strip(),
            None if number % 7 == 4 else organization_ids,
            expires_at=None if number % 11 == 5 else created + (50 + 30 * (number % 4)) * DAY,
            by=by,
            now=created,
        )
    for number in (3, 20):
        revoke_api_key(EVERYTHING, number, by=by, now=now - timedelta(hours=number))


def _record_events(now: datetime, acme: Organization, by: Actor) -> None:
    """Record audit events of an import, of people and of API keys."""
    changed = [
        (
            AuditTarget(ObjectKind.VOICE, number, name),
            acme.id,
            {"status": "processing", "quality_score": None, "last_used_at": None},
            {
                "status": "failed" if number % 2 else "ready",
                "quality_score": 0.91,
                "last_used_at": "2026-11-22T13:20:00Z",
            },
        )
        for number, name in ((456, "Custom Professional Voice"), (457, "Resemble Brand Voice"), (458, "Sample"))
    ]
    with write_transaction():
        anonymous = Actor(ActorKind.ANONYMOUS, None, "", "203.0.113.9")
        program = Actor(ActorKind.KEY, 2, "Nightly report", "198.51.100.4")
        account = AuditTarget(ObjectKind.ACCOUNT, by.id, by.name)
        record_events(
            AuditEventType.SIGN_IN_FAILED, [(account, None, None, None)], by=anonymous, now=now - timedelta(hours=3)
        )
        record_events(AuditEventType.SIGNED_IN, [(account, None, None, None)], by=by, now=now - timedelta(hours=2))
        record_events(AuditEventType.VOICE_CHANGED, changed, by=SHELL, now=now - timedelta(hours=1))
        imported = {"added": 3, "changed": 3, "unchanged": 1198}
        organization = AuditTarget(ObjectKind.DATABASE, acme.id, acme.name)
        record_events(
            AuditEventType.VOICES_IMPORTED,
            [(organization, acme.id, None, imported)],
            by=SHELL,
            now=now - timedelta(hours=1),
        )
        key = AuditTarget(ObjectKind.KEY, 2, "Nightly report")
        record_events(
            AuditEventType.RATE_LIMITED, [(key, acme.id, None, None)], by=program, now=now - timedelta(minutes=20)
        )
