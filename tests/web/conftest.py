"""Fixtures with the data of two organizations, for the tests of access control."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW
from tests.two_tenants import TwoTenants, build_two_tenants
from voiceadmin import clock


@pytest.fixture
def tenants(app: Flask, now: Any) -> Iterator[TwoTenants]:
    """Two organizations and an account of every role."""
    with build_two_tenants(app) as tenants:
        yield tenants


@pytest.fixture
def sqlite_tenants(sqlite_app: Flask, now: Any) -> Iterator[TwoTenants]:
    """The same on SQLite only."""
    with build_two_tenants(sqlite_app) as tenants:
        yield tenants


def move_clock(monkeypatch: pytest.MonkeyPatch, **span: float) -> None:
    """Set the clock to NOW plus a span of time, given as arguments of `timedelta`."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(**span))
