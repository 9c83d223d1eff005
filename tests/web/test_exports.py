"""Exports of every list: the same rows and permissions as its page, streamed, and recorded in the audit log."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_account, make_assistant, make_organization, make_voice, put_voices, sign_in
from tests.factories import voice_row as made_row
from tests.page import OpenPage, Page
from tests.statements import record_statements
from tests.two_tenants import rows_of
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import unescape_formula
from voiceadmin.voices.types.status import VoiceStatus

FORMATS = ("csv", "excel", "json", "ndjson")
TYPES = {"csv": "text/csv", "excel": "text/csv", "json": "application/json", "ndjson": "application/x-ndjson"}
# The page of each list, and some fields of its records.
LISTS = {
    "voices": ("/assistants/31/voices", {"id", "name", "provider", "status", "quality_score", "assistant_count"}),
    "assistants": ("/assistants", {"id", "name", "organization", "voice_id", "ready", "voices"}),
    "providers": ("/providers", {"provider", "voices", "excellent", "slots_used"}),
    "triage": ("/triage", {"kind", "id", "name", "organization", "provider"}),
    "activity": ("/activity", {"at", "actor_name", "event_type", "object_name"}),
    "clean-up": ("/clean-up", {"id", "name", "organization", "provider", "evidence", "quality_score"}),
    "people": ("/people", {"id", "email", "name", "platform", "roles", "last_active_at"}),
    "keys": ("/api-keys", {"id", "name", "hint", "organizations", "expires_at", "last_used_at"}),
}
EVENT_TYPES = {
    "activity": AuditEventType.ACTIVITY_EXPORTED,
    "people": AuditEventType.PEOPLE_EXPORTED,
    "keys": AuditEventType.KEYS_EXPORTED,
}
EVERY_LIST = pytest.mark.parametrize("name", LISTS)


@pytest.fixture
def acme(app: object, now: datetime) -> Organization:
    """An organization with an entry in each list."""
    return make_organization_with_entries("Acme", 31)


def make_organization_with_entries(name: str, assistant: int) -> Organization:
    organization = make_organization(name)
    make_assistant(organization, id=assistant, name=f"{name} desk")
    make_voice(organization, name=f"{name} failed", status=VoiceStatus.FAILED)
    make_voice(organization, name=f"{name} unused", last_used_at=NOW - 200 * DAY, synthesis_count=5)
    make_account(f"{name.lower()}@example.com", roles={organization: Role.VIEWER})
    create_api_key(EVERYTHING, f"{name} board", frozenset([organization.id]), expires_at=None, by=SHELL, now=NOW)
    return organization


@pytest.fixture
def admin(anonymous_client: FlaskClient, acme: Organization) -> FlaskClient:
    """A test client, signed in as an admin of Acme."""
    return sign_in(anonymous_client, make_account("ada@acme.example", roles={acme: Role.ADMIN}))


def records(client: FlaskClient, address: str) -> list[dict[str, Any]]:
    """The records of an exported file. Values of a CSV file are strings."""
    response = client.get(address)
    assert response.status_code == 200, response.text[:2000]
    format = address.partition("?")[0].rpartition(".")[2]
    assert response.mimetype == TYPES[format]
    assert response.text.startswith("\ufeff") is (format == "excel")
    if format in ("csv", "excel"):
        return list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"), newline=""), strict=True))
    if format == "ndjson":
        return [json.loads(line) for line in response.text.splitlines()]
    found = json.loads(response.text)
    return list(found if isinstance(found, list) else found["cloned_voices"])


def links(page: Page) -> list[str]:
    """The download links of a page."""
    return [node.attributes["href"] for node in page.root.all("a", download="")]


def exports() -> list[dict[str, Any]]:
    """The audit events of exports."""
    return [event for event in rows_of("audit_event") if event["event_type"].endswith("-exported")]


# Every list


@EVERY_LIST
def test_a_page_links_to_its_export_in_each_format(admin: FlaskClient, name: str) -> None:
    address, _ = LISTS[name]
    page = Page(admin.get(address).text)
    page.check()

    assert links(page) == [f"{address}.{format}" for format in FORMATS]


@EVERY_LIST
def test_an_export_has_the_same_records_in_each_format(admin: FlaskClient, name: str) -> None:
    address, fields = LISTS[name]

    as_csv, as_excel, as_json, as_ndjson = (records(admin, f"{address}.{format}") for format in FORMATS)

    assert as_json
    assert set(as_json[0]) >= fields
    if name == "activity":  # each export adds an event
        as_excel, as_json, as_ndjson = as_excel[1:], as_json[2:], as_ndjson[3:]
    assert as_ndjson == as_json
    assert as_excel == as_csv
    assert [list(record) for record in as_csv] == [list(record) for record in as_json]
    plain = [{key: value for key, value in one.items() if isinstance(value, str)} for one in as_json]
    assert [{key: one[key] for key in texts} for one, texts in zip(as_csv, plain, strict=True)] == plain


@EVERY_LIST
def test_an_export_contains_nothing_of_another_organization(admin: FlaskClient, acme: Organization, name: str) -> None:
    make_organization_with_entries("Globex", 62)
    address, _ = LISTS[name]

    for format in FORMATS:
        text = admin.get(f"{address}.{format}").text
        assert "globex" not in text.lower()
        assert "acme" in text.lower() or name == "providers"


@EVERY_LIST
@pytest.mark.parametrize(("format", "extension"), [("ndjson", "ndjson"), ("excel", "csv")])
def test_the_file_name_has_the_list_and_the_date(admin: FlaskClient, name: str, format: str, extension: str) -> None:
    address, _ = LISTS[name]

    response = admin.get(f"{address}.{format}")

    file_name = "voices-31" if name == "voices" else name
    assert response.headers["Content-Disposition"] == f'attachment; filename="{file_name}-2026-11-22.{extension}"'


@EVERY_LIST
def test_an_export_is_recorded_with_its_actor(admin: FlaskClient, acme: Organization, name: str) -> None:
    address, _ = LISTS[name]
    admin.get(f"{address}.csv")

    (exported,) = exports()

    assert (exported["event_type"], exported["actor_name"]) == (
        EVENT_TYPES.get(name, AuditEventType.VOICES_EXPORTED),
        "ada@acme.example",
    )
    assert json.loads(exported["after"]) == {"format": "csv", "filters": {}}
    assert exported["organization_id"] == acme.id


@EVERY_LIST
@pytest.mark.parametrize("format", ["CSV", "html", "csvx"])
def test_an_unknown_format_is_not_found(admin: FlaskClient, name: str, format: str) -> None:
    assert admin.get(f"{LISTS[name][0]}.{format}").status_code == 404
    assert not exports()


FILTERED = {
    "voices": ("status=failed", {"Acme failed"}),
    "assistants": ("q=desk", {"Acme desk"}),
    "triage": ("reason=failed", {"Acme failed"}),
    "clean-up": ("reason=unused", {"Acme unused"}),
}


@pytest.mark.parametrize("name", FILTERED)
def test_an_export_keeps_the_filters_of_its_page(admin: FlaskClient, acme: Organization, name: str) -> None:
    (address, _), (arguments, expected) = LISTS[name], FILTERED[name]
    make_assistant(acme, name="Night line")
    make_voice(acme, name="Another")

    for link in links(Page(admin.get(f"{address}?{arguments}").text)):
        assert {record["name"] for record in records(admin, link)} == expected, link

    assert {json.dumps(json.loads(exported["after"])["filters"]) for exported in exports()} != {"{}"}


@pytest.mark.parametrize("name", ["voices", "assistants", "triage", "providers", "activity", "clean-up"])
def test_an_invalid_filter_is_refused_and_not_recorded(admin: FlaskClient, name: str) -> None:
    wrong = {"voices": "status=x", "activity": "kind=x", "triage": "reason=x", "clean-up": "reason=x"}

    response = admin.get(f"{LISTS[name][0]}.csv?{wrong.get(name, 'organization=x')}")

    assert response.status_code == 422
    assert not exports()


def test_exported_voices_have_the_order_of_their_list(
    acme: Organization, client: FlaskClient, open_page: OpenPage
) -> None:
    put_voices(acme, [made_row(synthesis_count=number * 7 % 11) for number in range(30)])

    for sort in ("", "name", "-created", "syntheses"):
        shown = [row[0] for row in open_page(f"/assistants/31/voices?sort={sort}&size=100").rows()]
        found = records(client, f"/assistants/31/voices.json?sort={sort}")
        assert [one["name"] + one["provider_voice_id"] for one in found] == shown, sort


# People and keys


@pytest.mark.parametrize("name", ["people", "api-keys"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_an_admin_exports_people_and_api_keys(
    anonymous_client: FlaskClient, acme: Organization, name: str, role: Role
) -> None:
    browser = sign_in(anonymous_client, make_account(roles={acme: role}))

    assert browser.get(f"/{name}.csv").status_code == 403
    assert not exports()


@pytest.mark.parametrize("format", FORMATS)
def test_no_export_contains_a_secret_or_its_hash(admin: FlaskClient, acme: Organization, format: str) -> None:
    key = create_api_key(EVERYTHING, "board", frozenset([acme.id]), expires_at=None, by=SHELL, now=NOW)
    hashes = [row[name] for row in rows_of("account") + rows_of("api_key") for name in row if name.endswith("_hash")]
    assert len(hashes) >= 4

    text = "".join(admin.get(f"{LISTS[name][0]}.{format}").text for name in LISTS)

    assert "board" in text
    assert key not in text
    for secret in hashes:
        for form in (str(secret), secret.hex() if isinstance(secret, bytes) else secret):
            assert form not in text


# Formulas


HOSTILE = [
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "＋1", "－1", "＠x"),
    *('=HYPERLINK("http://evil.example","x")', "=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@", "=", "-", "+"),
    *("'=1+1", "''=1+1", "'quoted'", 'say "hi"', '"', '""', "a,b", "a;b", "a\nb", "a\r\nb", "a\tb", ',"\n', "'"),
    *("\u202e=1+1", "0123", "1e5", "TRUE", " =1+1", "é 声 😀"),
    *("a;=1+1", "a;'=1+1", 'a;"=1+1"', "a\t@x", "a\n\n-1"),
]


@pytest.mark.parametrize("format", ["csv", "excel"])
def test_no_cell_is_a_formula_and_every_text_can_be_restored(
    admin: FlaskClient, acme: Organization, format: str
) -> None:
    assert len(HOSTILE) >= 30
    put_voices(acme, [made_row(name=text, synthesis_count=1000 - at) for at, text in enumerate(HOSTILE)])

    cells = [one["name"] for one in records(admin, f"/assistants/31/voices.{format}")][: len(HOSTILE)]

    assert [unescape_formula(cell) for cell in cells] == HOSTILE
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\n\0＝＋－＠"))]


def test_numbers_are_not_escaped(admin: FlaskClient, acme: Organization) -> None:
    make_voice(acme, id=2**62, name="-5", quality_score=0.1, synthesis_count=10**15)

    (one,) = [one for one in records(admin, "/assistants/31/voices.csv") if one["id"] == str(2**62)]

    assert (one["name"], one["quality_score"], one["synthesis_count"]) == ("'-5", "0.1", str(10**15))


# Streaming


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("format", FORMATS)
def test_the_first_chunk_is_sent_before_all_voices_are_read(
    client: FlaskClient, acme: Organization, format: str
) -> None:
    put_voices(acme, [made_row() for _ in range(4 * BATCH_SIZE)])

    with record_statements() as statements:
        response = client.get(f"/assistants/31/voices.{format}", buffered=False)
        first = next(response.iter_encoded())
        batches_read = len([one for one in statements if "json_each" in one])
        rest = b"".join(response.iter_encoded())

    assert first
    assert batches_read == 1
    assert len([one for one in statements if "json_each" in one]) == 5
    assert (first + rest).count(b"elevenlabs") >= 4 * BATCH_SIZE


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_an_export_of_any_length_takes_less_than_20_megabytes(
    client: FlaskClient, acme: Organization, long: bool
) -> None:
    number = 500_000 if long else 5_000
    for start in range(0, number, 5_000):
        put_voices(acme, [made_row(id=1_000_000 + start + at) for at in range(5_000)])
    client.get("/assistants/31/voices.csv?status=failed")  # loads modules and templates before measuring

    tracemalloc.start()
    try:
        response = client.get("/assistants/31/voices.csv", buffered=False)
        lines = sum(piece.count(b"\r\n") for piece in response.iter_encoded())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert lines == number + 3
    assert peak < 20_000_000
