"""Tables of sources."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, UtcTime


class Source(Base):
    """A platform or provider account from which voices are read.

    Attributes:
        organization_id: The owner; None for the platform.
        key_variable: The variable of the environment that contains the key; None if the key is stored.
        encrypted_key: None if the key is in the environment.
        assistant_ids: Of the platform, separated by commas; "" for all assistants of the key.
        etags: The ETags of the lists of the last complete sync, and the revision of the organization after it, as JSON;
            "" if there are none.
        tested_at: When the key was last tested; None if never.
        rights: The rights that the test found, as JSON; None if it was never tested.
        account_hash: Identifies the account behind the key; "" if that is not known.
        account_changed_at: When the key was last seen to belong to another account than before.
        sync_requested_at: When a person last asked for a sync; None if never.
        read_at: When its lists were last read as a whole, and believed; None if never.
        failing_since: When the first sync ended that was not complete, of those after `read_at`; None if the newest
            one is complete, or there was none.
        failure: Why the newest sync is not complete; "" if it is.
        orphan_count: Orphans that take a slot, counted at the end of the newest complete sync; None if not known.
        orphans_since: When the first of them was first listed; None if there are none.
        deletion_allowed_at: Since when voices may be deleted at the provider; None if they may not.
        deletion_allowed_by: Who allowed it; None if it is not allowed.
    """

    __tablename__ = "source"
    __table_args__ = (Index(None, "kind", "organization_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    key_variable: Mapped[str | None] = mapped_column(Text)
    encrypted_key: Mapped[str | None] = mapped_column(Text)
    assistant_ids: Mapped[str] = mapped_column(Text, default="")
    etags: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    created_by: Mapped[str] = mapped_column(Text)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    tested_at: Mapped[datetime | None] = mapped_column(UtcTime)
    rights: Mapped[str | None] = mapped_column(Text)
    account_hash: Mapped[str] = mapped_column(Text, default="")
    account_changed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    sync_requested_at: Mapped[datetime | None] = mapped_column(UtcTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcTime)
    failure: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    orphan_count: Mapped[int | None]
    orphans_since: Mapped[datetime | None] = mapped_column(UtcTime)
    deletion_allowed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    deletion_allowed_by: Mapped[str | None] = mapped_column(Text)


class SyncRun(Base):
    """One run of a sync of a source.

    Attributes:
        ended_at: None while it runs, and for a run whose process was killed.
        result: `SyncResult` as a value; "" while it runs.
        message: Why the result is not complete; "" if it is.
        counts: Numbers by name, as JSON.
        requests: The attempts of all requests, as JSON; the first MAX_REQUESTS of them.
        faults: Records that could not be used, as JSON; the first MAX_FAULTS of them.
        started_by: The name of the actor.
        progress: `Progress` as a JSON array; None before the first one, and after the end.
        progress_at: When it was written; None if it never was.
    """

    __tablename__ = "sync_run"
    __table_args__ = (Index(None, "source_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(BigId, ForeignKey("source.id", ondelete="CASCADE"))
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    result: Mapped[str] = mapped_column(String(20), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    counts: Mapped[str] = mapped_column(Text, default="{}")
    requests: Mapped[str] = mapped_column(Text, default="[]")
    faults: Mapped[str] = mapped_column(Text, default="[]")
    started_by: Mapped[str] = mapped_column(Text)
    progress: Mapped[str | None] = mapped_column(Text)
    progress_at: Mapped[datetime | None] = mapped_column(UtcTime)


class SourceVoice(Base):
    """A voice that a source of the platform lists, or once listed.

    Attributes:
        first_listed_at: When a sync first found it in the source's list.
        missing_since: When a complete list first lacked it; None while it is listed.
    """

    __tablename__ = "source_voice"
    __table_args__ = (
        Index(
            "ix_source_voice_missing",
            "missing_since",
            sqlite_where=text("missing_since IS NOT NULL"),
            postgresql_where=text("missing_since IS NOT NULL"),
        ),
    )

    source_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    voice_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("cloned_voice.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    first_listed_at: Mapped[datetime] = mapped_column(UtcTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcTime)


class SyncLease(Base):
    """One row: the process that syncs regularly, so that of several only one does.

    Attributes:
        holder: The name of the process.
        expires_at: When another process may take the lease, because this one has not renewed it.
        every_seconds: The time between two syncs of a source.
    """

    __tablename__ = "sync_lease"

    id: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    every_seconds: Mapped[int]


class ProviderListing(Base):
    """The newest attempt to read one of the listings of a provider.

    Attributes:
        name: Of the listing, such as "voices".
        attempted_at: When it was last read, with any outcome.
        result: `ListingResult` as a value.
        message: Why it is not complete; "" if it is.
        complete_at: When it was last read as a whole, and believed; None if never.
        voices: How many voices the last attempt has read.
        withheld: What a complete list lacks that is not believed, as JSON: ids that were listed before, and ids that
            the platform names. "" for any other list.
    """

    __tablename__ = "provider_listing"

    source_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    attempted_at: Mapped[datetime] = mapped_column(UtcTime)
    result: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    complete_at: Mapped[datetime | None] = mapped_column(UtcTime)
    voices: Mapped[int]
    withheld: Mapped[str] = mapped_column(Text)


class StoredProviderVoice(Base):
    """A voice as its provider last listed it; see `clients.types.ProviderVoice`.

    Attributes:
        first_listed_at: When a sync first found it.
        absent_since: When a complete list first lacked it; None while it is listed.
    """

    __tablename__ = "provider_voice"
    __table_args__ = (Index(None, "voice_id"),)

    source_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    voice_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    is_ours: Mapped[bool]
    raw_state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    slot: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime | None] = mapped_column(UtcTime)
    language: Mapped[str] = mapped_column(Text)
    gender: Mapped[str] = mapped_column(Text)
    breaks_at: Mapped[datetime | None] = mapped_column(UtcTime)
    first_listed_at: Mapped[datetime] = mapped_column(UtcTime)
    absent_since: Mapped[datetime | None] = mapped_column(UtcTime)


class ProviderLookUp(Base):
    """The answer of a provider about one voice that its list lacks. Deleted when the voice is listed again.

    Attributes:
        answer: `Answer` as a value.
        message: What the answer proves, or why it proves nothing.
    """

    __tablename__ = "provider_look_up"

    source_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    voice_id: Mapped[str] = mapped_column(Text, primary_key=True)
    answer: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcTime)


class SlotUse(Base):
    """Slots of one kind.

    Attributes:
        used, slot_limit: None if the provider does not tell.
        is_counted: Whether we counted them.
        nearly_full_since: When a sync first found at least 90 % of them used; None if they are not.
    """

    __tablename__ = "slot_use"

    source_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    used: Mapped[int | None]
    slot_limit: Mapped[int | None]
    is_counted: Mapped[bool]
    read_at: Mapped[datetime] = mapped_column(UtcTime)
    nearly_full_since: Mapped[datetime | None] = mapped_column(UtcTime)
