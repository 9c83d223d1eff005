"""Imports: all or nothing, by id, into one organization, and repeatable."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.conftest import NOW, SHELL
from tests.factories import DAY, LONG_AGO, make_assistant, make_organization, make_voice, put_voices, voice_row
from tests.strategies import HOSTILE, IN_DATABASE, LISTS
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ImportRefused
from voiceadmin.identity import Role, anonymous_requester
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID, build_name_key, build_search_key, parse_integer
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import ImportReport, UnreadableInput
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row, voices_file
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

DESK = 31
DESK_TARGET = ImportTarget(DESK)


def lines(rows: Iterable[Any]) -> bytes:
    """Return voices or raw records as NDJSON."""
    records = (voice_to_json(row) if isinstance(row, VoiceRow) else row for row in rows)
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def run_import(data: bytes, target: ImportTarget = DESK_TARGET, **options: bool) -> tuple[ImportReport, list[str]]:
    """Import a file. Return the report and every fault as text."""
    faults: list[str] = []
    report = import_voices(
        io.BytesIO(data), target, by=SHELL, now=NOW, on_fault=lambda fault: faults.append(str(fault)), **options
    )
    return report, faults


def outcomes(report: ImportReport) -> tuple[int, int, int, int]:
    """Return the counts of added, changed, unchanged and refused records."""
    return report.added, report.changed, report.unchanged, report.refused


def stored() -> list[VoiceRow]:
    """Return all stored voices, by id."""
    db.session.rollback()
    return [build_voice_row(row) for row in db.session.execute(select(*VOICE_COLUMNS).order_by(ClonedVoice.id))]


def everything() -> list[list[Any]]:
    """Return all stored rows, revisions included."""
    db.session.rollback()
    tables = [db.metadata.tables[table] for table in ("organization", "assistant", "cloned_voice")]
    return [list(db.session.execute(select(table).order_by(table.c.id))) for table in tables]


def desk() -> Assistant:
    """Return the assistant that the tests import for."""
    db.session.rollback()
    return db.session.get_one(Assistant, DESK)


def organization_names() -> list[str]:
    """Return the names of all organizations, in the order of creation."""
    return list(db.session.scalars(select(Organization.name).order_by(Organization.id)))


@pytest.fixture
def acme(store: Flask) -> Organization:
    """Create an organization with an assistant and two voices, and another one with one voice."""
    acme = make_organization("Acme")
    make_assistant(acme, id=DESK, name="Night desk")
    put_voices(acme, [voice_row(id=1, name="Ada"), voice_row(id=2, name="Bo")])
    make_voice(make_organization("Other"), id=9, name="Theirs")
    return acme


# What is written


def test_new_voices_are_stored_exactly(store: Flask) -> None:
    rows = [voice_row(id=MAX_ID, quality_score=None, synthesis_count=MAX_ID), voice_row(id=1, quality_score=1.0)]

    report, faults = run_import(lines(rows))

    assert report == ImportReport(added=2, changed=0, unchanged=0, refused=0, ignored=0, written=True)
    assert faults == []
    assert stored() == rows[::-1]


def test_a_new_voice_has_its_search_and_sort_keys(store: Flask) -> None:
    run_import(lines([voice_row(id=1, name="Recepción", provider_voice_id="PV")]))

    voice = db.session.get_one(ClonedVoice, 1)

    assert (voice.name_key, voice.search_key) == (build_name_key("Recepción"), build_search_key("Recepción", "PV"))
    assert voice.organization_id == desk().organization_id


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Adam"},
        {"provider": "playht"},
        {"provider_voice_id": ""},
        {"language": None},
        {"gender": "female"},
        {"status": VoiceStatus.ARCHIVED},
        {"quality_score": None},
        {"quality_score": 0.8500000000000001},
        {"created_at": LONG_AGO + timedelta(microseconds=1)},
        {"last_used_at": LONG_AGO + DAY},
        {"synthesis_count": 1},
    ],
    ids=str,
)
def test_a_change_of_any_field_is_counted_and_stored(acme: Organization, changes: dict[str, Any]) -> None:
    ada, bo, theirs = stored()

    report, _ = run_import(lines([ada._replace(**changes), bo]))

    assert outcomes(report) == (0, 1, 1, 0)
    assert stored() == [ada._replace(**changes), bo, theirs]
    assert db.session.get_one(ClonedVoice, 1).name_key == build_name_key(stored()[0].name)


def test_importing_the_same_file_again_writes_nothing(acme: Organization) -> None:
    before = everything()

    report, _ = run_import(lines(stored()[:2]))

    assert outcomes(report) == (0, 0, 2, 0)
    assert everything() == before


def test_voices_that_the_file_does_not_contain_are_kept(acme: Organization) -> None:
    run_import(lines([voice_row(id=3)]))

    assert [row.id for row in stored()] == [1, 2, 3, 9]


def test_unknown_fields_are_ignored_and_counted(acme: Organization) -> None:
    records = [voice_to_json(row) | {"sample_rate": 44100, "tags": []} for row in stored()[:2]]

    report, _ = run_import(lines(records))

    assert (outcomes(report), report.ignored) == ((0, 0, 2, 0), 4)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_texts_are_stored_exactly(sqlite_store: Flask, text: str) -> None:
    row = voice_row(id=1, name=text, provider_voice_id=text, provider=text or "x", language=text, gender=text)

    _, faults = run_import(lines([row]))

    assert (faults == []) == bool(text.strip() or not text)
    assert not faults or "provider" in faults[0]
    assert faults or stored() == [row._replace(language=text or None, gender=text or None)]


# All or nothing


BAD = {"id": "x", "name": 5}


def test_one_invalid_record_prevents_the_import(acme: Organization) -> None:
    before = everything()

    report, faults = run_import(lines([voice_row(id=3), BAD, voice_row(id=4)]), ImportTarget(77, organization="New"))

    assert report == ImportReport(added=2, changed=0, unchanged=0, refused=1, ignored=0, written=False)
    assert everything() == before
    assert [fault.partition(":")[0] for fault in faults] == [
        "Record 2, id",
        "Record 2, name",
        "Record 2, provider",
        "Record 2, status",
        "Record 2, created_at",
        "Record 2, synthesis_count",
    ]


def test_every_invalid_record_of_every_batch_is_reported(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 3)
    records = [{} if number % 4 == 0 else voice_row(id=number) for number in range(10, 40)]
    before = everything()

    report, faults = run_import(lines(records))

    assert outcomes(report) == (23, 0, 0, 7)
    assert sorted({fault.partition(",")[0] for fault in faults}, key=lambda where: int(where.split()[1])) == [
        f"Record {number}" for number in range(3, 31, 4)
    ]
    assert everything() == before


def test_skipping_invalid_records_writes_the_valid_ones(acme: Organization) -> None:
    report, faults = run_import(lines([voice_row(id=3), BAD, 5, voice_row(id=4)]), skip_bad=True)

    assert (outcomes(report), report.written) == ((2, 0, 0, 2), True)
    assert len(faults) == 7
    assert [row.id for row in stored()] == [1, 2, 3, 4, 9]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_a_repeated_id_is_refused(acme: Organization, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", batch)
    first, second = voice_row(id=3, name="First"), voice_row(id=3, name="Second")
    data = lines([first, stored()[0], second, first, stored()[0]])

    report, faults = run_import(data, skip_bad=True)

    assert faults == [
        "Record 3, id: 3 was already used by record 1. Remove one of the two.",
        "Record 4, id: 3 was already used by record 1. Remove one of the two.",
        "Record 5, id: 1 was already used by record 2. Remove one of the two.",
    ]
    assert outcomes(report) == (1, 0, 1, 3)
    assert first in stored()
    assert not run_import(data)[0].written


def test_a_voice_of_another_organization_is_refused(acme: Organization) -> None:
    before = everything()

    report, faults = run_import(lines([voice_row(id=3), voice_row(id=9, name="Ours now")]))

    assert (outcomes(report), report.written) == ((1, 0, 0, 1), False)
    assert faults == [
        "Record 2, id: 9 belongs to a voice of another organization. Import it with an assistant of that organization."
    ]
    assert everything() == before


def test_a_voice_of_another_organization_is_skipped_with_skip_bad(acme: Organization) -> None:
    theirs = stored()[-1]

    run_import(lines([theirs, voice_row(id=3)]), skip_bad=True)

    assert [row.id for row in stored()] == [1, 2, 3, 9]
    assert stored()[-1] == theirs
    assert db.session.get_one(ClonedVoice, 9).organization_id != acme.id


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    "end",
    [b"[1]\xff", b'{"id": "\xc3('],
    ids=["a-byte-that-is-no-text", "half-a-letter"],
)
def test_an_input_that_breaks_after_thousands_of_valid_records_changes_nothing(
    acme: Organization, skip_bad: bool, end: bytes
) -> None:
    before = everything()

    with pytest.raises(UnreadableInput, match="is not UTF-8 text"):
        run_import(lines(voice_row(id=number) for number in range(10, 3010)) + end, skip_bad=skip_bad)

    assert everything() == before


def test_a_response_that_reports_failure_at_its_end_changes_nothing(acme: Organization) -> None:
    before = everything()
    listed = json.dumps([voice_to_json(voice_row(id=number)) for number in range(10, 3010)])

    with pytest.raises(UnreadableInput, match="without success"):
        run_import(f'{{"cloned_voices": {listed}, "success": false}}'.encode(), ImportTarget(77))

    assert everything() == before


class Interrupted(io.RawIOBase):
    """A stream that is interrupted with Ctrl-C."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.data.readinto(buffer)
        if not size:
            raise KeyboardInterrupt
        return size


def test_ctrl_c_changes_nothing(acme: Organization) -> None:
    before = everything()
    stream = Interrupted(lines(voice_row(id=number) for number in range(10, 3010)))

    with pytest.raises(KeyboardInterrupt):
        import_voices(io.BufferedReader(stream), ImportTarget(77), by=SHELL, now=NOW, on_fault=print)

    assert everything() == before


@pytest.mark.parametrize("options", [{}, {"skip_bad": True}], ids=["whole", "skip-bad"])
def test_a_dry_run_counts_the_outcomes_and_writes_nothing(acme: Organization, options: dict[str, bool]) -> None:
    ada, bo, _ = stored()
    before = everything()
    data = lines([ada, bo._replace(name="Bob"), voice_row(id=3), BAD])

    report, faults = run_import(data, ImportTarget(DESK, assistant_name="Renamed"), dry_run=True, **options)

    assert (outcomes(report), report.written) == ((1, 1, 1, 1), False)
    assert len(faults) == 6
    assert everything() == before


def test_a_dry_run_creates_no_assistant_and_no_organization(store: Flask) -> None:
    report, _ = run_import(lines([voice_row(id=1)]), ImportTarget(DESK, organization="Acme"), dry_run=True)

    assert outcomes(report) == (1, 0, 0, 0)
    assert everything() == [[], [], []]


@pytest.mark.parametrize("before_it", ["[", '{"success": true, "cloned_voices": ['])
def test_json_truncated_at_any_byte_imports_no_voice(sqlite_store: Flask, before_it: str) -> None:
    rows = [voice_row(id=1, name="Recepción 😀"), voice_row(id=2)]
    records = ", ".join(json.dumps(voice_to_json(row), ensure_ascii=False) for row in rows)
    data = (before_it + records + ("]" if before_it == "[" else "]}")).encode()

    for end in range(1, len(data)):
        try:
            report, _ = run_import(data[:end])
            assert not report.written, data[:end]
        except UnreadableInput:
            pass

    assert stored() == []
    assert run_import(data)[0].added == 2


# The target


def test_a_new_assistant_gets_an_organization_of_its_own(store: Flask) -> None:
    run_import(lines([voice_row(id=1)]))

    assert (desk().name, desk().name_key) == ("Assistant 31", "assistant 31")
    assert organization_names() == ["Assistant 31"]


def test_a_new_assistant_and_its_organization_get_the_given_names(store: Flask) -> None:
    run_import(lines([]), ImportTarget(DESK, "Recepción", "Acme Telecom"))

    assert (desk().name, desk().name_key) == ("Recepción", "recepcion")
    assert organization_names() == ["Acme Telecom"]


def test_an_organization_without_a_given_name_gets_the_name_of_the_assistant(store: Flask) -> None:
    run_import(lines([]), ImportTarget(DESK, "Night desk"))

    assert organization_names() == ["Night desk"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_new_assistant_belongs_to_the_given_organization(acme: Organization, by: str) -> None:
    named = acme.name if by == "name" else str(acme.id)

    run_import(lines([voice_row(id=3)]), ImportTarget(77, organization=named))

    assert db.session.get_one(Assistant, 77).organization_id == acme.id
    assert organization_names() == ["Acme", "Other"]


def test_an_existing_assistant_is_renamed_only_if_a_name_is_given(acme: Organization) -> None:
    run_import(lines([]))
    kept = desk().name

    run_import(lines([]), ImportTarget(DESK, "Día"))

    assert kept == "Night desk"
    assert (desk().name, desk().name_key) == ("Día", "dia")
    assert organization_names() == ["Acme", "Other"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_the_present_organization_of_an_assistant_may_be_given(acme: Organization, by: str) -> None:
    report, _ = run_import(
        lines([voice_row(id=3)]), ImportTarget(DESK, None, acme.name if by == "name" else str(acme.id))
    )

    assert report.written


def test_among_organizations_with_one_name_that_of_the_assistant_is_used(acme: Organization) -> None:
    make_organization("Acme")

    assert run_import(lines([voice_row(id=3)]), ImportTarget(DESK, organization="Acme"))[0].written
    assert db.session.get_one(ClonedVoice, 3).organization_id == acme.id


@pytest.mark.parametrize(
    ("target", "says"),
    [
        pytest.param(
            ImportTarget(DESK, organization="Other"),
            "Assistant 31 belongs to the organization “Acme” (1), not to “Other”. Remove --organization.",
            id="another-organization",
        ),
        pytest.param(
            ImportTarget(DESK, organization="Brand new"),
            "Assistant 31 belongs to the organization “Acme” (1), not to “Brand new”. Remove --organization.",
            id="a-new-organization",
        ),
        pytest.param(
            ImportTarget(77, organization="77"),
            "There is no organization 77. Give a name to create one.",
            id="no-such-id",
        ),
        pytest.param(ImportTarget(77, organization="-1"), "There is no organization -1.", id="no-possible-id"),
        pytest.param(ImportTarget(77, organization="9" * 30), "There is no organization 9999", id="no-id-at-all"),
        pytest.param(ImportTarget(0), "The id of an assistant is from 1 to", id="assistant-zero"),
        pytest.param(ImportTarget(-31), "The id of an assistant is from 1 to", id="assistant-below-zero"),
        pytest.param(ImportTarget(MAX_ID + 1), "The id of an assistant is from 1 to", id="assistant-too-large"),
        pytest.param(ImportTarget(77, " \t"), "--assistant-name is blank. Give a name", id="blank-name"),
        pytest.param(ImportTarget(77, "a\0b"), "--assistant-name contains a NUL character. Remove it.", id="nul"),
        pytest.param(
            ImportTarget(77, "a\udc80"), "--assistant-name contains an unpaired surrogate.", id="undecodable-name"
        ),
        pytest.param(ImportTarget(77, organization=""), "--organization is blank.", id="blank-organization"),
        pytest.param(
            ImportTarget(77, organization="x" * 10_001), "--organization has 10,001 characters.", id="long-organization"
        ),
    ],
)
def test_a_contradictory_target_is_refused(acme: Organization, target: ImportTarget, says: str) -> None:
    before = everything()

    with pytest.raises(ImportRefused) as caught:
        run_import(lines([voice_row(id=3)]), target)

    assert str(caught.value).startswith(says)
    assert everything() == before


def test_an_ambiguous_organization_name_is_refused_with_the_ids(acme: Organization) -> None:
    twin = make_organization("Acme")

    with pytest.raises(ImportRefused, match=rf"Give the id of one of them: {acme.id}, {twin.id}\."):
        run_import(lines([]), ImportTarget(77, organization="Acme"))


def test_hostile_names_of_assistants_and_organizations_are_stored(store: Flask) -> None:
    named = [text for text in HOSTILE if text.strip() and parse_integer(text) is None]  # an integer is an id

    for number, text in enumerate(named, 1):
        run_import(lines([]), ImportTarget(number, text, text))

    assert organization_names() == named
    assert list(db.session.scalars(select(Assistant.name).order_by(Assistant.id))) == named


# Export and import


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat))
def test_importing_an_export_changes_nothing(acme: Organization, rows: list[VoiceRow], format: ExportFormat) -> None:
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    if rows:
        put_voices(acme, rows)
    before = everything()
    file = "".join(voices_file(acme.id, format)).encode()

    report, faults = run_import(file)

    assert faults == []
    assert (outcomes(report), report.ignored) == ((0, 0, len(rows), 0), 0)
    assert everything() == before
    assert "".join(voices_file(acme.id, format)).encode() == file


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat), batch=st.integers(1, 4))
def test_an_export_imports_completely_into_an_empty_database(
    acme: Organization, rows: list[VoiceRow], format: ExportFormat, batch: int
) -> None:
    with write_transaction():
        db.session.execute(delete(ClonedVoice))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "BATCH_SIZE", batch)
        report, faults = run_import("".join(format_file(rows, format)).encode())

    assert (outcomes(report), faults) == ((len(rows), 0, 0, 0), [])
    assert stored() == sorted(rows, key=lambda row: row.id)


# Concurrent imports


def at_once(app: Flask, works: Iterable[tuple[bytes, ImportTarget]]) -> list[Any]:
    """Import several files concurrently, each in its own context. Return the reports or errors."""
    jobs = list(works)
    ends: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def work(place: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                ends[place], _ = run_import(*jobs[place])
            except Exception as error:  # noqa: BLE001  # the test looks at it
                ends[place] = error
            db.session.remove()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_two_concurrent_imports_into_one_organization_write_all_voices(store: Flask) -> None:
    low = [voice_row(id=number) for number in range(1, 2001)]
    both = [voice_row(id=number, name="Shared") for number in range(2001, 2501)]
    high = [voice_row(id=number) for number in range(2501, 4501)]

    ends = at_once(store, [(lines(chain(low, both)), DESK_TARGET), (lines(chain(both, high)), DESK_TARGET)])

    assert sorted(outcomes(end) for end in ends) == [(2000, 0, 500, 0), (2500, 0, 0, 0)]
    assert [row.name for row in stored()] == [row.name for row in chain(low, both, high)]
    assert organization_names() == ["Assistant 31"]


def test_concurrent_imports_create_an_organization_once(store: Flask) -> None:
    works: Iterator[tuple[bytes, ImportTarget]] = (
        (lines([voice_row(id=number)]), ImportTarget(number, organization="Acme")) for number in range(1, 9)
    )

    ends = at_once(store, works)

    assert [outcomes(end) for end in ends] == [(1, 0, 0, 0)] * 8
    assert organization_names() == ["Acme"]
    assert len(stored()) == 8


def test_a_concurrent_reader_sees_no_change_before_the_commit(
    acme: Organization, store: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 100)
    seen: list[int] = []

    class Watched(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            return super().read1(-1 if size is None else size)

    def look() -> None:
        with store.app_context():
            seen.append(len(list(db.session.scalars(select(ClonedVoice.id)))))
            db.session.remove()

    rows = [voice_row(id=number) for number in range(10, 1210)]
    import_voices(Watched(lines(rows)), DESK_TARGET, by=SHELL, now=NOW, on_fault=print)

    assert len(seen) > 2
    assert set(seen) == {3}
    assert len(stored()) == 1203


# Audit events


def list_events() -> list[AuditEventRow]:
    """Return all audit events, oldest first."""
    db.session.rollback()
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


def test_an_import_records_one_event_and_one_per_changed_voice(acme: Organization) -> None:
    used = LONG_AGO + DAY
    rows = [
        voice_row(id=1, name="Ada L.", provider_voice_id=stored()[0].provider_voice_id, last_used_at=used),
        stored()[1],
        voice_row(id=5),
    ]

    run_import(lines(rows), ImportTarget(DESK, assistant_name="Day desk"))

    changed, whole = list_events()
    assert (changed.event_type, changed.object_kind, changed.object_id, changed.object_name) == (
        AuditEventType.VOICE_CHANGED,
        ObjectKind.VOICE,
        1,
        "Ada L.",
    )
    assert changed.before == {"name": "Ada", "last_used_at": None}
    assert changed.after == {"name": "Ada L.", "last_used_at": voice_to_json(rows[0])["last_used_at"]}
    assert (changed.note, whole.note) == ("import", "")
    assert (whole.event_type, whole.object_kind, whole.object_id, whole.object_name) == (
        AuditEventType.VOICES_IMPORTED,
        ObjectKind.ASSISTANT,
        DESK,
        "Day desk",
    )
    assert (whole.before, whole.after) == (None, {"added": 1, "changed": 1, "unchanged": 1})
    for line in (changed, whole):
        assert (line.at, line.actor_name, line.organization_id) == (NOW, "tester", acme.id)


def test_changed_voices_of_every_batch_are_recorded(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 2)
    put_voices(acme, [voice_row(id=number, name="old") for number in range(10, 17)])

    run_import(lines(voice_row(id=number, name="new" if number % 2 else "old") for number in range(10, 20)))

    changed = [line for line in list_events() if line.event_type is AuditEventType.VOICE_CHANGED]
    assert [line.object_id for line in changed] == list(range(10, 17))
    assert [(line.after or {}).get("name") for line in changed] == [None, "new", None, "new", None, "new", None]


def test_an_import_without_changes_records_one_event(acme: Organization) -> None:
    run_import(lines(stored()[:2]))

    (line,) = list_events()
    assert line.after == {"added": 0, "changed": 0, "unchanged": 2}


def test_an_import_with_skipped_records_records_the_valid_ones(acme: Organization) -> None:
    run_import(lines([{"id": 1}, voice_row(id=2, name="Changed")]), skip_bad=True)

    assert [(line.event_type, line.object_id) for line in list_events()] == [
        (AuditEventType.VOICE_CHANGED, 2),
        (AuditEventType.VOICES_IMPORTED, DESK),
    ]


@pytest.mark.parametrize("options", [{"dry_run": True}, {"dry_run": True, "skip_bad": True}, {}])
def test_an_import_that_writes_nothing_records_no_event(acme: Organization, options: dict[str, Any]) -> None:
    bad: list[Any] = [] if options else [{"id": 7}]

    report, _ = run_import(lines([voice_row(id=1, name="Changed"), *bad]), **options)

    assert not report.written
    assert list_events() == []


def test_an_import_that_fails_at_its_start_records_no_event(acme: Organization) -> None:
    with pytest.raises(UnreadableInput):
        run_import(b"nonsense")
    with pytest.raises(ImportRefused):
        run_import(lines([voice_row()]), ImportTarget(0))

    assert list_events() == []
