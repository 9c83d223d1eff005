"""The front door of voiceadmin: it wires the rooms, and decides nothing."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from voiceadmin import access, db, headers, presenting
from voiceadmin.config import ASSETS, Settings
from voiceadmin.views import (
    account,
    activity,
    api,
    assistants,
    auth,
    clean_up,
    desk,
    errors,
    exports,
    health,
    keys,
    overview,
    people,
    providers,
    triage,
    voices,
)
from voiceadmin.views.ids import IdConverter


def create_app(settings: Settings | None = None, **flask_config: Any) -> Flask:
    """A ready app. Tests pass settings; otherwise the environment speaks. Raises BadSettings."""
    settings = settings or Settings.from_environ(os.environ)
    app = Flask(
        __name__,
        template_folder=str(ASSETS / "templates"),
        static_folder=str(ASSETS / "static"),
        instance_path=str(settings.instance),
    )
    app.config.update(
        MAX_CONTENT_LENGTH=1 << 20, MAX_FORM_PARTS=100, TRUSTED_HOSTS=list(settings.hosts), **flask_config
    )
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.jinja_env.undefined = StrictUndefined  # a misspelt name is an error, not a blank cell
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.converters["id"] = IdConverter
    db.init_app(app, settings)
    access.init_app(app, settings)
    headers.init_app(app)
    presenting.init_app(app)
    errors.init_app(app, unavailable=db.UNAVAILABLE)
    overview.init_app(app)
    for noun in (
        *(overview, triage, desk, assistants, voices, providers, clean_up, exports),
        *(api, health, auth, account, people, keys, activity),
    ):
        app.register_blueprint(noun.bp)
    return app
