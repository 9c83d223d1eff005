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
    "provider_voice_id": {"type": "string", "description": "The provider's own id; empty when it gave none."},
    "language": {"type": ["string", "null"]},
    "gender": {"type": ["string", "null"]},
    "status": {"type": "string", "enum": [status.value for status in VoiceStatus]},
    "quality_score": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "Null is not scored, which is not zero.",
    },
    "created_at": _TIME,
    "last_used_at": {"type": ["string", "null"], "format": "date-time", "description": "Null is never used."},
    "synthesis_count": {"type": "integer", "minimum": 0, "maximum": MAX_ID},
}


_DESCRIPTION = """\
The platform's list of cloned voices, in the platform's own shape, and what needs a person: voices that are stuck or
failed, assistants without their voice, and the like.

Both can be asked for every few seconds: send the ETag of an answer back as If-None-Match, and an unchanged one is an
empty 304. What lies outside the scope of the key is as if it were not there."""


_SINCE: Schema = {"type": ["string", "null"], "format": "date-time", "description": "Null is not known."}


_REASON: Schema = {"type": "string", "enum": [rule.slug for rule in RULES]}


_SEVERITY: Schema = {"type": "string", "enum": [severity.value for severity in Severity]}


_RATE_LIMIT_HEADERS: Schema = {
    f"RateLimit-{name}": {"description": description, "schema": {"type": "integer"}}
    for name, description in {
        "Limit": "How many requests the key may make at once.",
        "Remaining": "How many are left.",
        "Reset": "Seconds until all are there again.",
    }.items()
}


_ETAG: Schema = {
    "ETag": {"description": "Names this answer; send it as If-None-Match.", "schema": {"type": "string"}}
}


_RETRY_AFTER: Schema = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


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
        "ClonedVoices": _object(
            success={"const": True}, cloned_voices={"type": "array", "items": _ref("ClonedVoice")}
        ),
        "Attention": _attention(),
        "AttentionItem": _attention_item(),
        "AttentionReason": _object(
            reason=_REASON,
            severity=_SEVERITY,
            since=_SINCE,
            remedy=_TEXT | {"description": "What mends it, for a person to read."},
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
            "description": "Send it as “after” for what follows; null at the end.",
        },
    )


def _counts() -> Schema:
    count = {"type": "integer", "minimum": 0}
    counts = _object(**{rule.slug: count | {"description": f"{rule.label}."} for rule in RULES})
    return counts | {
        "description": "How many voices and assistants there are with each reason, without those that somebody"
        " acknowledged or snoozed. What has two reasons is counted under both. Counted at most a minute ago where that"
        " takes long, else just now."
    }


def _attention_item() -> Schema:
    return _object(
        kind={"type": "string", "enum": [ObjectKind.VOICE.value, ObjectKind.ASSISTANT.value]},
        id=_ID,
        name=_TEXT,
        organization_id=_ID,
        organization=_TEXT,
        provider=_TEXT,
        voice_id=_or_null(_ID, "The voice itself, or the one that the assistant is set to."),
        voice_name=_or_null(_TEXT),
        voice_status=_or_null(_FIELDS["status"]),
        reason=_REASON | {"description": "The worst of its reasons."},
        severity=_SEVERITY,
        since=_SINCE,
        assignee=_or_null(_TEXT, "The e-mail of who looks after it."),
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
        found=_response("All voices that match.", "ClonedVoices"),
        missing="There is no such assistant among those that the key may read.",
    )


def _list_attention() -> Schema:
    form = AttentionQueryForm(MultiDict(), reasons=_REASON["enum"], own_providers=list, people=dict)
    return _operation(
        "list_attention",
        "Count and list the voices and assistants that need a person, the worst first.",
        description="What somebody acknowledged or snoozed is left out until it shows again. Items tell since when a"
        " reason is there, not for how long: so the answer and its ETag stay the same until a write or time alone"
        " brings a reason or ends one.",
        parameters=_query_parameters(form),
        found=_response("What needs a person: counts by reason, and a page of items.", "Attention"),
        missing="There is no such organization among those that the key may read.",
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
        "304": {"description": "The answer is the one that If-None-Match names.", "headers": headers},
        "401": _response("There is no API key, or it is not valid.", "Error"),
        "404": _response(missing, "Error"),
        "422": _response("A parameter cannot be what it is.", "ValidationError"),
        "429": _response("The key asks too often.", "Error") | {"headers": _RATE_LIMIT_HEADERS | _RETRY_AFTER},
        "503": _response("The store is out of reach.", "Error") | {"headers": _RETRY_AFTER},
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
