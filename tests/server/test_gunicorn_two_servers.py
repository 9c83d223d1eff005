"""Two servers of one database: what one writes, the other shows at once."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.conftest import SHELL
from tests.factories import PASSWORD, make_account
from tests.server.agreement import assert_pages_agree, list_steps, read_numbers
from tests.server.server_process import Browser, Start
from voiceadmin import clock
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine
from voiceadmin.sample.actions import add_sample


@pytest.mark.databases("sqlite", "postgresql")
def test_two_servers_never_disagree(app: Flask, settings: Settings, start: Start) -> None:
    admin = make_account("admin@example.com", platform=True)
    add_sample(clock.now(), by=SHELL, now=clock.now())
    dispose_engine()
    browsers = []
    for _ in range(2):
        server = start(
            *("serve", "--workers", "1"),
            folder=settings.instance,
            VOICEADMIN_DATABASE_URL=settings.database_url,
            VOICEADMIN_PLAIN_COOKIES="yes",
        )
        browsers.append(Browser(server.address))
        browsers[-1].send("/sign-in", email=admin.email, password=PASSWORD)
    first, second = browsers
    before = read_numbers(second)

    for name, act in list_steps(first):
        act()
        first.get("/")  # shows the message about the action, which only this session gets
        seen = read_numbers(first)
        assert seen == read_numbers(second), name
        assert seen != before, name
        before = seen
        assert_pages_agree(second)
