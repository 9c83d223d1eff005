"""Create, test, disable and remove sources, and store their keys anew."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import select

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import OrganizationNotFound, RateLimited, SourceNotFound, SourceRefused
from voiceadmin.identity import EVERYTHING, Actor, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.rate_limits.actions import acquire_tokens
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.sources.actions.removal import remember_voices
from voiceadmin.sources.actions.resetting import reset_verdicts
from voiceadmin.sources.clients.addresses import check_host
from voiceadmin.sources.clients.outcomes import UpstreamFailed
from voiceadmin.sources.clients.types import RightCheck
from voiceadmin.sources.connecting import CLIENT_KINDS, LIST_VOICES, build_connection, check_key_rights
from voiceadmin.sources.keys import check_key, encrypt_key, is_variable_name, reencrypt_key
from voiceadmin.sources.models import Source
from voiceadmin.sources.queries import is_visible
from voiceadmin.sources.types import KeyTest, NewSource
from voiceadmin.text import pluralize

KEY_TESTS = RateLimit(10, 1 / 6)  # of each source


def create_source(scope: Scope, new: NewSource, settings: Settings, *, by: Actor, now: datetime) -> int:
    """Create a source and return its id. Nothing is requested from it yet.

    Raises:
        OrganizationNotFound: if the organization is outside the scope.
        SourceRefused: if the address is not allowed, or the key is missing or cannot be stored.
    """
    _check_address(scope, new, settings)
    if new.key_variable and scope != EVERYTHING:
        raise SourceRefused("Only a platform admin can name a variable, because it can contain the key of others.")
    encrypted = encrypt_key(check_key(new.key, "The key"), settings.encryption_keys) if new.key else None
    if encrypted is None and not is_variable_name(new.key_variable):
        raise SourceRefused("There is no key. Give one, or name a variable such as UPSTREAM_KEY_ELEVENLABS.")
    with write_transaction():
        _check_owner(scope, new.organization_id)
        source = Source(
            organization_id=new.organization_id,
            kind=new.kind.value,
            name=new.name,
            address=new.address,
            key_variable=new.key_variable or None if encrypted is None else None,
            encrypted_key=encrypted,
            assistant_ids=",".join(map(str, new.assistant_ids)),
            created_at=now,
            created_by=by.name,
        )
        db.session.add(source)
        db.session.flush()
        facts = {"kind": new.kind.value, "address": new.address, "key": source.key_variable or "stored"}
        record_source_event(AuditEventType.SOURCE_CREATED, source, by, now, after=facts)
        reset_verdicts(source.kind, source.organization_id, now=now)
        return source.id


def _check_address(scope: Scope, new: NewSource, settings: Settings) -> None:
    kind = CLIENT_KINDS[new.kind]
    if new.address != kind.address and scope != EVERYTHING:
        raise SourceRefused(f"Only a platform admin can give another address than {kind.address}.")
    try:
        check_host(new.address, kind.hosts, settings.upstream_hosts)
    except UpstreamFailed as failed:
        raise SourceRefused(failed.fault.message) from failed


def _check_owner(scope: Scope, organization_id: int | None) -> None:
    if organization_id is None:
        if scope != EVERYTHING:
            raise SourceRefused("Only a platform admin can add a source of the platform. Select an organization.")
        return
    is_usable = (Organization.id == organization_id, Organization.merged_into_id.is_(None))
    if not scope.covers(organization_id) or db.session.scalar(select(Organization.id).where(*is_usable)) is None:
        raise OrganizationNotFound(f"There is no organization {organization_id}.")


def check_source(
    scope: Scope,
    source_id: int,
    settings: Settings,
    *,
    by: Actor,
    now: datetime,
    environ: Mapping[str, str] = os.environ,
) -> KeyTest:
    """Ask the upstream what the key of a source may do, and store the answer.

    The requests are sent outside of any transaction. A key that cannot be read is stored as a test without a result.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        RateLimited: if the key was tested too often.
    """
    find_source(scope, source_id)
    _limit_tests(source_id, now)
    try:
        connection = build_connection(find_source(scope, source_id), settings, environ)
    except SourceRefused as refused:
        test = KeyTest(now, (RightCheck(LIST_VOICES, None, str(refused)),), "")
    else:
        db.session.rollback()
        test = check_key_rights(connection, now)
    _save_test(scope, source_id, test, by=by, now=now)
    return test


def _limit_tests(source_id: int, now: datetime) -> None:
    """Count a test of a key, so that nobody uses up the rate limit of the upstream.

    Raises:
        RateLimited: with the time to wait.
    """
    with write_transaction():
        acquisition = acquire_tokens(f"test source {source_id}", KEY_TESTS, now)
    if not acquisition.tokens:
        seconds = pluralize(max(1, ceil(acquisition.retry_after)), "second")
        raise RateLimited(
            f"The key of this source was tested too often. Wait {seconds}, then test it again.", acquisition.retry_after
        )


def _save_test(scope: Scope, source_id: int, test: KeyTest, *, by: Actor, now: datetime) -> None:
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        has_changed = bool(test.account_hash) and source.account_hash not in ("", test.account_hash)
        source.account_changed_at = now if has_changed else source.account_changed_at
        source.account_hash = test.account_hash or source.account_hash
        source.tested_at, source.rights = now, json.dumps([list(right) for right in test.rights])
        record_source_event(AuditEventType.SOURCE_TESTED, source, by, now, after={"works": test.works})
        if has_changed:
            reset_verdicts(source.kind, source.organization_id, now=now)


def disable_source(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Stop using a source, and return its name. What is known by it is kept.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        if source.disabled_at is None:
            source.disabled_at = now
            record_source_event(AuditEventType.SOURCE_DISABLED, source, by, now)
            reset_verdicts(source.kind, source.organization_id, now=now)
        return source.name


def enable_source(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Use a source again, and return its name.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        if source.disabled_at is not None:
            source.disabled_at = None
            record_source_event(AuditEventType.SOURCE_ENABLED, source, by, now)
            reset_verdicts(source.kind, source.organization_id, now=now)
        return source.name


def request_sync(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Let the process that syncs regularly sync a source next, and return the name of the source.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if it is disabled.
    """
    with write_transaction():
        source = find_source(scope, source_id)
        check_can_sync(source)
        source.sync_requested_at = now
        record_source_event(AuditEventType.SYNC_REQUESTED, source, by, now)
        return source.name


def check_can_sync(source: Source) -> None:
    """Refuse a disabled source.

    Raises:
        SourceRefused: if it is disabled.
    """
    if source.disabled_at is not None:
        raise SourceRefused(f"The source “{source.name}” is disabled. Enable it first.")


def delete_source(source: Source, *, by: Actor, now: datetime) -> None:
    """Delete a locked source with its key. Call inside a write transaction. Voices are never removed with it."""
    facts = {"kind": source.kind, "address": source.address}
    record_source_event(AuditEventType.SOURCE_REMOVED, source, by, now, before=facts)
    remember_voices(source, now=now)
    db.session.delete(source)
    reset_verdicts(source.kind, source.organization_id, now=now)


def reencrypt_keys(settings: Settings, *, by: Actor, now: datetime) -> int:
    """Encrypt all stored keys with the first encryption key, and return their number.

    Raises:
        SourceRefused: if one of them cannot be decrypted. Nothing is changed then.
    """
    with write_transaction():
        sources = db.session.scalars(select(Source).where(Source.encrypted_key.is_not(None)).order_by(Source.id)).all()
        for source in sources:
            source.encrypted_key = reencrypt_key(source.encrypted_key or "", settings.encryption_keys)
            record_source_event(AuditEventType.SOURCE_KEY_REENCRYPTED, source, by, now)
        return len(sources)


def find_source(scope: Scope, source_id: int, *, is_locked: bool = False) -> Source:
    """Return a source with its key.

    Args:
        is_locked: let no other transaction change the source until the end of this one.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    statement = select(Source).where(Source.id == source_id, is_visible(scope))
    source = db.session.scalar(statement.with_for_update() if is_locked else statement)
    if source is None:
        raise SourceNotFound(f"There is no source {source_id}.")
    return source


def require_source(source_id: int) -> Source:
    """Return a source that may have been removed since its sync began.

    Raises:
        SourceNotFound: if it was.
    """
    source = db.session.get(Source, source_id)
    if source is None:
        raise SourceNotFound(f"There is no source {source_id} any more.")
    return source


def record_source_event(
    event_type: AuditEventType,
    source: Source,
    by: Actor,
    now: datetime,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Record an audit event about a source, for its organization. Call inside a write transaction."""
    target = AuditTarget(ObjectKind.SOURCE, source.id, source.name)
    owners = () if source.organization_id is None else (source.organization_id,)
    record_event(event_type, target, by=by, now=now, organizations=owners, before=before, after=after)
