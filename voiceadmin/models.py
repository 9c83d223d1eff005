"""The tables, and nothing but tables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    Enum,
    FetchedValue,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    case,
    false,
    func,
    null,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.db import Base, BigId, Sortable, UtcTime
from voiceadmin.people import OrganizationId
from voiceadmin.vocabulary import LinkPurpose, VoiceStatus


class Store(Base):
    """One row: the name of this store, drawn when it was made, so that no other store's ETag is taken for ours."""

    __tablename__ = "store"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Organization(Base):
    """Owner of assistants and voices.

    id is our own; upstream_id is None where upstream's is not known. revision
    is drawn anew at random by triggers whenever one of its voices is written,
    whoever writes; at random, so that a restored backup cannot come to the
    same revision with other voices. sample: made by the sample data.
    """

    __tablename__ = "organization"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[OrganizationId] = mapped_column(BigId, primary_key=True)
    upstream_id: Mapped[int | None] = mapped_column(BigId, unique=True)
    name: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigId, server_default="0")
    sample: Mapped[bool] = mapped_column(server_default=false())


class Assistant(Base):
    """An AI phone agent. id is upstream's. name_key is its folded name, for search and order."""

    __tablename__ = "assistant"
    __table_args__ = (Index(None, "organization_id", "tts_provider", "tts_voice_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Sortable)
    active: Mapped[bool] = mapped_column(server_default=true())
    tts_provider: Mapped[str | None] = mapped_column(Text)
    tts_voice_id: Mapped[str | None] = mapped_column(Text)


# The orders of a list of voices, each an index of one stretch for every status and provider; then what filters test.
ORDERS = {
    "name": ("name_key",),
    "quality": ("quality_score",),
    "syntheses": ("synthesis_count",),
    "last_used": ("dated", "idle_since"),
    "created": ("created_at",),
}
TESTED = ("id", "tier", "language", "dated", "never", "idle_since")

# What the rules of attention read: the order of each queue, and of which voices.
QUEUES = {
    "failed": ("standing_since", (), "status = 'failed'"),
    "stuck": ("standing_since", (), "status = 'processing'"),
    "poor": ("created_at", (), "quality_score < 0.7 AND synthesis_count > 0 AND status <> 'archived'"),
    "unused": ("last_used_at", ("created_at",), "status = 'ready' AND last_used_at IS NOT NULL"),
    "never": ("created_at", (), "status = 'ready' AND last_used_at IS NULL AND synthesis_count = 0"),
    "archived": ("archived_at", (), "archived_at IS NOT NULL"),
    "used": ("synthesis_count", (), "status = 'ready' AND synthesis_count > 0"),
}


class ClonedVoice(Base):
    """A cloned voice: upstream's eleven fields, the organization, and two folded texts to order and search by.

    id is upstream's. name_key: the folded name, cut to fit into an index.
    search_key: folded name and provider's id, between newlines.

    status is the one that is shown. Of a voice that was archived here, archived_at
    tells when, archived_by and archived_why by whom and why, and
    upstream_status what upstream says meanwhile; all four are None of any other.
    written_at: when upstream last said anything new of it, None if before that was kept.
    status_since: when it came to its status; None as long as it is in the first one known.

    The database works out the last six itself. standing_since: since when it has
    its status at least. tier: of the quality score, its bars, 0 without a score.
    dated: 1 when the last use is known. never: 1 when there was none.
    idle_since: the last use, or else the creation. record: its JSON as the JSON
    route writes it.
    """

    __tablename__ = "cloned_voice"
    __table_args__ = (
        CheckConstraint("id >= 1", name="id"),
        CheckConstraint("quality_score BETWEEN 0.0 AND 1.0", name="quality_score"),
        CheckConstraint("synthesis_count >= 0", name="synthesis_count"),
        CheckConstraint(
            "(archived_at IS NULL AND upstream_status IS NULL)"
            " OR (archived_at IS NOT NULL AND upstream_status IS NOT NULL AND status = 'archived')",
            name="archived",
        ),
        Index(None, "organization_id", "provider", "provider_voice_id"),
        *(
            Index(
                f"ix_voice_by_{name}",
                *("organization_id", "status", "provider", *columns, *(one for one in TESTED if one not in columns)),
            )
            for name, columns in ORDERS.items()
        ),
        *(
            Index(
                *(f"ix_queue_{name}", since, "id", "organization_id", "provider", *more),
                sqlite_where=text(condition),
                postgresql_where=text(condition),
            )
            for name, (since, more, condition) in QUEUES.items()
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Sortable)
    provider_voice_id: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Sortable)
    gender: Mapped[str | None] = mapped_column(Text)
    status: Mapped[VoiceStatus] = mapped_column(
        Enum(
            VoiceStatus,
            native_enum=False,
            create_constraint=True,
            name="status",
            length=20,
            values_callable=lambda statuses: [status.value for status in statuses],
        )
    )
    quality_score: Mapped[float | None] = mapped_column(Float(53))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcTime)
    synthesis_count: Mapped[int] = mapped_column(BigId)
    name_key: Mapped[str] = mapped_column(Sortable)
    search_key: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime | None] = mapped_column(UtcTime)
    status_since: Mapped[datetime | None] = mapped_column(UtcTime)
    upstream_status: Mapped[str | None] = mapped_column(String(20))
    archived_at: Mapped[datetime | None] = mapped_column(UtcTime)
    archived_by: Mapped[str | None] = mapped_column(Text)
    archived_why: Mapped[str | None] = mapped_column(Text)

    standing_since: Mapped[datetime] = mapped_column(UtcTime, FetchedValue())
    tier: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    dated: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    never: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    idle_since: Mapped[datetime] = mapped_column(UtcTime, FetchedValue())
    record: Mapped[str] = mapped_column(Text, FetchedValue())

    @classmethod
    def overwritten(cls, kept: Any, given: Any) -> dict[str, Any]:
        """What an upsert does not simply overwrite: upstream's word never undoes our archiving."""
        here = kept.archived_at.is_not(None)
        before = func.coalesce(kept.upstream_status, kept.status)
        return {
            "status": case((here, kept.status), else_=given.status),
            "upstream_status": case((here, given.status), else_=null()),
            "status_since": case((before != given.status, given.written_at), else_=kept.status_since),
            **{name: kept[name] for name in ("archived_at", "archived_by", "archived_why")},
        }


class VoiceCount(Base):
    """How many voices an organization has of each kind, kept by triggers. language: "" for none."""

    __tablename__ = "voice_count"
    __table_args__ = (Index(None, "provider", "status", "tier", "voices"), {"sqlite_with_rowid": False})

    organization_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(20), primary_key=True)
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    language: Mapped[str] = mapped_column(Sortable, primary_key=True)
    tier: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    dated: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    never: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    voices: Mapped[int] = mapped_column(BigId)


class Account(Base):
    """A person. email_key: the folded e-mail. password_hash: argon2's. platform: whether an admin of the platform."""

    __tablename__ = "account"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Sortable, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    platform: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Membership(Base):
    """The role of an account in an organization. role: the number of a Role."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role BETWEEN 1 AND 3", name="role"),)

    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    role: Mapped[int] = mapped_column(SmallInteger)


class AccountSession(Base):
    """Somebody who is signed in. token_hash: of the cookie's token. seen_at: last activity. sure_at: last password."""

    __tablename__ = "account_session"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    sure_at: Mapped[datetime] = mapped_column(UtcTime)
    address: Mapped[str] = mapped_column(Text)
    client: Mapped[str] = mapped_column(Text)


class Link(Base):
    """A link that is good for one use. account_id: whose password a reset sets. used_at: when it was used or revoked.

    made_by: the account of whoever made it, None for a shell.
    organization_id, role, platform: what an invitation grants to the holder of the e-mail.
    """

    __tablename__ = "link"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    purpose: Mapped[LinkPurpose] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(Text)
    account_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("account.id"))
    made_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("account.id"))
    organization_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("organization.id", ondelete="CASCADE"))
    role: Mapped[int | None] = mapped_column(SmallInteger)
    platform: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ApiKey(Base):
    """What a program shows to read JSON. hint: how the key begins. everywhere: whether it reads all organizations."""

    __tablename__ = "api_key"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    hint: Mapped[str] = mapped_column(Text)
    everywhere: Mapped[bool] = mapped_column(server_default=false())
    maker: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ApiKeyOrganization(Base):
    """An organization that an API key reads."""

    __tablename__ = "api_key_organization"

    key_id: Mapped[int] = mapped_column(BigId, ForeignKey("api_key.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )


class Bucket(Base):
    """Tokens that are spent on requests and tries and come back with time. at: when counted, seconds since 1970."""

    __tablename__ = "bucket"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    tokens: Mapped[float] = mapped_column(Float(53))
    at: Mapped[float] = mapped_column(Float(53), index=True)


class AuditLine(Base):
    """Who did what. Triggers refuse to alter or remove a line. actor_key: the folded name. before, after: JSON.

    deed_id: of the deed that it is a part of, None for what cannot be undone.
    Ids are no foreign keys: a line outlives what it speaks of.
    """

    __tablename__ = "audit_line"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(None, "actor_key", "id"),
        Index(None, "word", "id"),
        Index(None, "object_kind", "object_id", "id"),
        Index(None, "deed_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_name: Mapped[str] = mapped_column(Text)
    actor_key: Mapped[str] = mapped_column(Sortable)
    address: Mapped[str | None] = mapped_column(Text)
    word: Mapped[str] = mapped_column(String(40))
    organization_id: Mapped[int | None] = mapped_column(BigId)
    object_kind: Mapped[str] = mapped_column(String(20))
    object_id: Mapped[int | None] = mapped_column(BigId)
    object_name: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    deed_id: Mapped[int | None] = mapped_column(BigId)


class SharedPlace(Base):
    """A provider and an id of it where two voices of an organization lie, or once lay. Kept by triggers."""

    __tablename__ = "shared_place"

    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)


class FormerPlace(Base):
    """A provider and an id of it where a voice of an organization once lay and went away. Kept by triggers."""

    __tablename__ = "former_place"

    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)


class Deed(Base):
    """Something done at the desk, to one thing or to many, whose lines of the audit trail belong together.

    key: of what was asked for, so that sending it again does nothing.
    number: how many things it changed. outcome: what became of the others, as JSON.
    undoes, undone_by: another deed.
    """

    __tablename__ = "deed"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_name: Mapped[str] = mapped_column(Text)
    act: Mapped[str] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(BigId)
    outcome: Mapped[str] = mapped_column(Text)
    undoes: Mapped[int | None] = mapped_column(BigId, ForeignKey("deed.id"))
    undone_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("deed.id"))


class Assignment(Base):
    """Who looks after a voice or an assistant."""

    __tablename__ = "assignment"

    object_kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    object_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"), index=True)


class Quiet(Base):
    """A reason that somebody acknowledged or snoozed: it does not show as long as its mark stays the same.

    until: when it shows again all the same; None is never.
    """

    __tablename__ = "quiet"

    object_kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    object_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(20), primary_key=True)
    mark: Mapped[str] = mapped_column(Text)
    act: Mapped[str] = mapped_column(String(20))
    until: Mapped[datetime | None] = mapped_column(UtcTime)
    at: Mapped[datetime] = mapped_column(UtcTime)
    by: Mapped[str] = mapped_column(Text)


class Price(Base):
    """What a provider takes for a voice in a month, as somebody wrote it down. cents: hundredths of the currency."""

    __tablename__ = "price"
    __table_args__ = (CheckConstraint("cents >= 0", name="cents"),)

    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    cents: Mapped[int] = mapped_column(BigId)
    currency: Mapped[str] = mapped_column(String(3))
    as_of: Mapped[date] = mapped_column(Date)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_by: Mapped[str] = mapped_column(Text)


class Plan(Base):
    """A clean-up that somebody planned, and perhaps confirmed.

    key: of the form that asked for it. chosen: by which filters, as JSON. number: of its
    voices. seen: the newest deed then. confirmed_by: "" until somebody did.
    """

    __tablename__ = "plan"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    made_by: Mapped[str] = mapped_column(Text)
    chosen: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(BigId)
    seen: Mapped[int] = mapped_column(BigId)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    confirmed_by: Mapped[str] = mapped_column(Text)


class PlanOrganization(Base):
    """An organization that a plan has voices of; no foreign key, so that a plan never comes to be of fewer."""

    __tablename__ = "plan_organization"

    plan_id: Mapped[int] = mapped_column(BigId, ForeignKey("plan.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class PlanItem(Base):
    """A voice of a plan, as it was then. Ids are no foreign keys: it outlives its voice.

    reason, mark, since: why it could go. record: its JSON, anew when it is archived. state: an ItemState; why:
    it was left alone, or failed. deed_id: of the deed that archived it.
    """

    __tablename__ = "plan_item"
    __table_args__ = (Index(None, "plan_id", "state", "position"),)

    plan_id: Mapped[int] = mapped_column(BigId, ForeignKey("plan.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    voice_id: Mapped[int] = mapped_column(BigId)
    organization_id: Mapped[int] = mapped_column(BigId)
    provider: Mapped[str] = mapped_column(Sortable)
    reason: Mapped[str] = mapped_column(String(20))
    mark: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcTime)
    record: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(Text)
    deed_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("deed.id"))
