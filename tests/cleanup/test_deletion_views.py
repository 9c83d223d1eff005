"""The pages of deletions: who may do what, the typed number, progress and results. No request waits for a provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina
from flask import Flask
from flask.testing import FlaskClient

from tests.cleanup.actions.deletions import IDS, Scene, build_scene, make_workspace
from tests.conftest import NOW
from tests.factories import make_account, make_assistant, make_organization, make_voice, sign_in
from tests.page import Page
from tests.source_rows import make_source
from tests.two_tenants import rows_of
from tests.upstream import server
from voiceadmin.cleanup.actions.deletion_requests import cancel_deletion
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.sources.actions.leasing import renew_lease
from voiceadmin.text import MINUTE

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    world = make_workspace()
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        yield build_scene(make_organization("Acme"), upstream, world, app.config["VOICEADMIN"])


@pytest.fixture
def admin(anonymous_client: FlaskClient, scene: Scene) -> FlaskClient:
    """A browser of an admin of Acme."""
    return sign_in(anonymous_client, make_account("ada@example.com", roles={scene.acme: Role.ADMIN}))


def read(browser: FlaskClient, path: str, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page.text


def post(browser: FlaskClient, path: str, status: int = 200, **data: str) -> str:
    response = browser.post(path, data=data, follow_redirects=True)
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page.text


PLAN = "/clean-up/plans/1"
NEW, ALL = f"{PLAN}/deletions/new?provider=elevenlabs", f"{PLAN}/deletions"


def test_the_plan_says_what_can_be_deleted_what_not_and_what_is_lost(admin: FlaskClient, scene: Scene) -> None:
    make_assistant(scene.acme, tts_provider="elevenlabs", tts_voice_id="v1")
    make_voice(scene.acme, provider_voice_id="v2")

    text = read(admin, PLAN)

    assert "Delete at the provider" in text
    assert "gone for ever. Undoing this plan shows it here again, but cannot bring it back" in text
    assert "1 An assistant uses it, or names it in its settings." in text
    assert "1 Another voice has the same provider ID." in text
    assert "Delete 1 voice at ElevenLabs" in text
    assert "/clean-up/plans/1/sheet.csv" in admin.get(PLAN).text


def test_the_plan_says_which_voices_are_safe_to_delete_and_what_that_rests_on(admin: FlaskClient, scene: Scene) -> None:
    other = make_organization("Secret")
    make_assistant(other, tts_provider="elevenlabs", tts_voice_id="v1")
    unknown = read(admin, PLAN)
    make_source(scene.acme, kind="burki", read_at=NOW)

    text = read(admin, PLAN)

    assert "no source reads the assistants of its organization." in unknown
    assert "Safe to deleteArchived, slot still in use: from a complete listAssistants read just now" in text
    assert "An assistant of another organization uses it, or names it in its settings." in text
    assert "Not visible here: backup TTS providers of the platform" in text
    assert "Secret" not in text


def test_an_admin_types_the_exact_number_and_nothing_is_sent_by_the_request(admin: FlaskClient, scene: Scene) -> None:
    before = len(scene.upstream.requests)

    asked = read(admin, NEW)
    wrong = post(admin, NEW, 422, provider="elevenlabs", count="2")
    nothing = rows_of("deletion_request")
    done = post(admin, NEW, provider="elevenlabs", count="3")

    assert "Type 3 to delete 3 voices at ElevenLabs" in asked
    assert "This cannot be undone." in asked
    assert '"2" was typed. 3 voices can be deleted: type 3.' in wrong
    assert nothing == []
    assert "no process carries it out. Start one with “./dev sync --every 5m”" in done
    assert "Deleting 3 voices at ElevenLabs: 0 processed, 3 waiting. Confirmed by ada@example.com" in done
    assert len(scene.upstream.requests) == before


def test_a_form_that_is_sent_twice_asks_once(admin: FlaskClient) -> None:
    for _ in range(2):
        assert "3 waiting" in post(admin, NEW, provider="elevenlabs", count="3")

    assert len(rows_of("deletion_request")) == 1


def test_the_results_of_each_voice_are_shown_while_others_wait(admin: FlaskClient, scene: Scene) -> None:
    scene.upstream.show(
        server.status(409, {"message": "In use."}), "/v1/voices/v1", method="DELETE", is_carried_out=False
    )
    scene.upstream.show(server.lose, "/v1/voices/v2", method="DELETE", is_carried_out=False)
    request = scene.request()
    scene.build_run(request).run(limit=2)
    renew_lease("one", MINUTE, now=NOW)

    first = read(admin, ALL)
    scene.build_run(request).run()
    last, plan = read(admin, ALL), read(admin, PLAN)

    assert "2 processed, 1 waiting. Confirmed by bob@example.com just now. Load this page again" in first
    assert "127.0.0.1 answered 409: In use. A look-up still finds it." in last
    assert "127.0.0.1 closed the connection before the response was complete. A look-up still finds it." in last
    assert "Answered 200. A look-up no longer finds it." in last
    assert "Sent 2026-11-22 14:00:00 UTC, confirmed by bob@example.com" in last
    assert "Check again at ElevenLabs" in plan
    assert "Delete again at ElevenLabs" in plan
    assert "1 not deleted before" in plan
    assert "v3" in read(admin, f"{ALL}?state=deleted")
    assert "v1" not in read(admin, f"{ALL}?state=deleted")
    assert '"x" is not a result' in read(admin, f"{ALL}?state=x", 422)


def test_an_unconfirmed_deletion_is_checked_or_confirmed_again(admin: FlaskClient, scene: Scene) -> None:
    scene.upstream.show(server.lose, "/v1/voices/v1", times=1, method="DELETE", is_carried_out=False)
    scene.delete()

    checking = post(admin, f"{PLAN}/deletions/check?provider=elevenlabs")
    cancelled = post(admin, f"{PLAN}/deletions/cancel")
    asked = read(admin, f"{NEW}&again=on")
    again = post(admin, NEW, provider="elevenlabs", again="on", count="1")

    assert "Looking up 1 voice at ElevenLabs." in checking
    assert "The deletion was cancelled. 1 voice was not processed." in cancelled
    assert "Send a second deletion for 1 voice at ElevenLabs?" in asked
    assert "Deleting 1 voice at ElevenLabs: 0 processed, 1 waiting." in again


def test_a_request_that_ended_early_says_why(admin: FlaskClient, scene: Scene) -> None:
    scene.upstream.show(server.status(429), method="DELETE", is_carried_out=False)
    scene.delete()

    assert "The last request ended just now. Stopped: 127.0.0.1 answered 429" in read(admin, PLAN)


def test_the_undo_says_what_it_cannot_bring_back(admin: FlaskClient, scene: Scene) -> None:
    scene.delete()

    text = read(admin, f"{PLAN}/undo")

    assert (
        "3 voices of this plan are deleted at the provider. Undo shows them here again, but cannot bring them" in text
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_read_the_results_and_are_offered_nothing(
    anonymous_client: FlaskClient, scene: Scene, role: Role
) -> None:
    browser = sign_in(anonymous_client, make_account(roles={scene.acme: role}))
    scene.request()

    plan, results = browser.get(PLAN).text, browser.get(ALL).text

    assert "Only an admin of every organization in this plan can delete its voices." in plan
    assert "3 waiting" in Page(results).text
    assert "deletions/new" not in plan + results
    assert "deletions/cancel" not in plan + results
    for path in (NEW, f"{ALL}/check", f"{ALL}/cancel"):
        assert browser.post(path, data={"provider": "elevenlabs", "count": "3"}).status_code == 403


def test_an_admin_of_another_organization_finds_nothing(anonymous_client: FlaskClient, scene: Scene) -> None:
    browser = sign_in(anonymous_client, make_account(roles={make_organization("Other"): Role.ADMIN}))

    for path in (NEW, f"{ALL}/check", f"{ALL}/cancel"):
        assert browser.post(path, data={"provider": "elevenlabs", "count": "3"}).status_code == 404
    assert browser.get(ALL).status_code == 404
    assert rows_of("deletion_request") == []
    assert scene.deleted == []


@pytest.mark.parametrize("provider", ["", "nobody", "a\0b", "inworld"])
def test_another_provider_has_nothing_to_delete(admin: FlaskClient, provider: str) -> None:
    assert "Nothing to delete" in post(admin, f"{PLAN}/deletions/new", 409, provider=provider, count="3")
    assert "no deletion that is not confirmed" in post(admin, f"{ALL}/check", 409, provider=provider)


def test_a_plan_with_pending_voices_offers_no_deletion(admin: FlaskClient, scene: Scene) -> None:
    make_voice(scene.acme, provider_voice_id="v9")
    address = admin.post("/clean-up/plans", data={"key": "two"}).headers["Location"]

    assert "Delete at the provider" not in read(admin, address)
    assert cancel_deletion(EVERYTHING, 2, by=scene.by, now=NOW) == 0
    assert len(IDS) == scene.count()
