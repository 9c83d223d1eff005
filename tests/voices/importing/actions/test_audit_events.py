"""The audit events of an import."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import NOW
from tests.factories import DAY, LONG_AGO, put_voices, voice_row
from tests.voices.importing.actions.scenario import ASSISTANT_ID, lines, list_events, list_stored_voices, run_import
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.errors import ImportRefused
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import UnreadableInput
from voiceadmin.voices.json_body import voice_to_json


def test_an_import_records_one_event_and_one_per_changed_voice(acme: Organization) -> None:
    used = LONG_AGO + DAY
    rows = [
        voice_row(id=1, name="Ada L.", provider_voice_id=list_stored_voices()[0].provider_voice_id, last_used_at=used),
        list_stored_voices()[1],
        voice_row(id=5),
    ]

    run_import(lines(rows), ImportTarget(ASSISTANT_ID, assistant_name="Day desk"))

    changed, summary = list_events()
    assert (changed.event_type, changed.object_kind, changed.object_id, changed.object_name) == (
        AuditEventType.VOICE_CHANGED,
        ObjectKind.VOICE,
        1,
        "Ada L.",
    )
    assert changed.before == {"name": "Ada", "last_used_at": None}
    assert changed.after == {"name": "Ada L.", "last_used_at": voice_to_json(rows[0])["last_used_at"]}
    assert (changed.note, summary.note) == ("import", "")
    assert (summary.event_type, summary.object_kind, summary.object_id, summary.object_name) == (
        AuditEventType.VOICES_IMPORTED,
        ObjectKind.ASSISTANT,
        ASSISTANT_ID,
        "Day desk",
    )
    assert (summary.before, summary.after) == (None, {"added": 1, "changed": 1, "unchanged": 1})
    for event in (changed, summary):
        assert (event.at, event.actor_name, event.organization_id) == (NOW, "tester", acme.id)


def test_changed_voices_of_every_batch_are_recorded(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 2)
    put_voices(acme, [voice_row(id=number, name="old") for number in range(10, 17)])

    run_import(lines(voice_row(id=number, name="new" if number % 2 else "old") for number in range(10, 20)))

    changed = [event for event in list_events() if event.event_type is AuditEventType.VOICE_CHANGED]
    assert [event.object_id for event in changed] == list(range(10, 17))
    assert [(event.after or {}).get("name") for event in changed] == [None, "new", None, "new", None, "new", None]


def test_an_import_without_changes_records_one_event(acme: Organization) -> None:
    run_import(lines(list_stored_voices()[:2]))

    (event,) = list_events()
    assert event.after == {"added": 0, "changed": 0, "unchanged": 2}


def test_an_import_with_skipped_records_records_the_valid_ones(acme: Organization) -> None:
    run_import(lines([{"id": 1}, voice_row(id=2, name="Changed")]), skip_bad=True)

    assert [(event.event_type, event.object_id) for event in list_events()] == [
        (AuditEventType.VOICE_CHANGED, 2),
        (AuditEventType.VOICES_IMPORTED, ASSISTANT_ID),
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
