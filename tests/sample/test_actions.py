"""The sample in a store: filled twice, moved, refused, and taken out without touching what others put in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select

from tests.conftest import SHELL
from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SampleRefused
from voiceadmin.identity import Role, anonymous_requester
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sample.actions import KeptOrganization, SampleReport, Tally, add_sample, remove_sample
from voiceadmin.sample.data import generate_sample
from voiceadmin.text import build_name_key
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow

pytestmark = pytest.mark.usefixtures("store")

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


def test_filling_puts_in_the_whole_sample() -> None:
    report = add_sample(NOW, by=SHELL, now=NOW)

    assert report == SampleReport(Tally(added=8), Tally(added=10), Tally(added=2500))
    assert counts() == (8, 10, 2500)
    assert str(report) == "Sample organizations: 8 added. Assistants: 10 added. Voices: 2,500 added."


def test_what_is_stored_is_what_the_sample_says() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    for organization in generate_sample(DAY):
        id = db.session.scalars(select(Organization.id).where(Organization.name == organization.name)).one()
        columns = [getattr(ClonedVoice, name) for name in VoiceRow._fields]
        of_organization = ClonedVoice.organization_id == id
        voices = db.session.execute(select(*columns).where(of_organization).order_by(ClonedVoice.id)).all()
        assert tuple(VoiceRow._make(voice) for voice in voices) == organization.voices
        for assistant in organization.assistants:
            stored = db.session.get_one(Assistant, assistant.id)
            assert stored.organization_id == id
            assert stored.name_key == build_name_key(assistant.name)
            assert (stored.name, stored.active) == (assistant.name, assistant.active)
            assert (stored.tts_provider, stored.tts_voice_id) == (assistant.tts_provider, assistant.tts_voice_id)


def test_a_stored_voice_is_found_by_its_folded_texts() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    voice = db.session.get_one(ClonedVoice, 456)

    assert voice.name_key == "custom professional voice"
    assert voice.search_key == "\ncustom professional voice\nvoice_abc123xyz\n"


def test_the_organizations_are_marked_as_sample_and_have_our_own_ids() -> None:
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
def test_filling_again_on_the_same_day_writes_nothing(again: datetime) -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    before = revisions()

    report = add_sample(again, by=SHELL, now=NOW)

    assert report == SampleReport(Tally(unchanged=8), Tally(unchanged=10), Tally(unchanged=2500))
    assert revisions() == before


def test_filling_on_another_day_moves_the_times() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    report = add_sample(NOW + timedelta(days=1), by=SHELL, now=NOW)

    assert report.voices == Tally(changed=2497, unchanged=3)
    assert report.assistants == Tally(unchanged=10)
    assert counts() == (8, 10, 2500)
    assert add_sample(NOW + timedelta(days=1), by=SHELL, now=NOW).voices == Tally(unchanged=2500)


def test_filling_mends_what_was_changed_or_lost() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    with write_transaction():
        db.session.get_one(ClonedVoice, 457).name = "Renamed"
        db.session.delete(db.session.get_one(ClonedVoice, 458))
        db.session.get_one(Assistant, 31).active = False

    report = add_sample(NOW, by=SHELL, now=NOW)

    assert report.voices == Tally(added=1, changed=1, unchanged=2498)
    assert report.assistants == Tally(changed=1, unchanged=9)
    assert add_sample(NOW, by=SHELL, now=NOW).voices == Tally(unchanged=2500)


def test_filling_leaves_alone_what_was_added_to_it() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_voice(acme, id=OWN_VOICE)
    make_assistant(acme, id=OWN_ASSISTANT)

    add_sample(NOW + timedelta(days=1), by=SHELL, now=NOW)

    assert counts() == (8, 11, 2501)


def test_filling_passes_by_an_organization_that_only_has_the_same_name() -> None:
    own = make_organization("Acme Telecom")

    add_sample(NOW, by=SHELL, now=NOW)

    assert organization_of(31).id != own.id
    assert count(Organization) == 9


@pytest.mark.parametrize("taken", ["assistant 123", "voice 456", "voice 20001"])
def test_filling_refuses_to_overwrite_what_is_not_its_own(taken: str) -> None:
    own = make_organization()
    word, _, id = taken.partition(" ")
    make = make_voice if word == "voice" else make_assistant
    make(own, id=int(id))
    before = counts()

    with pytest.raises(SampleRefused, match=rf"\({taken}\).*VOICEADMIN_DATABASE_URL"):
        add_sample(NOW, by=SHELL, now=NOW)

    assert counts() == before


def test_a_refusal_names_the_first_five_ids() -> None:
    own = make_organization()
    for id in range(20_001, 20_007):
        make_voice(own, id=id)
    make_assistant(own, id=123)

    with pytest.raises(SampleRefused, match=r"\(assistant 123, voice 20001, .*, voice 20004 and 2 more\)"):
        add_sample(NOW, by=SHELL, now=NOW)


def test_filling_refuses_a_time_without_a_past() -> None:
    with pytest.raises(SampleRefused, match="Choose a later time"):
        add_sample(datetime(1, 6, 1, tzinfo=UTC), by=SHELL, now=NOW)

    assert counts() == (0, 0, 0)


def test_removing_takes_out_the_whole_sample() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(Tally(removed=8), Tally(removed=10), Tally(removed=2500))
    assert counts() == (0, 0, 0)


def test_removing_twice_is_harmless() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    remove_sample(by=SHELL, now=NOW)

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(Tally(), Tally(), Tally())
    assert str(report) == "Sample organizations: none. Assistants: none. Voices: none."


def test_removing_leaves_everything_else() -> None:
    own = make_organization()
    make_voice(own, id=OWN_VOICE)
    make_assistant(own, id=OWN_ASSISTANT)
    add_sample(NOW, by=SHELL, now=NOW)

    remove_sample(by=SHELL, now=NOW)

    assert counts() == (1, 1, 1)


def test_removing_keeps_added_voices_and_the_assistants_that_lead_to_them() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_voice(acme, id=OWN_VOICE)

    report = remove_sample(by=SHELL, now=NOW)

    assert counts() == (1, 3, 1)
    assert report.organizations == Tally(removed=7, kept=1)
    assert report.assistants == Tally(removed=7, kept=3)
    assert report.voices == Tally(removed=2500)
    assert report.kept == (KeptOrganization(acme.id, "Acme Telecom", 1, 0, (31, 32, 33)),)
    assert str(report).endswith(
        "Voices: 2,500 removed. “Acme Telecom” stays: it has 1 voice that the sample did not put in, "
        "so these assistants stay with it: 31, 32, 33."
    )


def test_removing_keeps_added_assistants() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_assistant(acme, id=OWN_ASSISTANT)

    report = remove_sample(by=SHELL, now=NOW)

    assert db.session.scalars(select(Assistant.id)).all() == [OWN_ASSISTANT]
    assert report.kept == (KeptOrganization(acme.id, "Acme Telecom", 0, 1, ()),)
    assert str(report).endswith("“Acme Telecom” stays: it has 1 assistant that the sample did not put in.")


def test_a_report_counts_what_was_added() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    inn = organization_of(123)
    for number in range(2):
        make_voice(inn, id=OWN_VOICE + number)
        make_assistant(inn, id=OWN_ASSISTANT + number)

    report = remove_sample(by=SHELL, now=NOW)

    assert str(report.kept[0]) == (
        "“Harbor View Inn” stays: it has 2 voices and 2 assistants that the sample did not put in, "
        "so this assistant stays with it: 123."
    )


def test_a_kept_organization_goes_once_it_is_empty() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    make_voice(organization_of(31), id=OWN_VOICE)
    remove_sample(by=SHELL, now=NOW)
    with write_transaction():
        db.session.delete(db.session.get_one(ClonedVoice, OWN_VOICE))

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(Tally(removed=1), Tally(removed=3), Tally())
    assert counts() == (0, 0, 0)


def test_a_kept_organization_is_filled_again() -> None:
    add_sample(NOW, by=SHELL, now=NOW)
    acme = organization_of(31)
    make_voice(acme, id=OWN_VOICE)
    remove_sample(by=SHELL, now=NOW)

    report = add_sample(NOW, by=SHELL, now=NOW)

    assert report == SampleReport(Tally(added=7, unchanged=1), Tally(added=7, unchanged=3), Tally(added=2500))
    assert organization_of(31).id == acme.id


@pytest.mark.parametrize("taken", ["nothing", "assistant 123", "voice 456"])
def test_removing_does_not_touch_an_organization_that_is_not_of_the_sample(taken: str) -> None:
    own = make_organization()
    word, _, id = taken.partition(" ")
    if word == "voice":
        make_voice(own, id=int(id))
    if word == "assistant":
        make_assistant(own, id=int(id))
    before = counts()

    report = remove_sample(by=SHELL, now=NOW)

    assert report == SampleReport(Tally(), Tally(), Tally())
    assert counts() == before


def test_filling_and_removing_are_quick() -> None:
    started = time.perf_counter()

    add_sample(NOW, by=SHELL, now=NOW)
    remove_sample(by=SHELL, now=NOW)

    assert time.perf_counter() - started < 5  # a fifth of it is usual; a slow machine may take longer


def test_filling_and_removing_leave_a_line_each() -> None:
    add_sample(DAY - timedelta(days=9), by=SHELL, now=NOW)
    remove_sample(by=SHELL, now=NOW + timedelta(hours=1))

    lines = list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0]
    assert [(line.event_type, line.at, line.actor_name, line.before, line.after) for line in lines] == [
        (AuditEventType.SAMPLE_REMOVED, NOW + timedelta(hours=1), "tester", {"voices": "2,500 removed"}, None),
        (AuditEventType.SAMPLE_ADDED, NOW, "tester", None, {"voices": "2,500 added"}),
    ]
    assert {(line.object_name, line.organization_id) for line in lines} == {("sample data", None)}


def test_a_refusal_leaves_no_line() -> None:
    make_assistant(make_organization(), id=123)

    with pytest.raises(SampleRefused):
        add_sample(NOW, by=SHELL, now=NOW)

    assert list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters()) == ([], False)
