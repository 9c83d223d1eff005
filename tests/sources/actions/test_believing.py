"""A person can believe a list that lacks many voices, and accept that a key belongs to another account."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.providers import MINUTE, Provider, add_elevenlabs, judge, name_voices
from tests.sources.clients.conftest import Run
from tests.upstream.elevenlabs import make_voice
from tests.upstream.server import status
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, SourceNotFound
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.managing import check_source
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.models import Source

IDS = [f"v{number}" for number in range(10)]
TIMES = [NOW + 5 * number * MINUTE for number in range(10)]


@pytest.fixture
def provider(app: Flask, run: Run) -> Provider:
    """ElevenLabs with ten voices, which were read once."""
    return add_elevenlabs(IDS, run, app.config["VOICEADMIN"])


@pytest.fixture
def acme(app: Flask) -> Organization:
    """The owner of the voices."""
    return make_organization()


@pytest.fixture
def ids(provider: Provider, acme: Organization) -> dict[str, int]:
    """The ids here of the ten voices of the provider, all of which the platform names. They were read once."""
    ids = name_voices(acme, IDS)
    provider.sync()
    return ids


def lose(provider: Provider, count: int) -> None:
    """Let the provider list all but the first voices."""
    provider.world.voices = [make_voice(id) for id in IDS[count:]]


def list_hash(provider: Provider) -> str:
    """The hash of the withheld list, as a page shows it."""
    return hash_withheld(provider.listings["voices"].withheld)


def believe(provider: Provider, index: int) -> int:
    return believe_list(EVERYTHING, provider.source_id, list_hash(provider), by=SHELL, now=TIMES[index])


def test_voices_of_a_believed_list_are_looked_up_before_they_are_missing(
    provider: Provider, ids: dict[str, int]
) -> None:
    lose(provider, 6)
    provider.sync(TIMES[1])
    assert judge(ids["v0"], TIMES[1]) == ("in-step", "stale")

    assert believe(provider, 1) == 6

    assert provider.listings["voices"].complete_at == TIMES[1]
    assert provider.absent == set(IDS[:6])
    assert {judge(ids[id], TIMES[1]) for id in IDS[:6]} == {(None, "unverified")}
    assert judge(ids["v7"], TIMES[1]) == ("in-step", "listed")
    provider.sync(TIMES[2])
    assert {judge(ids[id], TIMES[2]) for id in IDS[:6]} == {("missing", "confirmed")}


def test_a_list_is_believed_once(provider: Provider, ids: dict[str, int]) -> None:
    lose(provider, 5)
    provider.sync(TIMES[1])
    believe(provider, 1)
    provider.sync(TIMES[2])

    lose(provider, 10)
    provider.sync(TIMES[3])

    assert provider.listings["voices"].result == "withheld"
    assert provider.absent == set(IDS[:5])
    assert judge(ids["v7"], TIMES[3]) == ("in-step", "stale")


def test_a_list_that_a_page_did_not_show_is_not_believed(provider: Provider, ids: dict[str, int]) -> None:
    lose(provider, 5)
    provider.sync(TIMES[1])
    shown = list_hash(provider)
    lose(provider, 9)
    provider.sync(TIMES[2])

    with pytest.raises(ChangeRefused, match="has changed"):
        believe_list(EVERYTHING, provider.source_id, shown, by=SHELL, now=TIMES[2])

    assert provider.absent == set()


def test_the_same_list_can_be_believed_after_it_was_read_again(provider: Provider, ids: dict[str, int]) -> None:
    lose(provider, 5)
    provider.sync(TIMES[1])
    shown = list_hash(provider)
    provider.sync(TIMES[2])

    assert believe_list(EVERYTHING, provider.source_id, shown, by=SHELL, now=TIMES[2]) == 5


def test_complete_incomplete_and_unread_lists_cannot_be_believed(provider: Provider) -> None:
    with pytest.raises(ChangeRefused, match="no list that waits"):
        believe_list(EVERYTHING, provider.source_id, "", by=SHELL, now=NOW)
    for fault in (None, status(500)):
        if fault:
            provider.upstream.show(fault, "/v2/voices")
        provider.sync(TIMES[1])
        with pytest.raises(ChangeRefused, match="no list that waits"):
            believe(provider, 1)


def test_a_first_list_can_be_believed(provider: Provider) -> None:
    ids = name_voices(make_organization(), [f"gone{number}" for number in range(10)])
    provider.sync()

    assert believe(provider, 1) == 10
    assert judge(ids["gone0"], TIMES[1]) == (None, "unverified")
    assert provider.sync(TIMES[1]).messages == ()
    assert judge(ids["gone0"], TIMES[1]) == ("missing", "confirmed")


# Accounts


def test_nothing_is_verified_after_the_account_has_changed(provider: Provider, ids: dict[str, int]) -> None:
    gone = name_voices(make_organization("Globex"), ["gone"])["gone"]
    provider.sync(TIMES[1])
    assert judge(gone, TIMES[1]) == ("missing", "confirmed")
    provider.world.workspace_id = "workspace-2"
    provider.world.voices = [make_voice("another")]

    report = provider.sync(TIMES[2])

    assert "another account" in report.messages[0]
    assert set(provider.voices) == set(IDS)
    assert {judge(id, TIMES[2]) for id in (*ids.values(), gone)} == {(None, "unverified")}
    with pytest.raises(ChangeRefused):
        believe(provider, 2)


def test_an_account_that_has_changed_stays_unverified_when_the_former_key_returns(
    provider: Provider, ids: dict[str, int]
) -> None:
    provider.world.workspace_id = "workspace-2"
    provider.sync(TIMES[1])
    provider.world.workspace_id = "workspace-1"

    provider.sync(TIMES[2])

    assert judge(ids["v0"], TIMES[2]) == (None, "unverified")


def test_an_accepted_account_is_read_from_the_beginning(
    provider: Provider, acme: Organization, ids: dict[str, int]
) -> None:
    provider.world.workspace_id = "workspace-2"
    provider.world.voices = [make_voice(id) for id in IDS[:9]]
    provider.sync(TIMES[1])

    assert accept_account(EVERYTHING, provider.source_id, by=SHELL, now=TIMES[1]) == "ElevenLabs"

    assert (provider.voices, provider.listings, provider.slots) == ({}, {}, {})
    assert provider.look_ups == dict.fromkeys(IDS, "elsewhere")
    assert judge(ids["v0"], TIMES[1]) == (None, "unverified")
    ids |= name_voices(acme, ["named since"])
    provider.sync(TIMES[2])
    found = {id: judge(ids[id], TIMES[2]) for id in ("v0", "v9", "named since")}
    assert found["v0"] == ("in-step", "listed")
    assert found["v9"] == (None, "unverified")  # the former account may have it
    assert found["named since"] == ("missing", "confirmed")
    with pytest.raises(ChangeRefused, match="has not changed"):
        accept_account(EVERYTHING, provider.source_id, by=SHELL, now=TIMES[2])


def test_a_test_of_the_key_finds_another_account_as_well(provider: Provider, ids: dict[str, int]) -> None:
    provider.world.workspace_id = "workspace-2"

    environ = {"UPSTREAM_KEY_PROVIDER": "key"}
    check_source(EVERYTHING, provider.source_id, provider.settings, by=SHELL, now=TIMES[1], environ=environ)

    assert judge(ids["v0"], TIMES[1]) == (None, "unverified")
    provider.sync(TIMES[2])
    assert judge(ids["v0"], TIMES[2]) == (None, "unverified")


@pytest.mark.parametrize("code", [401, 403, 500])
def test_nothing_is_concluded_while_the_account_cannot_be_read(
    provider: Provider, ids: dict[str, int], code: int
) -> None:
    provider.upstream.show(status(code), "/v1/user")
    lose(provider, 2)

    provider.sync(TIMES[1])

    assert provider.absent == set()
    assert judge(ids["v0"], TIMES[1]) == ("in-step", "stale")
    provider.upstream.recover()
    provider.sync(TIMES[2])
    assert judge(ids["v0"], TIMES[2]) == ("missing", "confirmed")


def test_a_key_that_never_told_its_account_is_enough(provider: Provider) -> None:
    ids = name_voices(make_organization(), [*IDS, "gone"])
    provider.world.keys["key"] = frozenset({"voices_read"})

    provider.sync()

    assert judge(ids["v0"]) == ("in-step", "listed")
    assert judge(ids["gone"]) == ("missing", "confirmed")
    assert db.session.get_one(Source, provider.source_id).account_hash == ""


def test_decisions_are_recorded_and_need_the_organization(provider: Provider, ids: dict[str, int]) -> None:
    lose(provider, 5)
    provider.sync(TIMES[1])
    with pytest.raises(SourceNotFound):
        believe_list(Scope(frozenset({1})), provider.source_id, list_hash(provider), by=SHELL, now=NOW)
    with pytest.raises(SourceNotFound):
        accept_account(Scope(frozenset({1})), provider.source_id, by=SHELL, now=NOW)
    believe(provider, 1)
    provider.world.workspace_id = "workspace-2"
    provider.sync(TIMES[2])
    accept_account(EVERYTHING, provider.source_id, by=SHELL, now=TIMES[2])

    decisions = (AuditEventType.LIST_BELIEVED, AuditEventType.ACCOUNT_ACCEPTED)
    words = db.session.scalars(select(AuditEvent.event_type).order_by(AuditEvent.id)).all()
    assert [word for word in words if word in decisions] == list(decisions)
