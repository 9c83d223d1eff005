"""Tables of accounts, roles, sessions and one-time links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.accounts.types import LinkPurpose
from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime


class Account(Base):
    """The account of a person. email_key: the case-folded e-mail. platform: whether it is a platform admin."""

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
    """The role of an account in an organization.

    Attributes:
        role: the value of a Role.
        ended_session_id: sessions of the account up to this id have ended in the organization, and lack the role.
    """

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role BETWEEN 1 AND 3", name="role"),)

    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    role: Mapped[int] = mapped_column(SmallInteger)
    ended_session_id: Mapped[int] = mapped_column(BigId, server_default="0")


class AccountSession(Base):
    """A session. token_hash: of the token in the cookie. reauthenticated_at: when the password was last entered."""

    __tablename__ = "account_session"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    last_active_at: Mapped[datetime] = mapped_column(UtcTime)
    reauthenticated_at: Mapped[datetime] = mapped_column(UtcTime)
    address: Mapped[str] = mapped_column(Text)
    user_agent: Mapped[str] = mapped_column(Text)


class OneTimeLink(Base):
    """A link that works once: for the first account, an invitation or a new password.

    An invitation to several organizations has a row for each: see `list_token_hashes`.

    Attributes:
        account_id: whose password a reset link sets.
        created_by: the account that created it, None for the CLI.
        organization_id, role, platform: what an invitation grants; organization and role are None for a platform admin.
        used_at: when it was used or revoked.
    """

    __tablename__ = "one_time_link"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    purpose: Mapped[LinkPurpose] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(Text)
    account_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("account.id"))
    created_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("account.id"))
    organization_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("organization.id", ondelete="CASCADE"))
    role: Mapped[int | None] = mapped_column(SmallInteger)
    platform: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)
