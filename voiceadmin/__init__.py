"""The Flask application of voiceadmin."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from voiceadmin.accounts.views import account, people, sign_in
from voiceadmin.activity import views as activity_views
from voiceadmin.api_keys import views as api_key_views
from voiceadmin.assistants import views as assistant_views
from voiceadmin.cleanup import deletion_views, orphan_views
from voiceadmin.cleanup import views as cleanup_views
from voiceadmin.config import ASSETS, Settings
from voiceadmin.database import engine
from voiceadmin.management import views as management_views
from voiceadmin.openapi import api as openapi_api
from voiceadmin.operations import views as operation_views
from voiceadmin.overview import views as overview_views
from voiceadmin.providers import views as provider_views
from voiceadmin.sources import views as source_views
from voiceadmin.triage import api as triage_api
from voiceadmin.triage import counting
from voiceadmin.triage import views as triage_views
from voiceadmin.voices import api as voice_api
from voiceadmin.voices import views as voice_views
from voiceadmin.web import (
    access,
    errors,
    headers,
    health,
    hosts,
    large_responses,
    notices,
    template_cache,
    template_filters,
)
from voiceadmin.web.converters import IdConverter
from voiceadmin.web.template_environment import TemplateEnvironment

VIEWS = (
    *(overview_views, triage_views, operation_views, assistant_views, voice_views, provider_views, cleanup_views),
    *(deletion_views, orphan_views, management_views, source_views),
    *(voice_api, triage_api, openapi_api, health, sign_in, account, people, api_key_views, activity_views),
)


def create_app(settings: Settings | None = None, **flask_config: Any) -> Flask:
    """Create the Flask application. Reads settings from the environment unless given.

    Raises:
        BadSettings: if a VOICEADMIN_ variable is malformed or unknown.
    """
    settings = settings or Settings.from_environ(os.environ)
    app = Flask(
        __name__,
        template_folder=str(ASSETS / "templates"),
        static_folder=str(ASSETS / "static"),
        instance_path=str(settings.instance),
    )
    app.jinja_environment = TemplateEnvironment
    app.config.update(MAX_CONTENT_LENGTH=1 << 19, MAX_FORM_PARTS=100, **flask_config)
    hosts.init_app(app, settings)
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=count)  # type: ignore[method-assign]
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.jinja_env.undefined = StrictUndefined  # a misspelled name is an error, not an empty text
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.converters["id"] = IdConverter
    engine.init_app(app, settings)
    access.init_app(app, settings)
    headers.init_app(app)
    template_cache.init_app(app)
    template_filters.init_app(app)
    errors.init_app(app)
    counting.init_app(app)
    notices.init_app(app)
    large_responses.init_app(app)
    for module in VIEWS:
        app.register_blueprint(module.bp)
    return app
