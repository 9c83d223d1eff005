"""A deletion that is not confirmed is work: on Clean-up and in Triage, until it is checked or the voice is marked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina
from flask import Flask
from flask.testing import FlaskClient

from tests.cleanup.actions.deletions import Scene, build_scene, make_workspace
from tests.cleanup.actions.orphans import OrphanScene, build_orphans
from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_organization, sign_in
from tests.page import Page
from tests.triage.queries.model import THRESHOLDS
from tests.upstream import server
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.queries.unconfirmed import list_unconfirmed
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.types import TriageAction

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    """A plan whose only deletion is not confirmed."""
    world = make_workspace(["v1"])
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        scene = build_scene(make_organization("Acme"), upstream, world, app.config["VOICEADMIN"], ids=["v1"])
        upstream.show(server.lose, "/v1/voices/v1", method="DELETE", is_carried_out=False)
        scene.delete()
        yield scene


@pytest.fixture
def orphans(app: Flask) -> Iterator[OrphanScene]:
    """A source of Acme whose only orphan has a deletion that is not confirmed."""
    world = make_workspace([])
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        acme = make_organization("Acme")
        scene = build_orphans(world, upstream, app.config["VOICEADMIN"], organization_id=acme.id)
        upstream.show(server.lose, "/v1/voices/other", method="DELETE", is_carried_out=False)
        scene.delete()
        yield scene


def read_findings(source_id: int) -> list[str]:
    db.session.rollback()
    (item,) = list_queue_items([ObjectRef(ObjectKind.SOURCE, source_id)], THRESHOLDS, now=NOW)
    return [reason.evidence for reason in item.reasons if reason.finding.reason == "deletion-unconfirmed"]


FINDING = ["1 deletion at ElevenLabs is not confirmed."]


def test_a_deletion_of_a_plan_is_work_until_it_is_checked(scene: Scene) -> None:
    assert list_unconfirmed(EVERYTHING) == [(scene.plan_id, None, "elevenlabs", 1, NOW)]
    assert read_findings(scene.provider.source_id) == FINDING

    scene.world.voices.clear()
    scene.check()

    assert list_unconfirmed(EVERYTHING) == []
    assert read_findings(scene.provider.source_id) == []


def test_a_voice_that_a_person_marks_as_deleted_is_no_work(scene: Scene) -> None:
    ref = ObjectRef(ObjectKind.VOICE, scene.voices["v1"])
    apply_action(EVERYTHING, ActionRequest(TriageAction.MARK_DELETED, (ref,), "mark", 0), THRESHOLDS, by=SHELL, now=NOW)

    assert list_unconfirmed(EVERYTHING) == []
    assert read_findings(scene.provider.source_id) == []


def test_a_deletion_of_an_orphan_is_work_for_its_organization_only(orphans: OrphanScene) -> None:
    other = make_organization("Globex")

    assert list_unconfirmed(EVERYTHING) == [(None, orphans.source_id, "elevenlabs", 1, NOW)]
    assert list_unconfirmed(Scope(frozenset({other.id}))) == []
    assert read_findings(orphans.source_id) == FINDING

    orphans.provider.world.voices.clear()
    orphans.check()
    assert (list_unconfirmed(EVERYTHING), read_findings(orphans.source_id)) == ([], [])


def test_clean_up_links_to_what_is_not_confirmed(anonymous_client: FlaskClient, orphans: OrphanScene) -> None:
    root = sign_in(anonymous_client, make_account("root@example.com", platform=True))

    response = root.get("/clean-up")

    page = Page(response.text)
    page.check()
    assert "1 orphan of source" in page.text
    assert root.get(f"/sources/{orphans.source_id}/orphans/deletions?state=unconfirmed").status_code == 200
