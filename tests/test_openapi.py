"""The OpenAPI document, and the route held to it by a fuzzer."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.openapi import document
from voiceadmin.shapes import VoiceRow
from voiceadmin.vocabulary import VoiceStatus

PATH = "/api/v1/assistants/{assistant_id}/cloned-voices"


def test_the_document_is_built_from_the_form_and_the_row() -> None:
    described = document()

    parameters = {parameter["name"]: parameter for parameter in described["paths"][PATH]["get"]["parameters"]}
    assert set(parameters) == {"assistant_id", "status", "provider", "skip", "limit", "If-None-Match"}
    assert parameters["status"]["schema"]["anyOf"][0]["enum"] == [status.value for status in VoiceStatus]
    assert parameters["limit"]["schema"]["anyOf"][0]["minimum"] == 1
    voice = described["components"]["schemas"]["ClonedVoice"]
    assert tuple(voice["properties"]) == tuple(voice["required"]) == VoiceRow._fields


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_route_answers_as_it_is_described(store: Flask, mode: schemathesis.GenerationMode, long: bool) -> None:
    acme = make_organization()
    for assistant in range(1, 4):
        make_assistant(acme, id=assistant)
    for status in VoiceStatus:
        make_voice(acme, status=status)
        make_voice(acme, status=status, quality_score=None, provider="playht", language=None)
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", store)

    @settings(max_examples=2000 if long else 300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(described[PATH]["GET"].as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case[Any]) -> None:
        response = case.call()
        # Which providers there are depends on the organization; no schema can say it.
        own_word = response.status_code == 422 and response.json()["detail"][0]["loc"] == ["query", "provider"]
        # An address has no types: what the fuzzer takes for a text may well be a number, or the last of several.
        left_out: list[Any] = [negative_data_rejection, *([positive_data_acceptance] if own_word else [])]
        case.validate_response(response, excluded_checks=left_out)

    answers()
