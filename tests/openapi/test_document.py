"""The OpenAPI document, and a comparison of the routes with it by a fuzzer."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as options
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from tests.conftest import NOW, SHELL
from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.api_keys.rate_limiter import KeyRateLimiter
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING
from voiceadmin.openapi.document import build_document
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.triage.queries.attention import build_api_item
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.access import KEY_RATE_LIMITER

PATH = "/api/v1/assistants/{assistant_id}/cloned-voices"
QUEUE = "/api/v1/attention"
# Parameters whose valid values a schema cannot express: existing providers, possible assignees, and queue cursors.
WITHOUT_SCHEMA = (["query", "provider"], ["query", "assignee"], ["query", "after"])


def test_the_document_has_the_parameters_of_the_form_and_the_fields_of_the_row() -> None:
    description = build_document()

    parameters = {parameter["name"]: parameter for parameter in description["paths"][PATH]["get"]["parameters"]}
    assert set(parameters) == {"assistant_id", "status", "provider", "skip", "limit", "If-None-Match"}
    assert parameters["status"]["schema"]["anyOf"][0]["enum"] == [status.value for status in VoiceStatus]
    assert parameters["limit"]["schema"]["anyOf"][0]["minimum"] == 1
    voice = description["components"]["schemas"]["ClonedVoice"]
    assert tuple(voice["properties"]) == tuple(voice["required"]) == VoiceRow._fields


def test_the_document_has_every_reason_and_every_field_of_a_queue_item(app: Flask) -> None:
    description = build_document()

    parameters = {parameter["name"]: parameter for parameter in description["paths"][QUEUE]["get"]["parameters"]}
    assert set(parameters) == {"reason", "organization", "provider", "assignee", "limit", "after", "If-None-Match"}
    assert parameters["reason"]["schema"]["anyOf"][0]["enum"] == list(RULES_BY_SLUG)
    assert parameters["limit"]["schema"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 1000}
    make_voice(make_organization(), id=3, status=VoiceStatus.FAILED)
    (item,) = list_queue_items([ObjectRef(ObjectKind.VOICE, 3)], AttentionThresholds(), now=NOW)
    record, schemas = build_api_item(item), description["components"]["schemas"]
    assert list(schemas["Attention"]["properties"]["counts"]["properties"]) == list(RULES_BY_SLUG)
    assert list(schemas["AttentionItem"]["properties"]) == schemas["AttentionItem"]["required"] == list(record)
    assert list(schemas["AttentionReason"]["properties"]) == list(record["reasons"][0])


def test_fields_of_the_voice_and_the_assignee_may_be_null(app: Flask) -> None:
    make_assistant(make_organization(), id=3, tts_provider="playht", tts_voice_id="unknown")
    (item,) = list_queue_items([ObjectRef(ObjectKind.ASSISTANT, 3)], AttentionThresholds(), now=NOW)
    record, properties = build_api_item(item), build_document()["components"]["schemas"]["AttentionItem"]["properties"]

    for name in ("voice_id", "voice_name", "voice_status", "assignee"):
        assert record[name] is None
        assert {"type": "null"} in properties[name].get("anyOf", []), name


def test_a_quality_score_is_null_or_from_zero_to_one() -> None:
    score = build_document()["components"]["schemas"]["ClonedVoice"]["properties"]["quality_score"]

    assert (score["type"], score["minimum"], score["maximum"]) == (["number", "null"], 0, 1)


@pytest.mark.parametrize("path", [PATH, QUEUE])
def test_a_route_requires_an_api_key_and_describes_its_rate_limit(path: str) -> None:
    route = build_document()["paths"][path]["get"]

    limits = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    assert route["security"] == [{"key": []}]
    assert {status: set(route["responses"][status]["headers"]) for status in ("200", "304", "429")} == {
        "200": {"ETag", *limits},
        "304": {"ETag", *limits},
        "429": {"Retry-After", *limits},
    }


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.databases("sqlite", "postgresql")  # the body comes from the SQL
@pytest.mark.parametrize("path", [PATH, QUEUE])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_responses_of_a_route_match_the_document(
    app: Flask, path: str, mode: schemathesis.GenerationMode, long: bool
) -> None:
    app.extensions[KEY_RATE_LIMITER] = KeyRateLimiter(RateLimit(1_000_000, 1_000_000))
    key = create_api_key(EVERYTHING, "fuzzer", None, expires_at=None, by=SHELL, now=NOW)
    acme = make_organization()
    for assistant in range(1, 4):
        make_assistant(acme, id=assistant, tts_provider="playht", tts_voice_id="pv7")
    make_voice(acme, id=7, provider="playht", provider_voice_id="pv7", status=VoiceStatus.FAILED)
    for status in VoiceStatus:
        make_voice(acme, status=status)
        make_voice(acme, status=status, quality_score=None, provider="playht", language=None)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)

    @options(max_examples=2000 if long else 50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(schema[path]["GET"].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        response = case.call(headers={"Authorization": f"Bearer {key}"})
        error = response.json()["detail"][0] if response.status_code == 422 else {}
        # To a schema, 10.0 is an integer.
        is_not_described = error.get("loc") in WITHOUT_SCHEMA or error.get("input", "").endswith(".0")
        # Query parameters have no types: a generated text can be a valid number, or the last of several values.
        # The request has the API key of this test, not the generated one.
        excluded_checks: list[Any] = [
            negative_data_rejection,
            ignored_auth,
            *([positive_data_acceptance] if is_not_described else []),
        ]
        case.validate_response(response, excluded_checks=excluded_checks)

    check()
