"""The OpenAPI document of the JSON route, built from the vocabulary, the row and the form that reads the query."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from werkzeug.datastructures import MultiDict

from voiceadmin.forms.query import QueryNumber, QueryWord, VoiceQueryForm
from voiceadmin.shapes import VoiceRow
from voiceadmin.vocabulary import MAX_ID, PROVIDER_LABELS, VoiceStatus

Schema = dict[str, Any]

_FIELDS: dict[str, Schema] = {
    "id": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    "name": {"type": "string"},
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
    "created_at": {"type": "string", "format": "date-time"},
    "last_used_at": {"type": ["string", "null"], "format": "date-time", "description": "Null is never used."},
    "synthesis_count": {"type": "integer", "minimum": 0, "maximum": MAX_ID},
}


_BUDGET: Schema = {
    f"RateLimit-{name}": {"description": description, "schema": {"type": "integer"}}
    for name, description in {
        "Limit": "How many requests the key may make at once.",
        "Remaining": "How many are left.",
        "Reset": "Seconds until all are there again.",
    }.items()
}


@cache
def document() -> Schema:
    """The whole document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "voiceadmin",
            "version": _version(),
            "description": "The platform's list of cloned voices, in the platform's own shape.",
        },
        "paths": {"/api/v1/assistants/{assistant_id}/cloned-voices": {"get": _list_voices()}},
        "components": {
            "schemas": {
                "ClonedVoice": _object(**{name: _FIELDS[name] for name in VoiceRow._fields}),
                "ClonedVoices": _object(
                    success={"const": True}, cloned_voices={"type": "array", "items": _ref("ClonedVoice")}
                ),
                "Error": _object(detail={"type": "string"}),
                "ValidationError": _object(
                    detail={
                        "type": "array",
                        "items": _object(
                            type={"type": "string"},
                            loc={"type": "array", "items": {"type": ["string", "integer"]}},
                            msg={"type": "string"},
                            input={"type": "string"},
                        ),
                    }
                ),
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, which begins with va_."}
            },
        },
    }


def _version() -> str:
    try:
        return version("voiceadmin")
    except PackageNotFoundError:  # a checkout that is not installed
        return "0"


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_voices() -> Schema:
    etag = {"ETag": {"description": "Names this answer; send it as If-None-Match.", "schema": {"type": "string"}}}
    headers = etag | _BUDGET
    wait = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return {
        "operationId": "list_cloned_voices",
        "security": [{"key": []}],
        "summary": "List the cloned voices that an assistant can use, by id.",
        "parameters": [
            {
                "name": "assistant_id",
                "in": "path",
                "required": True,
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
            },
            *_query_parameters(),
            {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
        ],
        "responses": {
            "200": _answer("All voices that match.", "ClonedVoices") | {"headers": headers},
            "304": {"description": "The list is the one that If-None-Match names.", "headers": headers},
            "401": _answer("There is no API key, or it is not valid.", "Error"),
            "404": _answer("There is no such assistant among those that the key may read.", "Error"),
            "422": _answer("A parameter cannot be what it is.", "ValidationError"),
            "429": _answer("The key asks too often.", "Error") | {"headers": _BUDGET | wait},
            "503": _answer("The store is out of reach.", "Error") | {"headers": wait},
        },
    }


def _answer(description: str, schema: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _query_parameters() -> list[Schema]:
    """The fields of the form, as it stands."""
    form = VoiceQueryForm(MultiDict(), None)
    return [
        {"name": field.name, "in": "query", "description": field.description, "schema": _schema(field)}
        for field in form
    ]


def _schema(field: Any) -> Schema:
    match field:
        case QueryNumber():
            schema: Schema = {"type": "integer", "minimum": field.least, "maximum": MAX_ID}
        case QueryWord(words=None):
            return {"type": "string"}
        case _:
            schema = {"type": "string", "enum": field.words}
    return {"anyOf": [schema, {"const": ""}]}  # empty is as if absent
