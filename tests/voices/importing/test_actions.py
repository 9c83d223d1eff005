"""Importing: all or nothing, by id, for one organization, and again without a change."""

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
    """Voices, or records as they are, one a line."""
    records = (voice_to_json(row) if isinstance(row, VoiceRow) else row for row in rows)
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def bring(data: bytes, target: ImportTarget = DESK_TARGET, **options: bool) -> tuple[ImportReport, list[str]]:
    """Import a file: how it ended, and every fault."""
    faults: list[str] = []
    report = import_voices(
        io.BytesIO(data), target, by=SHELL, now=NOW, on_fault=lambda fault: faults.append(str(fault)), **options
    )
    return report, faults


def outcomes(report: ImportReport) -> tuple[int, int, int, int]:
    """The counts that an import ends with: added, changed, unchanged, refused."""
    return report.added, report.changed, report.unchanged, report.refused


def stored() -> list[VoiceRow]:
    """All voices in the store, by id."""
    db.session.rollback()
    return [build_voice_row(row) for row in db.session.execute(select(*VOICE_COLUMNS).order_by(ClonedVoice.id))]


def everything() -> list[list[Any]]:
    """All that is in the store, revisions included."""
    db.session.rollback()
    tables = [db.metadata.tables[table] for table in ("organization", "assistant", "cloned_voice")]
    return [list(db.session.execute(select(table).order_by(table.c.id))) for table in tables]


def desk() -> Assistant:
    """The assistant that the tests import for."""
    db.session.rollback()
    return db.session.get_one(Assistant, DESK)


def organization_names() -> list[str]:
    """All organizations, in the order in which they were made."""
    return list(db.session.scalars(select(Organization.name).order_by(Organization.id)))


@pytest.fixture
def acme(store: Flask) -> Organization:
    """An organization with the desk and two voices, and another one with a voice of its own."""
    acme = make_organization("Acme")
    make_assistant(acme, id=DESK, name="Night desk")
    put_voices(acme, [voice_row(id=1, name="Ada"), voice_row(id=2, name="Bo")])
    make_voice(make_organization("Other"), id=9, name="Theirs")
    return acme


# What is written


def test_new_voices_are_added_as_they_are(store: Flask) -> None:
    rows = [voice_row(id=MAX_ID, quality_score=None, synthesis_count=MAX_ID), voice_row(id=1, quality_score=1.0)]

    report, faults = bring(lines(rows))

    assert report == ImportReport(added=2, changed=0, unchanged=0, refused=0, ignored=0, written=True)
    assert faults == []
    assert stored() == rows[::-1]


def test_a_new_voice_can_be_searched_and_ordered(store: Flask) -> None:
    bring(lines([voice_row(id=1, name="Recepción", provider_voice_id="PV")]))

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
def test_a_change_of_any_field_is_a_change(acme: Organization, changes: dict[str, Any]) -> None:
    ada, bo, theirs = stored()

    report, _ = bring(lines([ada._replace(**changes), bo]))

    assert outcomes(report) == (0, 1, 1, 0)
    assert stored() == [ada._replace(**changes), bo, theirs]
    assert db.session.get_one(ClonedVoice, 1).name_key == build_name_key(stored()[0].name)


def test_the_same_again_writes_nothing(acme: Organization) -> None:
    before = everything()

    report, _ = bring(lines(stored()[:2]))

    assert outcomes(report) == (0, 0, 2, 0)
    assert everything() == before


def test_voices_that_the_file_does_not_name_stay(acme: Organization) -> None:
    bring(lines([voice_row(id=3)]))

    assert [row.id for row in stored()] == [1, 2, 3, 9]


def test_unknown_fields_are_ignored_with_a_count(acme: Organization) -> None:
    records = [voice_to_json(row) | {"sample_rate": 44100, "tags": []} for row in stored()[:2]]

    report, _ = bring(lines(records))

    assert (outcomes(report), report.ignored) == ((0, 0, 2, 0), 4)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_texts_are_stored_to_the_letter(sqlite_store: Flask, text: str) -> None:
    row = voice_row(id=1, name=text, provider_voice_id=text, provider=text or "x", language=text, gender=text)

    _, faults = bring(lines([row]))

    assert (faults == []) == bool(text.strip() or not text)
    assert not faults or "provider" in faults[0]
    assert faults or stored() == [row._replace(language=text or None, gender=text or None)]


# All or nothing


BAD = {"id": "x", "name": 5}


def test_one_bad_record_means_that_nothing_is_written(acme: Organization) -> None:
    before = everything()

    report, faults = bring(lines([voice_row(id=3), BAD, voice_row(id=4)]), ImportTarget(77, organization="New"))

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


def test_every_bad_record_is_named_however_far_down(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 3)
    records = [{} if number % 4 == 0 else voice_row(id=number) for number in range(10, 40)]
    before = everything()

    report, faults = bring(lines(records))

    assert outcomes(report) == (23, 0, 0, 7)
    assert sorted({fault.partition(",")[0] for fault in faults}, key=lambda where: int(where.split()[1])) == [
        f"Record {number}" for number in range(3, 31, 4)
    ]
    assert everything() == before


def test_the_good_ones_are_written_where_the_bad_are_to_be_skipped(acme: Organization) -> None:
    report, faults = bring(lines([voice_row(id=3), BAD, 5, voice_row(id=4)]), skip_bad=True)

    assert (outcomes(report), report.written) == ((2, 0, 0, 2), True)
    assert len(faults) == 7
    assert [row.id for row in stored()] == [1, 2, 3, 4, 9]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_an_id_counts_once_in_a_file(acme: Organization, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", batch)
    first, second = voice_row(id=3, name="First"), voice_row(id=3, name="Second")
    data = lines([first, stored()[0], second, first, stored()[0]])

    report, faults = bring(data, skip_bad=True)

    assert faults == [
        "Record 3, id: 3 was already used by record 1. Remove one of the two.",
        "Record 4, id: 3 was already used by record 1. Remove one of the two.",
        "Record 5, id: 1 was already used by record 2. Remove one of the two.",
    ]
    assert outcomes(report) == (1, 0, 1, 3)
    assert first in stored()
    assert not bring(data)[0].written


def test_a_voice_of_another_organization_is_refused(acme: Organization) -> None:
    before = everything()

    report, faults = bring(lines([voice_row(id=3), voice_row(id=9, name="Ours now")]))

    assert (outcomes(report), report.written) == ((1, 0, 0, 1), False)
    assert faults == [
        "Record 2, id: 9 belongs to a voice of another organization. Import it with an assistant of that organization."
    ]
    assert everything() == before


def test_a_voice_of_another_organization_stays_there_even_where_bad_ones_are_skipped(acme: Organization) -> None:
    theirs = stored()[-1]

    bring(lines([theirs, voice_row(id=3)]), skip_bad=True)

    assert [row.id for row in stored()] == [1, 2, 3, 9]
    assert stored()[-1] == theirs
    assert db.session.get_one(ClonedVoice, 9).organization_id != acme.id


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    "end",
    [b"[1]\xff", b'{"id": "\xc3('],
    ids=["a-byte-that-is-no-text", "half-a-letter"],
)
def test_an_input_that_breaks_after_thousands_of_good_records_leaves_the_store_as_it_was(
    acme: Organization, skip_bad: bool, end: bytes
) -> None:
    before = everything()

    with pytest.raises(UnreadableInput, match="is not UTF-8 text"):
        bring(lines(voice_row(id=number) for number in range(10, 3010)) + end, skip_bad=skip_bad)

    assert everything() == before


def test_an_answer_that_says_at_its_end_that_it_failed_leaves_the_store_as_it_was(acme: Organization) -> None:
    before = everything()
    listed = json.dumps([voice_to_json(voice_row(id=number)) for number in range(10, 3010)])

    with pytest.raises(UnreadableInput, match="without success"):
        bring(f'{{"cloned_voices": {listed}, "success": false}}'.encode(), ImportTarget(77))

    assert everything() == before


class Interrupted(io.RawIOBase):
    """A stream that somebody stops with Ctrl-C."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.data.readinto(buffer)
        if not size:
            raise KeyboardInterrupt
        return size


def test_ctrl_c_leaves_the_store_as_it_was(acme: Organization) -> None:
    before = everything()
    stream = Interrupted(lines(voice_row(id=number) for number in range(10, 3010)))

    with pytest.raises(KeyboardInterrupt):
        import_voices(io.BufferedReader(stream), ImportTarget(77), by=SHELL, now=NOW, on_fault=print)

    assert everything() == before


@pytest.mark.parametrize("options", [{}, {"skip_bad": True}], ids=["whole", "skip-bad"])
def test_a_dry_run_says_what_would_be_and_writes_nothing(acme: Organization, options: dict[str, bool]) -> None:
    ada, bo, _ = stored()
    before = everything()
    data = lines([ada, bo._replace(name="Bob"), voice_row(id=3), BAD])

    report, faults = bring(data, ImportTarget(DESK, assistant_name="Renamed"), dry_run=True, **options)

    assert (outcomes(report), report.written) == ((1, 1, 1, 1), False)
    assert len(faults) == 6
    assert everything() == before


def test_a_dry_run_makes_no_assistant_and_no_organization(store: Flask) -> None:
    report, _ = bring(lines([voice_row(id=1)]), ImportTarget(DESK, organization="Acme"), dry_run=True)

    assert outcomes(report) == (1, 0, 0, 0)
    assert everything() == [[], [], []]


@pytest.mark.parametrize("before_it", ["[", '{"success": true, "cloned_voices": ['])
def test_json_that_was_cut_off_at_any_byte_imports_no_voice(sqlite_store: Flask, before_it: str) -> None:
    rows = [voice_row(id=1, name="Recepción 😀"), voice_row(id=2)]
    records = ", ".join(json.dumps(voice_to_json(row), ensure_ascii=False) for row in rows)
    data = (before_it + records + ("]" if before_it == "[" else "]}")).encode()

    for end in range(1, len(data)):
        try:
            report, _ = bring(data[:end])
            assert not report.written, data[:end]
        except UnreadableInput:
            pass

    assert stored() == []
    assert bring(data)[0].added == 2


# Whose voices they are


def test_a_new_assistant_gets_an_organization_of_its_own(store: Flask) -> None:
    bring(lines([voice_row(id=1)]))

    assert (desk().name, desk().name_key) == ("Assistant 31", "assistant 31")
    assert organization_names() == ["Assistant 31"]


def test_a_new_assistant_and_its_organization_are_called_as_asked(store: Flask) -> None:
    bring(lines([]), ImportTarget(DESK, "Recepción", "Acme Telecom"))

    assert (desk().name, desk().name_key) == ("Recepción", "recepcion")
    assert organization_names() == ["Acme Telecom"]


def test_an_organization_of_its_own_is_called_as_the_assistant(store: Flask) -> None:
    bring(lines([]), ImportTarget(DESK, "Night desk"))

    assert organization_names() == ["Night desk"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_new_assistant_joins_the_organization_that_is_named(acme: Organization, by: str) -> None:
    named = acme.name if by == "name" else str(acme.id)

    bring(lines([voice_row(id=3)]), ImportTarget(77, organization=named))

    assert db.session.get_one(Assistant, 77).organization_id == acme.id
    assert organization_names() == ["Acme", "Other"]


def test_a_known_assistant_keeps_its_name_unless_one_is_given(acme: Organization) -> None:
    bring(lines([]))
    kept = desk().name

    bring(lines([]), ImportTarget(DESK, "Día"))

    assert kept == "Night desk"
    assert (desk().name, desk().name_key) == ("Día", "dia")
    assert organization_names() == ["Acme", "Other"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_the_organization_that_an_assistant_has_may_be_named(acme: Organization, by: str) -> None:
    report, _ = bring(lines([voice_row(id=3)]), ImportTarget(DESK, None, acme.name if by == "name" else str(acme.id)))

    assert report.written


def test_of_organizations_with_one_name_the_assistants_own_is_meant(acme: Organization) -> None:
    make_organization("Acme")

    assert bring(lines([voice_row(id=3)]), ImportTarget(DESK, organization="Acme"))[0].written
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
def test_a_target_that_makes_no_sense_is_refused(acme: Organization, target: ImportTarget, says: str) -> None:
    before = everything()

    with pytest.raises(ImportRefused) as caught:
        bring(lines([voice_row(id=3)]), target)

    assert str(caught.value).startswith(says)
    assert everything() == before


def test_a_name_that_several_organizations_have_is_refused_with_their_ids(acme: Organization) -> None:
    twin = make_organization("Acme")

    with pytest.raises(ImportRefused, match=rf"Give the id of one of them: {acme.id}, {twin.id}\."):
        bring(lines([]), ImportTarget(77, organization="Acme"))


def test_hostile_names_are_names(store: Flask) -> None:
    named = [text for text in HOSTILE if text.strip() and parse_integer(text) is None]  # an integer is an id

    for number, text in enumerate(named, 1):
        bring(lines([]), ImportTarget(number, text, text))

    assert organization_names() == named
    assert list(db.session.scalars(select(Assistant.name).order_by(Assistant.id))) == named


# There and back


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat))
def test_importing_an_export_changes_nothing(acme: Organization, rows: list[VoiceRow], format: ExportFormat) -> None:
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    if rows:
        put_voices(acme, rows)
    before = everything()
    file = "".join(voices_file(acme.id, format)).encode()

    report, faults = bring(file)

    assert faults == []
    assert (outcomes(report), report.ignored) == ((0, 0, len(rows), 0), 0)
    assert everything() == before
    assert "".join(voices_file(acme.id, format)).encode() == file


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat), batch=st.integers(1, 4))
def test_an_export_brings_all_voices_into_an_empty_store(
    acme: Organization, rows: list[VoiceRow], format: ExportFormat, batch: int
) -> None:
    with write_transaction():
        db.session.execute(delete(ClonedVoice))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "BATCH_SIZE", batch)
        report, faults = bring("".join(format_file(rows, format)).encode())

    assert (outcomes(report), faults) == ((len(rows), 0, 0, 0), [])
    assert stored() == sorted(rows, key=lambda row: row.id)


# Two at once


def at_once(app: Flask, works: Iterable[tuple[bytes, ImportTarget]]) -> list[Any]:
    """Import several files at the same time, each in a context of its own: their reports, or what went wrong."""
    jobs = list(works)
    ends: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def work(place: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                ends[place], _ = bring(*jobs[place])
            except Exception as error:  # noqa: BLE001  # the test looks at it
                ends[place] = error
            db.session.remove()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_two_imports_at_once_into_one_organization_end_with_all_voices(store: Flask) -> None:
    low = [voice_row(id=number) for number in range(1, 2001)]
    both = [voice_row(id=number, name="Shared") for number in range(2001, 2501)]
    high = [voice_row(id=number) for number in range(2501, 4501)]

    ends = at_once(store, [(lines(chain(low, both)), DESK_TARGET), (lines(chain(both, high)), DESK_TARGET)])

    assert sorted(outcomes(end) for end in ends) == [(2000, 0, 500, 0), (2500, 0, 0, 0)]
    assert [row.name for row in stored()] == [row.name for row in chain(low, both, high)]
    assert organization_names() == ["Assistant 31"]


def test_many_imports_at_once_make_an_organization_once(store: Flask) -> None:
    works: Iterator[tuple[bytes, ImportTarget]] = (
        (lines([voice_row(id=number)]), ImportTarget(number, organization="Acme")) for number in range(1, 9)
    )

    ends = at_once(store, works)

    assert [outcomes(end) for end in ends] == [(1, 0, 0, 0)] * 8
    assert organization_names() == ["Acme"]
    assert len(stored()) == 8


def test_a_reader_meanwhile_sees_the_store_as_it_was(
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


# What the audit trail says of it


def trail() -> list[AuditEventRow]:
    """All lines, the oldest first."""
    db.session.rollback()
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


def test_an_import_leaves_a_line_and_one_for_each_voice_that_it_changed(acme: Organization) -> None:
    used = LONG_AGO + DAY
    rows = [
        voice_row(id=1, name="Ada L.", provider_voice_id=stored()[0].provider_voice_id, last_used_at=used),
        stored()[1],
        voice_row(id=5),
    ]

    bring(lines(rows), ImportTarget(DESK, assistant_name="Day desk"))

    changed, whole = trail()
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


def test_voices_of_all_batches_that_were_changed_have_a_line(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 2)
    put_voices(acme, [voice_row(id=number, name="old") for number in range(10, 17)])

    bring(lines(voice_row(id=number, name="new" if number % 2 else "old") for number in range(10, 20)))

    changed = [line for line in trail() if line.event_type is AuditEventType.VOICE_CHANGED]
    assert [line.object_id for line in changed] == list(range(10, 17))
    assert [(line.after or {}).get("name") for line in changed] == [None, "new", None, "new", None, "new", None]


def test_an_import_without_a_change_leaves_its_one_line(acme: Organization) -> None:
    bring(lines(stored()[:2]))

    (line,) = trail()
    assert line.after == {"added": 0, "changed": 0, "unchanged": 2}


def test_an_import_that_passes_bad_records_over_tells_of_the_good_ones(acme: Organization) -> None:
    bring(lines([{"id": 1}, voice_row(id=2, name="Changed")]), skip_bad=True)

    assert [(line.event_type, line.object_id) for line in trail()] == [
        (AuditEventType.VOICE_CHANGED, 2),
        (AuditEventType.VOICES_IMPORTED, DESK),
    ]


@pytest.mark.parametrize("options", [{"dry_run": True}, {"dry_run": True, "skip_bad": True}, {}])
def test_what_writes_nothing_leaves_no_line(acme: Organization, options: dict[str, Any]) -> None:
    bad: list[Any] = [] if options else [{"id": 7}]

    report, _ = bring(lines([voice_row(id=1, name="Changed"), *bad]), **options)

    assert not report.written
    assert trail() == []


def test_an_import_that_cannot_begin_leaves_no_line(acme: Organization) -> None:
    with pytest.raises(UnreadableInput):
        bring(b"nonsense")
    with pytest.raises(ImportRefused):
        bring(lines([voice_row()]), ImportTarget(0))

    assert trail() == []
