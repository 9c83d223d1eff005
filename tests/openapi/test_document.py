"""The OpenAPI document, and the routes held to it by a fuzzer."""

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
# What no schema can say: which providers there are, who may look after things, what is a place in a queue.
OWN_WORDS = (["query", "provider"], ["query", "assignee"], ["query", "after"])


def test_the_document_is_built_from_the_form_and_the_row() -> None:
    described = build_document()

    parameters = {parameter["name"]: parameter for parameter in described["paths"][PATH]["get"]["parameters"]}
    assert set(parameters) == {"assistant_id", "status", "provider", "skip", "limit", "If-None-Match"}
    assert parameters["status"]["schema"]["anyOf"][0]["enum"] == [status.value for status in VoiceStatus]
    assert parameters["limit"]["schema"]["anyOf"][0]["minimum"] == 1
    voice = described["components"]["schemas"]["ClonedVoice"]
    assert tuple(voice["properties"]) == tuple(voice["required"]) == VoiceRow._fields


def test_the_document_tells_of_every_reason_and_of_every_field_of_an_item(store: Flask) -> None:
    described = build_document()

    parameters = {parameter["name"]: parameter for parameter in described["paths"][QUEUE]["get"]["parameters"]}
    assert set(parameters) == {"reason", "organization", "provider", "assignee", "limit", "after", "If-None-Match"}
    assert parameters["reason"]["schema"]["anyOf"][0]["enum"] == list(RULES_BY_SLUG)
    assert parameters["limit"]["schema"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 1000}
    make_voice(make_organization(), id=3, status=VoiceStatus.FAILED)
    (line,) = list_queue_items([ObjectRef(ObjectKind.VOICE, 3)], AttentionThresholds(), now=NOW)
    record, schemas = build_api_item(line), described["components"]["schemas"]
    assert list(schemas["Attention"]["properties"]["counts"]["properties"]) == list(RULES_BY_SLUG)
    assert list(schemas["AttentionItem"]["properties"]) == schemas["AttentionItem"]["required"] == list(record)
    assert list(schemas["AttentionReason"]["properties"]) == list(record["reasons"][0])


@pytest.mark.fuzz
@pytest.mark.databases("sqlite", "postgresql")  # the body comes from the SQL
@pytest.mark.parametrize("path", [PATH, QUEUE])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_a_route_answers_as_it_is_described(
    store: Flask, path: str, mode: schemathesis.GenerationMode, long: bool
) -> None:
    store.extensions[KEY_RATE_LIMITER] = KeyRateLimiter(RateLimit(1_000_000, 1_000_000))
    key = create_api_key(EVERYTHING, "fuzzer", None, expires_at=None, by=SHELL, now=NOW)
    acme = make_organization()
    for assistant in range(1, 4):
        make_assistant(acme, id=assistant, tts_provider="playht", tts_voice_id="pv7")
    make_voice(acme, id=7, provider="playht", provider_voice_id="pv7", status=VoiceStatus.FAILED)
    for status in VoiceStatus:
        make_voice(acme, status=status)
        make_voice(acme, status=status, quality_score=None, provider="playht", language=None)
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", store)

    @options(max_examples=2000 if long else 50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(described[path]["GET"].as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case[Any]) -> None:
        response = case.call(headers={"Authorization": f"Bearer {key}"})
        fault = response.json()["detail"][0] if response.status_code == 422 else {}
        # To a schema, 10.0 is an integer.
        own_word = fault.get("loc") in OWN_WORDS or fault.get("input", "").endswith(".0")
        # An address has no types: what the fuzzer takes for a text may well be a number, or the last of several.
        # And the key that it made up is not the one that was sent.
        skipped_unlisted: list[Any] = [
            negative_data_rejection,
            ignored_auth,
            *([positive_data_acceptance] if own_word else []),
        ]
        case.validate_response(response, excluded_checks=skipped_unlisted)

    answers()
