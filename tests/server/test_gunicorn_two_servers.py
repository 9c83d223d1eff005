"""Two servers of one database: what one writes, the other shows at once."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.conftest import SHELL
from tests.factories import PASSWORD, make_account
from tests.server.agreement import list_contradictions
from tests.server.http_browser import Browser
from tests.server.server_process import Start
from voiceadmin import clock
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine
from voiceadmin.sample.actions import add_sample


@pytest.mark.databases("sqlite", "postgresql")
def test_two_servers_never_disagree(app: Flask, settings: Settings, start: Start) -> None:
    admin = make_account("admin@example.com", platform=True)
    add_sample(clock.now(), by=SHELL, now=clock.now())
    dispose_engine()
    environ = {"VOICEADMIN_INSTANCE": str(settings.instance), "VOICEADMIN_DATABASE_URL": settings.database_url}
    browsers = []
    for _ in range(2):
        server = start(
            *("serve", "--workers", "1"), folder=settings.instance, VOICEADMIN_PLAIN_COOKIES="yes", **environ
        )
        browsers.append(Browser(server.address))
        browsers[-1].send("/sign-in", email=admin.email, password=PASSWORD)
    first, second = browsers

    for name, contradictions in list_contradictions(first, second, environ):
        assert not contradictions, name
