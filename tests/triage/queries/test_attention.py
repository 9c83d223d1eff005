"""What needs a person, as programs are answered."""

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

pytestmark = pytest.mark.usefixtures("store")

LIMITS = AttentionThresholds()
NONE = dict.fromkeys(RULES_BY_SLUG, 0)
keys = map("order {}".format, itertools.count())


@pytest.fixture
def acme() -> Organization:
    return make_organization("Acme")


@pytest.fixture
def ada(acme: Organization) -> Account:
    """An operator of Acme."""
    return make_account("ada@acme.example", roles={acme: Role.OPERATOR})


def ask(scope: Scope = EVERYTHING, *, now: datetime = NOW, **filters: Any) -> dict[str, Any]:
    """The answer under these filters of the queue."""
    asked = QueueFilters(**filters)
    body = build_attention_body(scope, asked, count_reasons(scope, asked, LIMITS, now=now), LIMITS, now=now)
    answer: dict[str, Any] = json.loads(body)
    return answer


def ids(answer: dict[str, Any]) -> list[int]:
    return [item["id"] for item in answer["items"]]


def action(action: TriageAction, *voices: int, **fields: Any) -> None:
    """Do something to voices."""
    refs = tuple(ObjectRef(ObjectKind.VOICE, voice) for voice in voices)
    apply_action(EVERYTHING, ActionRequest(action, refs, next(keys), 0, **fields), LIMITS, by=SHELL, now=NOW)


def test_where_nothing_is_wrong_every_reason_is_counted_as_none(acme: Organization) -> None:
    make_voice(acme, last_used_at=NOW, synthesis_count=1)

    assert ask() == {"success": True, "counts": NONE, "items": [], "next": None}


def test_reasons_are_counted_and_listed_the_worst_first(acme: Organization) -> None:
    make_voice(acme, id=1, created_at=NOW - timedelta(days=15))
    make_voice(acme, id=2, status=VoiceStatus.PROCESSING)
    make_voice(acme, id=3, status=VoiceStatus.FAILED)

    answer = ask()

    assert answer["counts"] == NONE | {"failed": 1, "stuck": 1, "never-used": 1}
    assert ids(answer) == [3, 2, 1]


def test_an_assistant_tells_of_the_voice_that_it_is_set_to(acme: Organization) -> None:
    make_assistant(acme, id=31, name="Front desk", tts_provider="elevenlabs", tts_voice_id="pv3")
    make_voice(acme, id=3, name="Anna", provider_voice_id="pv3", status=VoiceStatus.ARCHIVED)

    (item,) = ask()["items"]

    assert (item["kind"], item["id"], item["name"], item["provider"]) == ("assistant", 31, "Front desk", "elevenlabs")
    assert (item["voice_id"], item["voice_name"], item["voice_status"]) == (3, "Anna", "archived")


def test_items_hold_nothing_that_changes_while_nothing_happens(acme: Organization) -> None:
    make_voice(acme, id=2, status=VoiceStatus.PROCESSING, created_at=NOW - timedelta(hours=1))
    make_voice(acme, id=3, status=VoiceStatus.FAILED)

    assert ask(now=NOW) == ask(now=NOW + timedelta(days=3))


def test_a_reason_that_was_acknowledged_is_neither_counted_nor_told(acme: Organization) -> None:
    make_voice(acme, id=2, status=VoiceStatus.FAILED)
    action(TriageAction.ACKNOWLEDGE, 2)

    assert ask() == {"success": True, "counts": NONE, "items": [], "next": None}

    make_voice(acme, id=3, provider_voice_id="pv3", synthesis_count=1, last_used_at=NOW - timedelta(days=61))
    action(TriageAction.ACKNOWLEDGE, 3)
    make_voice(acme, id=4, provider_voice_id="pv3", synthesis_count=1, last_used_at=NOW)

    answer = ask(reasons=("duplicate",))
    assert answer["counts"] == NONE | {"duplicate": 2}
    reasons = {item["id"]: [why["reason"] for why in item["reasons"]] for item in answer["items"]}
    assert reasons == {3: ["duplicate"], 4: ["duplicate"]}


@pytest.mark.parametrize(
    ("filters", "counts", "listed"),
    [
        pytest.param({"reasons": ("stuck",)}, {"failed": 2, "stuck": 1}, [1], id="all-reasons-are-counted"),
        pytest.param({"reasons": ("poor",)}, {"failed": 2, "stuck": 1}, [], id="a-reason-that-there-is-not"),
        pytest.param({"organization": 1}, {"failed": 1, "stuck": 1}, [2, 1], id="organization"),
        pytest.param({"organization": 2}, {"failed": 1}, [3], id="another"),
        pytest.param({"providers": ("resemble",)}, {"failed": 1, "stuck": 1}, [3, 1], id="provider"),
        pytest.param({"providers": ("resemble",), "organization": 2}, {"failed": 1}, [3], id="both"),
        pytest.param({"assignee": "none"}, {"failed": 1, "stuck": 1}, [3, 1], id="nobody's"),
        pytest.param({"assignee": "7"}, {"failed": 1}, [2], id="somebody's"),
        pytest.param({"assignee": "7", "providers": ("resemble",)}, {}, [], id="somebody's-elsewhere"),
        pytest.param({"assignee": "8"}, {}, [], id="of-somebody-who-has-nothing"),
        pytest.param({"assignee": "none", "organization": 1}, {"stuck": 1}, [1], id="nobody's-in-one"),
    ],
)
def test_filters_choose(filters: dict[str, Any], counts: dict[str, int], listed: list[int]) -> None:
    acme, globex = make_organization("Acme", id=1), make_organization("Globex", id=2)
    for account in (7, 8):
        make_account(id=account, roles={acme: Role.OPERATOR})
    make_voice(acme, id=1, status=VoiceStatus.PROCESSING, provider="resemble")
    make_voice(acme, id=2, status=VoiceStatus.FAILED)
    make_voice(globex, id=3, status=VoiceStatus.FAILED, provider="resemble", created_at=NOW - timedelta(days=1000))
    action(TriageAction.ASSIGN, 2, assignee_id=7)

    answer = ask(**filters)

    assert answer["counts"] == NONE | counts
    assert ids(answer) == listed


def test_what_is_owned_and_acknowledged_is_taken_off_once(acme: Organization, ada: Account) -> None:
    for voice in (1, 2, 3):
        make_voice(acme, id=voice, status=VoiceStatus.FAILED)
    action(TriageAction.ASSIGN, 1, 2, assignee_id=ada.id)
    action(TriageAction.ACKNOWLEDGE, 1)

    assert ask()["counts"]["failed"] == 2
    assert ask(assignee="none")["counts"]["failed"] == 1
    assert ask(assignee=str(ada.id))["counts"]["failed"] == 1
    assert ask(assignee=str(ada.id))["items"][0]["assignee"] == "ada@acme.example"


@pytest.mark.parametrize(("size", "pages"), [(1, 6), (2, 3), (5, 2), (6, 1), (1000, 1)])
def test_the_pages_together_are_everything_once(acme: Organization, size: int, pages: int) -> None:
    for voice in range(1, 4):
        make_voice(acme, id=voice, status=VoiceStatus.FAILED)  # all at the same moment
        make_voice(acme, id=voice + 3, status=VoiceStatus.PROCESSING)
    seen, asked, after = list[int](), 0, None

    while asked == 0 or after is not None:
        answer = ask(size=size, after=after)
        seen += ids(answer)
        asked += 1
        after = None if answer["next"] is None else QueueCursor.parse(answer["next"])
        assert answer["counts"] == NONE | {"failed": 3, "stuck": 3}, "whichever are listed"

    assert (seen, asked) == ([1, 2, 3, 4, 5, 6], pages)


def test_all_items_together_have_the_reasons_that_are_counted(now: datetime) -> None:
    add_sample(now, by=SHELL, now=NOW)

    answer = ask(size=1000)
    rest = ask(size=1000, after=QueueCursor.parse(answer["next"])) if answer["next"] else {"items": [], "next": None}

    items = answer["items"] + rest["items"]
    assert rest["next"] is None
    assert len(items) > 500
    assert len({(item["kind"], item["id"]) for item in items}) == len(items)
    told = [why["reason"] for item in items for why in item["reasons"]]
    assert {word: told.count(word) for word in RULES_BY_SLUG} == answer["counts"]


def test_the_providers_of_a_scope_are_those_of_its_voices_and_assistants(acme: Organization) -> None:
    globex = make_organization("Globex")
    make_voice(acme, provider="playht")
    make_assistant(acme, tts_provider="lmnt", tts_voice_id="x")
    make_assistant(acme)
    make_voice(globex, provider="rime")

    assert list_providers_in_scope(EVERYTHING) == ["lmnt", "playht", "rime"]
    assert list_providers_in_scope(Scope(frozenset([globex.id]))) == ["rime"]
    assert list_providers_in_scope(NOTHING) == []


def test_what_lies_outside_a_scope_is_neither_counted_nor_listed(acme: Organization, ada: Account) -> None:
    globex = make_organization("Globex")
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    make_voice(globex, id=2, status=VoiceStatus.FAILED)
    action(TriageAction.ASSIGN, 1, assignee_id=ada.id)

    answer = ask(Scope(frozenset([globex.id])))

    assert (answer["counts"]["failed"], ids(answer)) == (1, [2])
    assert ask(Scope(frozenset([globex.id])), assignee=str(ada.id))["counts"] == NONE
    assert ask(NOTHING) == {"success": True, "counts": NONE, "items": [], "next": None}
