"""The work of pages right after a first import, before PostgreSQL has analyzed the tables by itself."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.benchmarks.database import Plan, fill_database, generate_voices, optimize_database
from tests.conftest import SHELL
from tests.counted_work import count_work
from tests.factories import make_account, sign_in
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.json_body import voice_to_json

PLAN = Plan(3000, 5, (2000, 500, 300, 100))
PAGES = ("/providers?organization=1", "/clean-up")


@pytest.mark.databases("postgresql")
def test_pages_read_as_little_after_an_import_as_after_an_analysis(app: Flask, now: datetime) -> None:
    fill_database(PLAN, voices=())
    optimize_database()  # PostgreSQL now knows that there are no voices
    import_all(now)
    client = sign_in(app.test_client(), make_account("root@example.com", platform=True))

    imported = [count_page(client, path) for path in PAGES]
    optimize_database()
    analyzed = [count_page(client, path) for path in PAGES]

    assert [pair for pair in zip(imported, analyzed, strict=True) if pair[0] > 1.5 * pair[1]] == []


def import_all(now: datetime) -> None:
    """Import the voices of each organization of the plan."""
    files: dict[int, list[bytes]] = defaultdict(list)
    for organization, row in generate_voices(PLAN):
        files[organization].append(json.dumps(voice_to_json(row)).encode())
    for organization, lines in files.items():
        file = io.BytesIO(b"\n".join(lines))
        assert import_voices(file, ImportTarget(organization), by=SHELL, now=now, on_fault=lambda _: None).written


def count_page(client: FlaskClient, path: str) -> int:
    """Return the work of a page."""
    with count_work() as work:
        assert client.get(path).status_code == 200
    return work.amount
