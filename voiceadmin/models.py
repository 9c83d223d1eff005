"""The tables, and nothing but tables."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Enum,
    FetchedValue,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    false,
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


class ClonedVoice(Base):
    """A cloned voice: upstream's eleven fields, the organization, and two folded texts to order and search by.

    id is upstream's. name_key: the folded name, cut to fit into an index.
    search_key: folded name and provider's id, between newlines.

    The database works out the last five itself. tier: of the quality score,
    its bars, 0 without a score. dated: 1 when the last use is known. never: 1
    when there was none. idle_since: the last use, or else the creation.
    record: its JSON as the JSON route writes it.
    """

    __tablename__ = "cloned_voice"
    __table_args__ = (
        CheckConstraint("id >= 1", name="id"),
        CheckConstraint("quality_score BETWEEN 0.0 AND 1.0", name="quality_score"),
        CheckConstraint("synthesis_count >= 0", name="synthesis_count"),
        Index(None, "organization_id", "provider", "provider_voice_id"),
        *(
            Index(
                f"ix_voice_by_{name}",
                *("organization_id", "status", "provider", *columns, *(one for one in TESTED if one not in columns)),
            )
            for name, columns in ORDERS.items()
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

    tier: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    dated: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    never: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    idle_since: Mapped[datetime] = mapped_column(UtcTime, FetchedValue())
    record: Mapped[str] = mapped_column(Text, FetchedValue())


class VoiceCount(Base):
    """How many voices an organization has of each kind, kept by triggers. language: "" for none."""

    __tablename__ = "voice_count"
    __table_args__ = ({"sqlite_with_rowid": False},)

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

    Ids are no foreign keys: a line outlives what it speaks of.
    """

    __tablename__ = "audit_line"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(None, "actor_key", "id"),
        Index(None, "word", "id"),
        Index(None, "object_kind", "object_id", "id"),
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
