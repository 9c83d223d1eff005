"""Adding, updating and removing the sample, next to other data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select

from tests.conftest import SHELL
from tests.factories import make_assistant, make_organization, make_voice
from tests.operations.actions.scenario import Runner, read_archiving
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SampleRefused
from voiceadmin.identity import Role, anonymous_requester
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sample.actions import KeptOrganization, OutcomeCounts, SampleReport, add_sample, remove_sample
from voiceadmin.sample.data import generate_sample
from voiceadmin.text import build_name_key
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow

# A run takes long, and the SQL is that of imports and deletions, which have tests of their own on both databases.
pytestmark = [pytest.mark.usefixtures("app"), pytest.mark.databases("sqlite")]
on_both_databases = pytest.mark.databases("sqlite", "postgresql")

DAY = datetime(2026, 3, 5, tzinfo=UTC)
NOW = DAY + timedelta(hours=14, minutes=3)
OWN_VOICE = 900_001
OWN_ASSISTANT = 900_002


def count(table: type[Base]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def counts() -> tuple[int, int, int]:
    return count(Organization), count(Assistant), count(ClonedVoice)


def revisions() -> dict[str, int]:
    return {row.name: row.revision for row in db.session.execute(select(Organization.name, Organization.revision))}


def organization_of(assistant_id: int) -> Organization:
    return db.session.scalars(select(Organization).join(Assistant).where(Assistant.id == assistant_id)).one()


def test_adding_writes_the_whole_sample() -> None:
    report = add_sample(NOW, by=SHELL, now=NOW)

    assert report == SampleReport(OutcomeCounts(added=8), OutcomeCounts(added=10), OutcomeCounts(added=2500))
    assert counts() == (8, 10, 2500)
    assert str(report) == "Sample organizations: 8 added. Assistants: 10 added. Voices: 2,500 added."


@on_both_databases
def test_the_stored_rows_equal_the_generated_sample() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    for organization in generate_sample(DAY):
        id = db.session.scalars(select(Organization.id).where(Organization.name == organization.name)).one()
        columns = [getattr(ClonedVoice, name) for name in VoiceRow._fields]
        in_organization = ClonedVoice.organization_id == id
        voices = db.session.execute(select(*columns).where(in_organization).order_by(ClonedVoice.id)).all()
        assert tuple(VoiceRow._make(voice) for voice in voices) == organization.voices
        for assistant in organization.assistants:
            stored = db.session.get_one(Assistant, assistant.id)
            assert stored.organization_id == id
            assert stored.name_key == build_name_key(assistant.name)
            assert (stored.name, stored.active) == (assistant.name, assistant.active)
            assert (stored.tts_provider, stored.tts_voice_id) == (assistant.tts_provider, assistant.tts_voice_id)


def test_stored_voices_have_search_keys() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    voice = db.session.get_one(ClonedVoice, 456)

    assert voice.name_key == "custom professional voice"
    assert voice.search_key == "\ncustom professional voice\nvoice_abc123xyz\n"


def test_the_organizations_are_marked_as_sample_and_have_no_upstream_id() -> None:
    own = make_organization()

    add_sample(NOW, by=SHELL, now=NOW)

    found = db.session.scalars(select(Organization).where(Organization.id != own.id)).all()
    assert len(found) == 8
    assert all(organization.sample and organization.upstream_id is None for organization in found)
    assert not db.session.get_one(Organization, own.id).sample


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(NOW, id="same-time"),
        pytest.param(DAY, id="first-moment-of-the-day"),
        pytest.param(DAY + timedelta(days=1, microseconds=-1), id="last-moment-of-the-day"),
        pytest.param(datetime(2026, 3, 6, 1, tzinfo=timezone(timedelta(hours=5))), id="same-day-in-utc"),
    ],
)
def test_adding_again_on_the_same_day_writes_nothing(again: datetime) -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    before = revisions()

    report = add_sample(again, by=SHELL, now=NOW)

    assert report == SampleReport(
        OutcomeCounts(unchanged=8), OutcomeCounts(unchanged=10), OutcomeCounts(unchanged=2500)
    )
    assert revisions() == before


@on_both_databases
def test_adding_on_another_day_moves_the_times() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    report = add_sample(NOW + timedelta(days=1), by=SHELL, now=NOW)

    assert report.voices == OutcomeCounts(changed=2497, unchanged=3)
    assert report.assistants == OutcomeCounts(unchanged=10)
    assert counts() == (8, 10, 2500)
    assert add_sample(NOW + timedelta(days=1), by=SHELL, now=NOW).voices == OutcomeCounts(unchanged=2500)


@on_both_databases
def test_adding_restores_changed_and_deleted_rows() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    with write_transaction():
        db.session.get_one(ClonedVoice, 457).name = "Renamed"
        db.session.delete(db.session.get_one(ClonedVoice, 458))
        db.session.get_one(Assistant, 31).active = False

    report = add_sample(NOW, by=SHELL, now=NOW)

    assert report.voices == OutcomeCounts(added=1, changed=1, unchanged=2498)
    assert report.assistants == OutcomeCounts(changed=1, unchanged=9)
    assert add_sample(NOW, by=SHELL, now=NOW).voices == OutcomeCounts(unchanged=2500)


def test_adding_again_leaves_an_archived_voice_as_it_is() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    Runner(NOW).apply(TriageAction.ARCHIVE, 456)
    before = revisions()

    assert add_sample(NOW, by=SHELL, now=NOW).voices == OutcomeCounts(unchanged=2500)

    assert revisions() == before
    assert read_archiving(456)[:2] == ("archived", "ready")


def test_adding_keeps_other_data_in_sample_organizations() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_voice(acme, id=OWN_VOICE)
    make_assistant(acme, id=OWN_ASSISTANT)

    add_sample(NOW + timedelta(days=1), by=SHELL, now=NOW)

    assert counts() == (8, 11, 2501)


def test_adding_ignores_another_organization_with_the_same_name() -> None:
    own = make_organization("Acme Telecom")

    add_sample(NOW, by=SHELL, now=NOW)

    assert organization_of(31).id != own.id
    assert count(Organization) == 9


@pytest.mark.parametrize("taken", ["assistant 123", "voice 456", "voice 20001"])
def test_adding_refuses_to_overwrite_other_data(taken: str) -> None:
    own = make_organization()
    kind, _, id = taken.partition(" ")
    make = make_voice if kind == "voice" else make_assistant
    make(own, id=int(id))
    before = counts()

    with pytest.raises(SampleRefused, match=rf"\({taken}\).*VOICEADMIN_DATABASE_URL"):
        add_sample(NOW, by=SHELL, now=NOW)

    assert counts() == before


def test_a_refusal_lists_the_first_five_ids() -> None:
    own = make_organization()
    for id in range(20_001, 20_007):
        make_voice(own, id=id)
    make_assistant(own, id=123)

    with pytest.raises(SampleRefused, match=r"\(assistant 123, voice 20001, .*, voice 20004 and 2 more\)"):
        add_sample(NOW, by=SHELL, now=NOW)


def test_adding_refuses_a_time_less_than_three_years_after_the_first_date() -> None:
    with pytest.raises(SampleRefused, match="Choose a later time"):
        add_sample(datetime(1, 6, 1, tzinfo=UTC), by=SHELL, now=NOW)

    assert counts() == (0, 0, 0)


def test_removing_deletes_the_whole_sample() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(OutcomeCounts(removed=8), OutcomeCounts(removed=10), OutcomeCounts(removed=2500))
    assert counts() == (0, 0, 0)


def test_removing_twice_deletes_nothing_more() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    remove_sample(by=SHELL, now=NOW)

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(OutcomeCounts(), OutcomeCounts(), OutcomeCounts())
    assert str(report) == "Sample organizations: none. Assistants: none. Voices: none."


def test_removing_keeps_all_other_data() -> None:
    own = make_organization()
    make_voice(own, id=OWN_VOICE)
    make_assistant(own, id=OWN_ASSISTANT)
    add_sample(NOW, by=SHELL, now=NOW)

    remove_sample(by=SHELL, now=NOW)

    assert counts() == (1, 1, 1)


@on_both_databases
def test_removing_keeps_other_voices_and_the_assistants_of_their_organization() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_voice(acme, id=OWN_VOICE)

    report = remove_sample(by=SHELL, now=NOW)

    assert counts() == (1, 3, 1)
    assert report.organizations == OutcomeCounts(removed=7, kept=1)
    assert report.assistants == OutcomeCounts(removed=7, kept=3)
    assert report.voices == OutcomeCounts(removed=2500)
    assert report.kept == (KeptOrganization(acme.id, "Acme Telecom", 1, 0, (31, 32, 33)),)
    assert str(report).endswith(
        "Voices: 2,500 removed. “Acme Telecom” was kept: it has 1 voice that the sample did not add. "
        "So these assistants were kept too: 31, 32, 33."
    )


def test_removing_keeps_other_assistants() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_assistant(acme, id=OWN_ASSISTANT)

    report = remove_sample(by=SHELL, now=NOW)

    assert db.session.scalars(select(Assistant.id)).all() == [OWN_ASSISTANT]
    assert report.kept == (KeptOrganization(acme.id, "Acme Telecom", 0, 1, ()),)
    assert str(report).endswith("“Acme Telecom” was kept: it has 1 assistant that the sample did not add.")


def test_a_report_counts_the_other_data() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    inn = organization_of(123)
    for number in range(2):
        make_voice(inn, id=OWN_VOICE + number)
        make_assistant(inn, id=OWN_ASSISTANT + number)

    report = remove_sample(by=SHELL, now=NOW)

    assert str(report.kept[0]) == (
        "“Harbor View Inn” was kept: it has 2 voices and 2 assistants that the sample did not add. "
        "So this assistant was kept too: 123."
    )


def test_a_kept_organization_is_removed_once_it_is_empty() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    make_voice(organization_of(31), id=OWN_VOICE)
    remove_sample(by=SHELL, now=NOW)
    with write_transaction():
        db.session.delete(db.session.get_one(ClonedVoice, OWN_VOICE))

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(OutcomeCounts(removed=1), OutcomeCounts(removed=3), OutcomeCounts())
    assert counts() == (0, 0, 0)


def test_a_kept_organization_is_reused_when_the_sample_is_added_again() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_voice(acme, id=OWN_VOICE)
    remove_sample(by=SHELL, now=NOW)

    report = add_sample(NOW, by=SHELL, now=NOW)

    assert report == SampleReport(
        OutcomeCounts(added=7, unchanged=1), OutcomeCounts(added=7, unchanged=3), OutcomeCounts(added=2500)
    )
    assert organization_of(31).id == acme.id


@pytest.mark.parametrize("taken", ["nothing", "assistant 123", "voice 456"])
def test_removing_keeps_organizations_that_are_not_marked_as_sample(taken: str) -> None:
    own = make_organization()
    kind, _, id = taken.partition(" ")
    if kind == "voice":
        make_voice(own, id=int(id))
    if kind == "assistant":
        make_assistant(own, id=int(id))
    before = counts()

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(OutcomeCounts(), OutcomeCounts(), OutcomeCounts())
    assert counts() == before


def test_adding_and_removing_record_one_event_each() -> None:
    add_sample(DAY - timedelta(days=9), by=SHELL, now=NOW)
    remove_sample(by=SHELL, now=NOW + timedelta(hours=1))

    events = list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0]
    assert [(event.event_type, event.at, event.actor_name, event.before, event.after) for event in events] == [
        (AuditEventType.SAMPLE_REMOVED, NOW + timedelta(hours=1), "tester", {"removed": 2500}, None),
        (AuditEventType.SAMPLE_ADDED, NOW, "tester", None, {"added": 2500, "changed": 0, "unchanged": 0}),
    ]
    assert {(event.object_name, event.organization_id) for event in events} == {("sample data", None)}


def test_a_refusal_records_no_event() -> None:
    make_assistant(make_organization(), id=123)

    with pytest.raises(SampleRefused):
        add_sample(NOW, by=SHELL, now=NOW)

    assert list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters()) == ([], False)
