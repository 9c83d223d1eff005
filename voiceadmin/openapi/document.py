"""The OpenAPI document of the JSON API, built from enums, row types and query forms."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from werkzeug.datastructures import MultiDict

from voiceadmin.audit.types import ObjectKind
from voiceadmin.text import MAX_ID
from voiceadmin.triage.forms import AttentionQueryForm
from voiceadmin.triage.rules import RULES
from voiceadmin.triage.types import Severity
from voiceadmin.voices.forms import VoiceQueryForm
from voiceadmin.voices.types.provider import PROVIDER_LABELS
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.query_fields import MAX_ITEMS, QueryChoice, QueryForm, QueryInteger

Schema = dict[str, Any]


_ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}


_TEXT: Schema = {"type": "string"}


_TIME: Schema = {"type": "string", "format": "date-time"}


_FIELDS: dict[str, Schema] = {
    "id": _ID,
    "name": _TEXT,
    "provider": {"type": "string", "examples": list(PROVIDER_LABELS)},
    "provider_voice_id": {"type": "string", "description": "The provider's id of the voice; empty if there is none."},
    "language": {"type": ["string", "null"]},
    "gender": {"type": ["string", "null"]},
    "status": {"type": "string", "enum": [status.value for status in VoiceStatus]},
    "quality_score": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "Null if the voice has no score.",
    },
    "created_at": _TIME,
    "last_used_at": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "Null if the voice was never used.",
    },
    "synthesis_count": {"type": "integer", "minimum": 0, "maximum": MAX_ID},
}


_DESCRIPTION = """\
Lists the cloned voices of an assistant in the platform's format, and the voices, assistants and sources that need
attention, for example because cloning failed.

Suitable for polling every few seconds: send the ETag of the previous response as If-None-Match; if nothing has
changed, the response is an empty 304. Objects outside the scope of the API key are treated as if they did not
exist."""


_SINCE: Schema = {"type": ["string", "null"], "format": "date-time", "description": "Null if unknown."}


_REASON: Schema = {"type": "string", "enum": [rule.slug for rule in RULES]}


_SEVERITY: Schema = {"type": "string", "enum": [severity.value for severity in Severity]}


_RATE_LIMIT_HEADERS: Schema = {
    f"RateLimit-{name}": {"description": description, "schema": {"type": "integer"}}
    for name, description in {
        "Limit": "Number of requests that the key may make at once.",
        "Remaining": "Number of requests left.",
        "Reset": "Seconds until the full limit is available again.",
    }.items()
}


_ETAG: Schema = {
    "ETag": {"description": "Identifies this response; send it as If-None-Match.", "schema": {"type": "string"}}
}


_RETRY_AFTER: Schema = {
    "Retry-After": {"description": "Seconds to wait before the next request.", "schema": {"type": "integer"}}
}


@cache
def build_document() -> Schema:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "voiceadmin", "version": _version(), "description": _DESCRIPTION},
        "paths": {
            "/api/v1/assistants/{assistant_id}/cloned-voices": {"get": _list_voices()},
            "/api/v1/attention": {"get": _list_attention()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, which begins with va_."}
            },
        },
    }


def _schemas() -> dict[str, Schema]:
    return {
        "ClonedVoice": _object(**{name: _FIELDS[name] for name in VoiceRow._fields}),
        "ClonedVoices": _object(success={"const": True}, cloned_voices={"type": "array", "items": _ref("ClonedVoice")}),
        "Attention": _attention(),
        "AttentionItem": _attention_item(),
        "AttentionReason": _object(
            reason=_REASON,
            severity=_SEVERITY,
            since=_SINCE,
            remedy=_TEXT | {"description": "Recommended action, as text for people."},
        ),
        "Error": _object(detail={"type": "string"}),
        "ValidationError": _validation_error(),
    }


def _attention() -> Schema:
    return _object(
        success={"const": True},
        counts=_counts(),
        items={"type": "array", "maxItems": MAX_ITEMS, "items": _ref("AttentionItem")},
        next={
            "type": ["string", "null"],
            "description": "Send it as “after” to get the next page; null on the last page.",
        },
    )


def _counts() -> Schema:
    count = {"type": "integer", "minimum": 0}
    counts = _object(**{rule.slug: count | {"description": f"{rule.label}."} for rule in RULES})
    return counts | {
        "description": "Number of voices, assistants and sources with each reason, without acknowledged and snoozed"
        " ones. One with two reasons is counted under both."
    }


def _attention_item() -> Schema:
    return _object(
        kind={
            "type": "string",
            "enum": [kind.value for kind in (ObjectKind.VOICE, ObjectKind.ASSISTANT, ObjectKind.SOURCE)],
        },
        id=_ID,
        name=_TEXT,
        organization_id=_or_null(_ID, "Null for a source of the platform."),
        organization=_or_null(_TEXT),
        provider=_or_null(_TEXT, "Null for a source that lists voices of the platform."),
        voice_id=_or_null(_ID, "The voice itself, or the voice that the assistant uses."),
        voice_name=_or_null(_TEXT),
        voice_status=_or_null(_FIELDS["status"]),
        reason=_REASON | {"description": "The most severe of its reasons."},
        severity=_SEVERITY,
        since=_SINCE,
        assignee=_or_null(_TEXT, "The e-mail of the assignee."),
        reasons={"type": "array", "minItems": 1, "items": _ref("AttentionReason")},
    )


def _validation_error() -> Schema:
    detail = _object(
        type={"type": "string"},
        loc={"type": "array", "items": {"type": ["string", "integer"]}},
        msg={"type": "string"},
        input={"type": "string"},
    )
    return _object(detail={"type": "array", "items": detail})


def _version() -> str:
    try:
        return version("voiceadmin")
    except PackageNotFoundError:  # in a checkout the package is not installed
        return "0"


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Schema, description: str = "") -> Schema:
    more = {"description": description} if description else {}
    return {"anyOf": [schema, {"type": "null"}], **more}


def _list_voices() -> Schema:
    return _operation(
        "list_cloned_voices",
        "List the cloned voices that an assistant can use, by id.",
        parameters=[
            {"name": "assistant_id", "in": "path", "required": True, "schema": _ID},
            *_query_parameters(VoiceQueryForm(MultiDict(), None)),
        ],
        found=_response("The matching voices.", "ClonedVoices"),
        missing="There is no such assistant in the scope of the API key.",
    )


def _list_attention() -> Schema:
    form = AttentionQueryForm(MultiDict(), reasons=_REASON["enum"], own_providers=list, people=dict)
    return _operation(
        "list_attention",
        "Count and list the voices, assistants and sources that need attention, most severe first.",
        description="Acknowledged and snoozed reasons are not included. Items contain the time since when a reason"
        " applies, not its duration, so that the response and its ETag stay the same until a reason starts or ends.",
        parameters=_query_parameters(form),
        found=_response("Counts by reason, and one page of items.", "Attention"),
        missing="There is no such organization in the scope of the API key.",
    )


def _operation(
    name: str, summary: str, *, parameters: list[Schema], found: Schema, missing: str, **more: Any
) -> Schema:
    """Describe a route that returns a list with an ETag."""
    return {
        "operationId": name,
        "security": [{"key": []}],
        "summary": summary,
        **more,
        "parameters": [*parameters, {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}],
        "responses": _responses(found, missing),
    }


def _responses(found: Schema, missing: str) -> Schema:
    headers = _ETAG | _RATE_LIMIT_HEADERS
    return {
        "200": found | {"headers": headers},
        "304": {
            "description": "The response is unchanged since the one identified by If-None-Match.",
            "headers": headers,
        },
        "401": _response("The API key is missing or invalid.", "Error"),
        "404": _response(missing, "Error"),
        "422": _response("A parameter is invalid.", "ValidationError"),
        "429": _response("Too many requests with this API key, or two large lists in progress.", "Error")
        | {"headers": _RATE_LIMIT_HEADERS | _RETRY_AFTER},
        "503": _response("The database is unavailable.", "Error") | {"headers": _RETRY_AFTER},
    }


def _response(description: str, schema: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _query_parameters(form: QueryForm) -> list[Schema]:
    """Describe the fields of a form as query parameters."""
    return [
        {"name": field.name, "in": "query", "description": field.description, "schema": _parameter_schema(field)}
        for field in form
    ]


def _parameter_schema(field: Any) -> Schema:
    match field:
        case QueryInteger():
            schema: Schema = {"type": "integer", "minimum": field.minimum, "maximum": field.maximum}
        case QueryChoice() if field.choices is not None:
            schema = {"type": "string", "enum": field.choices}
        case _:
            return {"type": "string"}
    return {"anyOf": [schema, {"const": ""}]}  # an empty value counts as absent
