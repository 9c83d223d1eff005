"""Actions that record events of every type, and the organizations that they concern."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.conftest import NOW, SHELL
from tests.factories import (
    PASSWORD,
    create_invitation,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    sign_in,
    voice_row,
)
from tests.totals.damage import damage
from voiceadmin.accounts.actions import sessions
from voiceadmin.accounts.actions.acceptance import accept_link
from voiceadmin.accounts.actions.links import create_reset_link, revoke_invitation
from voiceadmin.accounts.actions.passwords import change_password
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account, enable_account, end_account_sessions, end_all_sessions
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.audit.actions import record_event_now
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.deletion_requests import cancel_deletion, request_deletion
from voiceadmin.cleanup.actions.deletion_steps import take_next, write_intent, write_result
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan, retry_failed_items, undo_plan
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.models import CleanUpItem, CleanUpListing
from voiceadmin.cleanup.queries.deletions import check_voices
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.cleanup.types.deletions import DeletionState
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ObjectNotFound, RateLimited, SignInRefused
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, Scope, anonymous_requester
from voiceadmin.management.actions import removing
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.moving import move_assistant, remove_assistant, remove_organization
from voiceadmin.management.actions.naming import rename_assistant, rename_organization
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample, remove_sample
from voiceadmin.sources.actions import believing, managing, permissions
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.models import ProviderListing, Source
from voiceadmin.sources.types import ListingResult, NewSource, SourceKind
from voiceadmin.totals.actions import rebuild_totals
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.types.status import VoiceStatus

BOB = "bob@example.com"
EVE = Actor(ActorKind.ACCOUNT, 99, "eve@example.com")
THRESHOLDS = AttentionThresholds()
NOBODY, ACME, BOTH = set[str](), {"Acme"}, {"Acme", "Other"}
E = AuditEventType


@dataclass(frozen=True)
class World:
    """Two organizations in which Bob has a role and Eve is an admin, and a third one."""

    client: FlaskClient
    acme: int
    other: int
    third: int
    bob: int

    @property
    def scope(self) -> Scope:
        return Scope(frozenset({self.acme, self.other}))


def make_world(client: FlaskClient) -> World:
    """Create the organizations and people, and sign Eve in."""
    acme, other, third = (make_organization(name) for name in ("Acme", "Other", "Third"))
    make_assistant(acme, id=9031)
    make_voice(acme, id=9456, status=VoiceStatus.FAILED)
    make_voice(other, id=9457)
    make_voice(acme, id=9459)
    make_voice(third, id=9458)
    bob = make_account(BOB, roles={acme: Role.OPERATOR, other: Role.VIEWER})
    make_account("root@example.com", platform=True)
    eve = make_account(EVE.name, roles={acme: Role.ADMIN, other: Role.ADMIN})
    return World(sign_in(client, eve), int(acme.id), int(other.id), int(third.id), int(bob.id))


def start_session(world: World) -> Requester:
    with write_transaction():
        token = sessions.create_session(world.bob, address="", user_agent="", now=NOW)
    requester = find_session(token, "203.0.113.7")
    assert requester is not None
    return requester


def try_password(password: str) -> str:
    options = {"address": "203.0.113.7", "user_agent": "", "idle": timedelta(hours=1), "now": NOW}
    return sessions.sign_in(BOB, password, **options)  # type: ignore[arg-type]


def fail_to_sign_in(_: World) -> None:
    with pytest.raises(SignInRefused):
        try_password("wrong wrong wrong")


def exceed_limit(_: World) -> None:
    for _attempt in range(5):
        with pytest.raises(SignInRefused):
            try_password("wrong wrong wrong")
    with pytest.raises(RateLimited):
        try_password(PASSWORD)


def fail_to_confirm(world: World) -> None:
    with pytest.raises(SignInRefused):
        sessions.confirm_password(start_session(world), "wrong wrong wrong", now=NOW)


def end_sessions(world: World, scope: Scope) -> None:
    start_session(world)
    end_account_sessions(scope, world.bob, by=SHELL, now=NOW)


def accept(token: str, password: str = PASSWORD) -> None:
    by = anonymous_requester("203.0.113.7").actor
    accept_link(token, email="", name="", password=password, by=by, user_agent="", now=NOW)


def invite(email: str, organization_id: int | None, role: Role = Role.ADMIN) -> str:
    return create_invitation(EVERYTHING, email, Grant(organization_id, role), by=SHELL, now=NOW)


def revoke_link(world: World) -> None:
    invite("new@example.com", world.acme)
    revoke_invitation(EVERYTHING, db.session.scalars(select(OneTimeLink.id)).one(), by=SHELL, now=NOW)


def enable(world: World) -> None:
    disable_account(EVERYTHING, world.bob, by=SHELL, now=NOW)
    enable_account(EVERYTHING, world.bob, by=SHELL, now=NOW)


def create_key(organizations: frozenset[int] | None) -> None:
    create_api_key(EVERYTHING, "board", organizations, expires_at=None, by=SHELL, now=NOW)


def revoke_key(world: World) -> None:
    create_key(frozenset({world.acme, world.other}))
    revoke_api_key(EVERYTHING, 1, by=SHELL, now=NOW)


def import_voice(_: World) -> None:
    data = json.dumps(voice_to_json(voice_row(id=9456, name="Changed")))
    import_voices(io.BytesIO(data.encode()), ImportTarget(9031), by=SHELL, now=NOW, on_fault=print)


def act(world: World, action: TriageAction, *, undo: bool = False) -> None:
    refs = (ObjectRef(ObjectKind.VOICE, 9456),)
    request = ActionRequest(action, refs, action.value, 0, "text", assignee_id=world.bob)
    operation = apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=NOW)
    if undo:
        undo_operation(EVERYTHING, operation.id, "undo", AttentionThresholds(), by=SHELL, now=NOW)


def mark_deleted(world: World, *, undo: bool = False) -> None:
    act(world, TriageAction.ARCHIVE)
    act(world, TriageAction.MARK_DELETED, undo=undo)


def make_second_assistant(world: World) -> int:
    with write_transaction():
        acme = db.session.get_one(Organization, world.acme)
        db.session.expunge(acme)
    return make_assistant(acme, id=9032).id


def merge(world: World, *, undo: bool = False) -> None:
    merge_id = merge_organizations(EVERYTHING, world.third, world.acme, by=SHELL, now=NOW)
    if undo:
        undo_merge(EVERYTHING, merge_id, by=SHELL, now=NOW)


def act_on_foreign_voice(world: World) -> None:
    request = ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 9458),), "key", 0)
    with pytest.raises(ObjectNotFound):
        apply_action(world.scope, request, THRESHOLDS, by=EVE, now=NOW)


def plan(world: World, *, steps: int = 1) -> None:
    """Take steps of a plan: create, confirm and run, retry, undo."""
    id = create_plan(world.scope, CleanUpFilters(), THRESHOLDS, "key", by=SHELL, now=NOW)
    if steps > 1:
        confirm_plan(world.scope, id, by=SHELL, now=NOW)
        resume_plan(world.scope, id, THRESHOLDS, by=SHELL, now=NOW, seconds=60)
    if steps > 2:
        undo_plan(world.scope, id, AttentionThresholds(), by=SHELL, now=NOW, seconds=60)
    if steps > 3:
        with write_transaction():
            db.session.execute(update(CleanUpItem).where(CleanUpItem.position == 1).values(state="failed"))
        retry_failed_items(world.scope, id, by=SHELL, now=NOW)


def delete_at_provider(world: World, state: DeletionState | None = None) -> None:
    """Ask for the deletion of the archived voices of Acme at ElevenLabs; write the result of one, unless it is None."""
    id = create_plan(EVERYTHING, CleanUpFilters(world.acme), THRESHOLDS, "key", by=SHELL, now=NOW)
    confirm_plan(EVERYTHING, id, by=SHELL, now=NOW)
    resume_plan(EVERYTHING, id, THRESHOLDS, by=SHELL, now=NOW, seconds=60)
    source_id = make_source(world.acme)
    permissions.allow_deletion(EVERYTHING, source_id, by=SHELL, now=NOW)
    (voice,) = check_voices(id, now=NOW)
    listing = {"provider_voice_id": voice.provider_voice_id, "created_at": NOW}
    with write_transaction():
        db.session.add(CleanUpListing(plan_id=id, position=voice.position, source_id=source_id, **listing))
    request_id = request_deletion(EVERYTHING, id, "elevenlabs", 1, by=SHELL, now=NOW)
    if state is None:
        cancel_deletion(EVERYTHING, id, by=SHELL, now=NOW)
        return
    task = take_next(request_id, "one", now=NOW)
    assert task is not None
    assert write_intent(task, "one", now=NOW)
    write_result(task, state, "Answered 200.", AttentionThresholds(), now=NOW)


def repair_totals() -> None:
    """Make a total wrong, and let it be computed anew."""
    damage("provider_totals")
    rebuild_totals(by=SHELL, now=NOW)


SOURCE_SETTINGS = Settings(encryption_keys=("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",))


def make_source(organization_id: int | None) -> int:
    new = NewSource(organization_id, SourceKind.ELEVENLABS, "Voices", "http://127.0.0.1:9", key="planted-key")
    return managing.create_source(EVERYTHING, new, SOURCE_SETTINGS, by=SHELL, now=NOW)


def check_source(world: World) -> None:
    """Test a key that cannot be decrypted, for which nothing is requested."""
    managing.check_source(EVERYTHING, make_source(world.acme), Settings(), by=SHELL, now=NOW)


def disable_source(world: World, *, then_enable: bool = False) -> None:
    id = make_source(world.acme)
    managing.disable_source(EVERYTHING, id, by=SHELL, now=NOW)
    if then_enable:
        managing.enable_source(EVERYTHING, id, by=SHELL, now=NOW)


def allow_deletion(world: World, *, then_forbid: bool = False) -> None:
    id = make_source(world.acme)
    permissions.allow_deletion(EVERYTHING, id, by=SHELL, now=NOW)
    if then_forbid:
        permissions.forbid_deletion(EVERYTHING, id, by=SHELL, now=NOW)


def accept_account(world: World) -> None:
    """Accept the account of a key, as if a sync had noticed another one."""
    id = make_source(world.acme)
    with write_transaction():
        db.session.execute(update(Source).where(Source.id == id).values(account_changed_at=NOW))
    believing.accept_account(EVERYTHING, id, by=SHELL, now=NOW)


def believe_list(world: World) -> None:
    """Believe a list that lacks a voice."""
    id, withheld = make_source(world.acme), json.dumps({"absent": ["a"], "lacking": []})
    result = ListingResult.WITHHELD.value
    listing = ProviderListing(source_id=id, name="voices", attempted_at=NOW, result=result, message="", voices=0)
    with write_transaction():
        listing.withheld = withheld
        db.session.add(listing)
    believing.believe_list(EVERYTHING, id, hash_withheld(withheld), by=SHELL, now=NOW)


def record_sync(world: World) -> None:
    """End a sync that has changed a voice."""
    run = Run.start(make_source(world.acme), by=SHELL, now=NOW)
    run.counts.changed = 1
    run.end()


def remove_source(world: World) -> None:
    removing.remove_source(EVERYTHING, make_source(world.acme), by=SHELL, now=NOW)


def reencrypt_source_key(world: World) -> None:
    make_source(world.acme)
    managing.reencrypt_keys(SOURCE_SETTINGS, by=SHELL, now=NOW)


def remove_sample_again() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    remove_sample(by=SHELL, now=NOW)


def record_removal(world: World) -> None:
    """Record what older versions recorded."""
    target = AuditTarget(ObjectKind.VOICE, 9456, "Lobby")
    record_event_now(E.VOICE_REMOVED, target, by=SHELL, now=NOW, organizations=[world.acme])


def export(world: World, name: str, arguments: str = "") -> None:
    assert world.client.get(f"/{name}.csv{arguments}").status_code == 200


def export_everything(world: World) -> None:
    sign_in(world.client, make_account("ops@example.com", platform=True)).get("/assistants.csv")


CASES: list[tuple[str, AuditEventType, Callable[[World], object], set[str]]] = [
    ("signs in", E.SIGNED_IN, lambda w: try_password(PASSWORD), BOTH),
    ("wrong password", E.SIGN_IN_FAILED, fail_to_sign_in, BOTH),
    ("too many passwords", E.RATE_LIMITED, exceed_limit, BOTH),
    ("signs out", E.SIGNED_OUT, lambda w: sessions.sign_out(start_session(w), now=NOW), BOTH),
    ("sessions of an account", E.SESSION_ENDED, lambda w: end_sessions(w, EVERYTHING), BOTH),
    ("sessions in one", E.SESSION_ENDED, lambda w: end_sessions(w, Scope(frozenset({w.acme}))), ACME),
    ("all sessions", E.SESSION_ENDED, lambda w: end_all_sessions(by=SHELL, now=NOW), NOBODY),
    ("confirms", E.PASSWORD_CONFIRMED, lambda w: sessions.confirm_password(start_session(w), PASSWORD, now=NOW), BOTH),
    ("fails to confirm", E.PASSWORD_CONFIRMATION_FAILED, fail_to_confirm, BOTH),
    ("invitation", E.LINK_CREATED, lambda w: invite(BOB, w.acme), ACME),
    ("invitation as platform admin", E.LINK_CREATED, lambda w: invite(BOB, None, Role.PLATFORM), NOBODY),
    ("reset link", E.LINK_CREATED, lambda w: create_reset_link(EVERYTHING, w.bob, by=SHELL, now=NOW), BOTH),
    ("revoked invitation", E.LINK_REVOKED, revoke_link, ACME),
    ("new account", E.ACCOUNT_CREATED, lambda w: accept(invite("new@example.com", w.acme)), ACME),
    ("accepted invitation", E.INVITATION_ACCEPTED, lambda w: accept(invite(BOB, w.acme)), ACME),
    (
        "accepted as platform admin",
        E.INVITATION_ACCEPTED,
        lambda w: accept(invite(BOB, None, Role.PLATFORM)),
        BOTH,
    ),
    (
        "new password",
        E.PASSWORD_CHANGED,
        lambda w: change_password(start_session(w), PASSWORD, "another secret 5", user_agent="", now=NOW),
        BOTH,
    ),
    (
        "password by link",
        E.PASSWORD_CHANGED,
        lambda w: accept(create_reset_link(EVERYTHING, w.bob, by=SHELL, now=NOW), "another secret 5"),
        BOTH,
    ),
    ("disabled", E.ACCOUNT_DISABLED, lambda w: disable_account(EVERYTHING, w.bob, by=SHELL, now=NOW), BOTH),
    ("enabled", E.ACCOUNT_ENABLED, enable, BOTH),
    ("role", E.ROLE_CHANGED, lambda w: change_role(EVERYTHING, w.bob, w.acme, None, by=SHELL, now=NOW), ACME),
    ("platform", E.ROLE_CHANGED, lambda w: set_platform_admin(EVERYTHING, w.bob, on=True, by=SHELL, now=NOW), BOTH),
    (
        "renamed",
        E.ORGANIZATION_RENAMED,
        lambda w: rename_organization(EVERYTHING, w.acme, "A", by=SHELL, now=NOW),
        ACME,
    ),
    ("merged", E.ORGANIZATION_MERGED, merge, ACME),
    ("merge undone", E.ORGANIZATION_MERGE_UNDONE, lambda w: merge(w, undo=True), ACME),
    (
        "organization removed",
        E.ORGANIZATION_REMOVED,
        lambda w: remove_organization(EVERYTHING, make_organization("Empty").id, by=SHELL, now=NOW),
        NOBODY,
    ),
    (
        "assistant renamed",
        E.ASSISTANT_RENAMED,
        lambda w: rename_assistant(EVERYTHING, 9031, "Night", by=SHELL, now=NOW),
        ACME,
    ),
    (
        "assistant moved",
        E.ASSISTANT_MOVED,
        lambda w: move_assistant(EVERYTHING, make_second_assistant(w), w.other, by=SHELL, now=NOW),
        BOTH,
    ),
    (
        "assistant removed",
        E.ASSISTANT_REMOVED,
        lambda w: remove_assistant(EVERYTHING, make_second_assistant(w), by=SHELL, now=NOW),
        ACME,
    ),
    ("deleted", E.VOICE_DELETED_AT_PROVIDER, mark_deleted, ACME),
    ("not deleted", E.VOICE_NOT_DELETED_AT_PROVIDER, lambda w: mark_deleted(w, undo=True), ACME),
    ("key of one", E.KEY_CREATED, lambda w: create_key(frozenset({w.acme})), ACME),
    ("key of both", E.KEY_CREATED, lambda w: create_key(frozenset({w.acme, w.other})), BOTH),
    ("key of all", E.KEY_CREATED, lambda w: create_key(None), NOBODY),
    ("revoked key", E.KEY_REVOKED, revoke_key, BOTH),
    ("source", E.SOURCE_CREATED, lambda w: make_source(w.acme), ACME),
    ("source of the platform", E.SOURCE_CREATED, lambda w: make_source(None), NOBODY),
    ("source tested", E.SOURCE_TESTED, check_source, ACME),
    ("source disabled", E.SOURCE_DISABLED, disable_source, ACME),
    ("source enabled", E.SOURCE_ENABLED, lambda w: disable_source(w, then_enable=True), ACME),
    ("deletion allowed", E.DELETION_ALLOWED, allow_deletion, ACME),
    ("deletion forbidden", E.DELETION_FORBIDDEN, lambda w: allow_deletion(w, then_forbid=True), ACME),
    (
        "sync requested",
        E.SYNC_REQUESTED,
        lambda w: managing.request_sync(EVERYTHING, make_source(w.acme), by=SHELL, now=NOW),
        ACME,
    ),
    ("synced", E.SOURCE_SYNCED, record_sync, ACME),
    ("list believed", E.LIST_BELIEVED, believe_list, ACME),
    ("account accepted", E.ACCOUNT_ACCEPTED, accept_account, ACME),
    ("source removed", E.SOURCE_REMOVED, remove_source, ACME),
    ("source key", E.SOURCE_KEY_REENCRYPTED, reencrypt_source_key, ACME),
    ("import", E.VOICES_IMPORTED, import_voice, ACME),
    ("changed voice", E.VOICE_CHANGED, import_voice, ACME),
    ("removed voice", E.VOICE_REMOVED, record_removal, ACME),
    ("archive", E.VOICE_ARCHIVED, lambda w: act(w, TriageAction.ARCHIVE), ACME),
    ("restore", E.VOICE_RESTORED, lambda w: act(w, TriageAction.ARCHIVE, undo=True), ACME),
    ("assign", E.ASSIGNED, lambda w: act(w, TriageAction.ASSIGN), ACME),
    ("acknowledge", E.ACKNOWLEDGED, lambda w: act(w, TriageAction.ACKNOWLEDGE), ACME),
    ("snooze", E.SNOOZED, lambda w: act(w, TriageAction.SNOOZE), ACME),
    ("unmute", E.UNMUTED, lambda w: act(w, TriageAction.SNOOZE, undo=True), ACME),
    ("note", E.NOTE_ADDED, lambda w: act(w, TriageAction.NOTE), ACME),
    ("note removed", E.NOTE_REMOVED, lambda w: act(w, TriageAction.NOTE, undo=True), ACME),
    ("refused operation", E.OPERATION_REFUSED, act_on_foreign_voice, BOTH),
    ("plan", E.CLEAN_UP_PLANNED, plan, BOTH),
    ("confirmed plan", E.CLEAN_UP_CONFIRMED, lambda w: plan(w, steps=2), BOTH),
    ("undone plan", E.CLEAN_UP_UNDONE, lambda w: plan(w, steps=3), BOTH),
    ("retried plan", E.CLEAN_UP_RETRIED, lambda w: plan(w, steps=4), BOTH),
    ("deletion requested", E.DELETION_REQUESTED, delete_at_provider, ACME),
    ("deletion cancelled", E.DELETION_CANCELLED, delete_at_provider, ACME),
    ("deletion sent", E.VOICE_DELETION_SENT, lambda w: delete_at_provider(w, DeletionState.DELETED), ACME),
    ("voice deleted", E.VOICE_DELETED, lambda w: delete_at_provider(w, DeletionState.DELETED), ACME),
    ("deletion failed", E.VOICE_DELETION_FAILED, lambda w: delete_at_provider(w, DeletionState.UNCONFIRMED), ACME),
    (
        "price",
        E.PRICE_CHANGED,
        lambda w: set_price("inworld", 100, "USD", date(2026, 11, 1), by=SHELL, now=NOW),
        NOBODY,
    ),
    ("sample", E.SAMPLE_ADDED, lambda w: add_sample(NOW, by=SHELL, now=NOW), NOBODY),
    ("sample removed", E.SAMPLE_REMOVED, lambda w: remove_sample_again(), NOBODY),
    ("totals", E.TOTALS_REBUILT, lambda w: repair_totals(), NOBODY),
    ("export", E.VOICES_EXPORTED, lambda w: export(w, "assistants"), BOTH),
    ("export of one", E.VOICES_EXPORTED, lambda w: export(w, "assistants", f"?organization={w.acme}"), ACME),
    ("export of all", E.VOICES_EXPORTED, export_everything, NOBODY),
    ("export of activity", E.ACTIVITY_EXPORTED, lambda w: export(w, "activity"), BOTH),
    ("export of people", E.PEOPLE_EXPORTED, lambda w: export(w, "people"), BOTH),
    ("export of keys", E.KEYS_EXPORTED, lambda w: export(w, "api-keys"), BOTH),
]
