"""Computing wrong totals anew."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import SHELL
from tests.totals.damage import DAMAGE, damage, make_totals
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.totals.actions import rebuild_totals
from voiceadmin.totals.queries import find_wrong_totals


def list_recorded() -> list[object]:
    """Return what the audit events of rebuilt totals say."""
    found = select(AuditEvent.after).where(AuditEvent.event_type == AuditEventType.TOTALS_REBUILT.value)
    return [json.loads(after or "null") for after in db.session.scalars(found)]


@pytest.mark.parametrize("name", DAMAGE)
def test_wrong_totals_are_computed_anew_and_recorded(app: Flask, now: datetime, name: str) -> None:
    make_totals(now)
    table = damage(name)

    (difference,) = rebuild_totals(by=SHELL, now=now)

    assert find_wrong_totals() == []
    assert list_recorded() == [{table: difference.rows}]


def test_right_totals_are_left_alone(app: Flask, now: datetime) -> None:
    make_totals(now)

    assert rebuild_totals(by=SHELL, now=now) == []
    assert list_recorded() == []
