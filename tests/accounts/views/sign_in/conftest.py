"""Fixtures of the tests of signing in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.two_tenants import TwoTenants, build_two_tenants


@pytest.fixture
def tenants(app: Flask, now: Any) -> Iterator[TwoTenants]:
    """Return two organizations with an account of every role, on both databases."""
    with build_two_tenants(app) as tenants:
        yield tenants


@pytest.fixture
def sqlite_tenants(sqlite_app: Flask, now: Any) -> Iterator[TwoTenants]:
    """Return two organizations with an account of every role, on SQLite only."""
    with build_two_tenants(sqlite_app) as tenants:
        yield tenants
