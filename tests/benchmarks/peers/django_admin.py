"""Django's admin over the voices, with filters on status and provider, 50 rows a page and no date hierarchy.

Tuned as its documentation recommends: no second COUNT over the whole table, choices that
need no query, connections that stay open. Every request is
that of a superuser without a session, which saves two queries per request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from tests.benchmarks.peers.fields import FIELDS, PROVIDERS, STATUSES

settings.configure(
    SECRET_KEY="not used",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE="UTC",
    STATIC_URL="/static/",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[f"{__name__}.sign_in_superuser", "django.contrib.messages.middleware.MessageMiddleware"],
    MESSAGE_STORAGE="django.contrib.messages.storage.cookie.CookieStorage",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DATABASE"],
            "CONN_MAX_AGE": None,
        }
    },
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
)
django.setup()

# These need the settings above.
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402

superuser = User(id=1, username="superuser", is_active=True, is_staff=True, is_superuser=True)


def sign_in_superuser(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Middleware that authenticates every request without a session."""

    def middleware(request: Any) -> Any:
        request.user = superuser
        return get_response(request)

    return middleware


class Voice(models.Model):
    """A cloned voice."""

    id = models.BigIntegerField(primary_key=True)
    organization_id = models.BigIntegerField()
    name = models.TextField()
    provider = models.CharField(max_length=100, choices=[(value, value) for value in PROVIDERS])
    provider_voice_id = models.TextField()
    language = models.TextField(null=True)
    gender = models.TextField(null=True)
    status = models.CharField(max_length=20, choices=[(value, value) for value in STATUSES])
    quality_score = models.FloatField(null=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    synthesis_count = models.BigIntegerField()

    class Meta:
        app_label = "admin"
        db_table = "cloned_voice"
        managed = False


@admin.register(Voice)
class VoiceAdmin(admin.ModelAdmin):
    """The list of voices."""

    list_display = FIELDS
    list_filter = ("status", "provider")
    list_per_page = 50
    ordering = ("-synthesis_count", "id")
    show_full_result_count = False


urlpatterns = [path("admin/", admin.site.urls)]
app = get_wsgi_application()
