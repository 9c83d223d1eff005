"""The JSON of the triage queue."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_assistant, make_organization, make_voice
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING, NOTHING, Role, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.triage.queries.attention import build_attention_body, list_providers_in_scope
from voiceadmin.triage.queries.counts import count_reasons
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.types import QueueCursor, QueueFilters, TriageAction
from voiceadmin.voices.types.status import VoiceStatus

pytestmark = pytest.mark.usefixtures("app")

THRESHOLDS = AttentionThresholds()
NONE = dict.fromkeys(RULES_BY_SLUG, 0)
keys = map("key {}".format, itertools.count())


@pytest.fixture
def acme() -> Organization:
    return make_organization("Acme")


@pytest.fixture
def ada(acme: Organization) -> Account:
    """Return an operator of Acme."""
    return make_account("ada@acme.example", roles={acme: Role.OPERATOR})


def fetch(scope: Scope = EVERYTHING, *, now: datetime = NOW, **filters: Any) -> dict[str, Any]:
    """Return the response for these filters of the queue."""
    queue_filters = QueueFilters(**filters)
    body = build_attention_body(
        scope, queue_filters, count_reasons(scope, queue_filters, THRESHOLDS, now=now), THRESHOLDS, now=now
    )
    answer: dict[str, Any] = json.loads(body)
    return answer


def ids(answer: dict[str, Any]) -> list[int]:
    return [item["id"] for item in answer["items"]]


def apply(action: TriageAction, *voices: int, **fields: Any) -> None:
    """Apply an action to voices."""
    refs = tuple(ObjectRef(ObjectKind.VOICE, voice) for voice in voices)
    apply_action(EVERYTHING, ActionRequest(action, refs, next(keys), 0, **fields), THRESHOLDS, by=SHELL, now=NOW)


def test_an_empty_queue_counts_zero_for_every_reason(acme: Organization) -> None:
    make_voice(acme, last_used_at=NOW, synthesis_count=1)

    assert fetch() == {"success": True, "counts": NONE, "items": [], "next": None}


def test_reasons_are_counted_and_items_are_ordered_by_severity(acme: Organization) -> None:
    make_voice(acme, id=1, created_at=NOW - timedelta(days=15))
    make_voice(acme, id=2, status=VoiceStatus.PROCESSING)
    make_voice(acme, id=3, status=VoiceStatus.FAILED)

    answer = fetch()

    assert answer["counts"] == NONE | {"failed": 1, "stuck": 1, "never-used": 1}
    assert ids(answer) == [3, 2, 1]


def test_an_assistant_contains_the_voice_that_it_uses(acme: Organization) -> None:
    make_assistant(acme, id=31, name="Front desk", tts_provider="elevenlabs", tts_voice_id="pv3")
    make_voice(acme, id=3, name="Anna", provider_voice_id="pv3", status=VoiceStatus.ARCHIVED)

    (item,) = fetch()["items"]

    assert (item["kind"], item["id"], item["name"], item["provider"]) == ("assistant", 31, "Front desk", "elevenlabs")
    assert (item["voice_id"], item["voice_name"], item["voice_status"]) == (3, "Anna", "archived")


def test_items_do_not_depend_on_the_current_time(acme: Organization) -> None:
    make_voice(acme, id=2, status=VoiceStatus.PROCESSING, created_at=NOW - timedelta(hours=1))
    make_voice(acme, id=3, status=VoiceStatus.FAILED)

    assert fetch(now=NOW) == fetch(now=NOW + timedelta(days=3))


def test_an_acknowledged_reason_is_neither_counted_nor_listed(acme: Organization) -> None:
    make_voice(acme, id=2, status=VoiceStatus.FAILED)
    apply(TriageAction.ACKNOWLEDGE, 2)

    assert fetch() == {"success": True, "counts": NONE, "items": [], "next": None}

    make_voice(acme, id=3, provider_voice_id="pv3", synthesis_count=1, last_used_at=NOW - timedelta(days=61))
    apply(TriageAction.ACKNOWLEDGE, 3)
    make_voice(acme, id=4, provider_voice_id="pv3", synthesis_count=1, last_used_at=NOW)

    answer = fetch(reasons=("duplicate",))
    assert answer["counts"] == NONE | {"duplicate": 2}
    reasons = {item["id"]: [detail["reason"] for detail in item["reasons"]] for item in answer["items"]}
    assert reasons == {3: ["duplicate"], 4: ["duplicate"]}


@pytest.mark.parametrize(
    ("filters", "counts", "listed"),
    [
        pytest.param({"reasons": ("stuck",)}, {"failed": 2, "stuck": 1}, [1], id="all-reasons-are-counted"),
        pytest.param({"reasons": ("poor",)}, {"failed": 2, "stuck": 1}, [], id="a-reason-without-items"),
        pytest.param({"organization": 1}, {"failed": 1, "stuck": 1}, [2, 1], id="organization"),
        pytest.param({"organization": 2}, {"failed": 1}, [3], id="another"),
        pytest.param({"providers": ("resemble",)}, {"failed": 1, "stuck": 1}, [3, 1], id="provider"),
        pytest.param({"providers": ("resemble",), "organization": 2}, {"failed": 1}, [3], id="both"),
        pytest.param({"assignee": "none"}, {"failed": 1, "stuck": 1}, [3, 1], id="unassigned"),
        pytest.param({"assignee": "7"}, {"failed": 1}, [2], id="an-assignee"),
        pytest.param({"assignee": "7", "providers": ("resemble",)}, {}, [], id="an-assignee-and-another-provider"),
        pytest.param({"assignee": "8"}, {}, [], id="an-assignee-without-items"),
        pytest.param({"assignee": "none", "organization": 1}, {"stuck": 1}, [1], id="unassigned-in-one-organization"),
    ],
)
def test_filters_select_items(filters: dict[str, Any], counts: dict[str, int], listed: list[int]) -> None:
    acme, globex = make_organization("Acme", id=1), make_organization("Globex", id=2)
    for account in (7, 8):
        make_account(id=account, roles={acme: Role.OPERATOR})
    make_voice(acme, id=1, status=VoiceStatus.PROCESSING, provider="resemble")
    make_voice(acme, id=2, status=VoiceStatus.FAILED)
    make_voice(globex, id=3, status=VoiceStatus.FAILED, provider="resemble", created_at=NOW - timedelta(days=1000))
    apply(TriageAction.ASSIGN, 2, assignee_id=7)

    answer = fetch(**filters)

    assert answer["counts"] == NONE | counts
    assert ids(answer) == listed


def test_an_assigned_and_acknowledged_voice_is_subtracted_once(acme: Organization, ada: Account) -> None:
    for voice in (1, 2, 3):
        make_voice(acme, id=voice, status=VoiceStatus.FAILED)
    apply(TriageAction.ASSIGN, 1, 2, assignee_id=ada.id)
    apply(TriageAction.ACKNOWLEDGE, 1)

    assert fetch()["counts"]["failed"] == 2
    assert fetch(assignee="none")["counts"]["failed"] == 1
    assert fetch(assignee=str(ada.id))["counts"]["failed"] == 1
    assert fetch(assignee=str(ada.id))["items"][0]["assignee"] == "ada@acme.example"


@pytest.mark.parametrize(("size", "pages"), [(1, 6), (2, 3), (5, 2), (6, 1), (1000, 1)])
def test_all_pages_together_contain_each_item_once(acme: Organization, size: int, pages: int) -> None:
    for voice in range(1, 4):
        make_voice(acme, id=voice, status=VoiceStatus.FAILED)  # all at the same moment
        make_voice(acme, id=voice + 3, status=VoiceStatus.PROCESSING)
    seen, requests, after = list[int](), 0, None

    while requests == 0 or after is not None:
        answer = fetch(size=size, after=after)
        seen += ids(answer)
        requests += 1
        after = None if answer["next"] is None else QueueCursor.parse(answer["next"])
        assert answer["counts"] == NONE | {"failed": 3, "stuck": 3}, "the counts do not depend on the page"

    assert (seen, requests) == ([1, 2, 3, 4, 5, 6], pages)


def test_the_reasons_of_all_items_add_up_to_the_counts(now: datetime) -> None:
    add_sample(now, by=SHELL, now=NOW)

    answer = fetch(size=1000)
    rest = fetch(size=1000, after=QueueCursor.parse(answer["next"])) if answer["next"] else {"items": [], "next": None}

    items = answer["items"] + rest["items"]
    assert rest["next"] is None
    assert len(items) > 500
    assert len({(item["kind"], item["id"]) for item in items}) == len(items)
    reasons = [detail["reason"] for item in items for detail in item["reasons"]]
    assert {slug: reasons.count(slug) for slug in RULES_BY_SLUG} == answer["counts"]


def test_the_providers_of_a_scope_are_those_of_its_voices_and_assistants(acme: Organization) -> None:
    globex = make_organization("Globex")
    make_voice(acme, provider="playht")
    make_assistant(acme, tts_provider="lmnt", tts_voice_id="x")
    make_assistant(acme)
    make_voice(globex, provider="rime")

    assert list_providers_in_scope(EVERYTHING) == ["lmnt", "playht", "rime"]
    assert list_providers_in_scope(Scope(frozenset([globex.id]))) == ["rime"]
    assert list_providers_in_scope(NOTHING) == []


def test_voices_outside_the_scope_are_neither_counted_nor_listed(acme: Organization, ada: Account) -> None:
    globex = make_organization("Globex")
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    make_voice(globex, id=2, status=VoiceStatus.FAILED)
    apply(TriageAction.ASSIGN, 1, assignee_id=ada.id)

    answer = fetch(Scope(frozenset([globex.id])))

    assert (answer["counts"]["failed"], ids(answer)) == (1, [2])
    assert fetch(Scope(frozenset([globex.id])), assignee=str(ada.id))["counts"] == NONE
    assert fetch(NOTHING) == {"success": True, "counts": NONE, "items": [], "next": None}
