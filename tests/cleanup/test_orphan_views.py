"""The pages of orphans: the list, its export, the typed number and results. No request waits for a provider."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import stamina
from flask import Flask
from flask.testing import FlaskClient

from tests.cleanup.actions.deletions import make_workspace
from tests.cleanup.actions.orphans import OrphanScene, build_orphans
from tests.conftest import NOW
from tests.factories import make_account, make_organization, sign_in
from tests.page import Page
from tests.two_tenants import rows_of
from tests.upstream import server
from tests.upstream.elevenlabs import make_voice as make_listed
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def scene(app: Flask, acme: Organization) -> Iterator[OrphanScene]:
    world = make_workspace(["v1", "v2"])
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        yield build_orphans(world, upstream, app.config["VOICEADMIN"], organization_id=acme.id)


@pytest.fixture
def admin(anonymous_client: FlaskClient, scene: OrphanScene, acme: Organization) -> FlaskClient:
    """A browser of an admin of Acme."""
    return sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.ADMIN}))


def read(browser: FlaskClient, path: str, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page.text


def post(browser: FlaskClient, path: str, data: dict[str, Any] | None = None, status: int = 200) -> str:
    response = browser.post(path, data=data, follow_redirects=True)
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page.text


def hash_of(browser: FlaskClient, path: str) -> str:
    """The hidden field that tells which orphans the page has shown."""
    return browser.get(path).text.partition('name="selection_hash" value="')[2].partition('"')[0]


def address_of(scene: OrphanScene) -> str:
    return f"/sources/{scene.source_id}/orphans"


def test_the_list_says_what_orphans_are_and_how_certain_that_is(admin: FlaskClient, scene: OrphanScene) -> None:
    certain = read(admin, address_of(scene))
    scene.change_source(scene.platform_id, failing_since=NOW)
    uncertain = read(admin, address_of(scene))

    assert "3 orphans: 3 with a slot, 3 can be deleted." in certain
    assert "The platform's lists are complete, and not older than an hour." in certain
    assert "Delete orphans" in certain
    assert "Not certain. The platform may use some of these voices" in uncertain
    assert "Platform: read just now, the newest sync is not complete" in uncertain
    assert "Delete orphans" not in uncertain


def test_the_list_is_filtered_and_paged_and_rejects_bad_filters(admin: FlaskClient, scene: OrphanScene) -> None:
    assert "1 orphan matches the filters" in read(admin, f"{address_of(scene)}?q=v1")
    assert "No orphan matches the filters." in read(admin, f"{address_of(scene)}?slot=no")
    assert "There is no page 2." in read(admin, f"{address_of(scene)}?page=2")
    assert "Slot" in read(admin, f"{address_of(scene)}?slot=maybe", 422)


def test_a_long_list_has_pages(admin: FlaskClient, scene: OrphanScene) -> None:
    scene.provider.world.voices += [make_listed(f"w{number:02}") for number in range(60)]
    scene.provider.sync(NOW)

    assert "1–50 of 63" in read(admin, address_of(scene))
    assert "51–63 of 63" in read(admin, f"{address_of(scene)}?page=2")


def test_the_list_is_exported_with_its_filters(admin: FlaskClient, scene: OrphanScene) -> None:
    scene.change_listed("v2", slot=None)

    rows = list(csv.DictReader(io.StringIO(admin.get(f"{address_of(scene)}.csv?slot=no").text)))

    assert [row["provider_voice_id"] for row in rows] == ["v2"]
    assert rows[0]["created_at"] == "2026-01-01T00:00:00Z"


def test_an_admin_types_the_exact_number_and_nothing_is_sent_by_the_request(
    admin: FlaskClient, scene: OrphanScene
) -> None:
    before, new = len(scene.provider.upstream.requests), f"{address_of(scene)}/delete"
    selection: dict[str, Any] = {"id": ["v1", "v2"], "selection_hash": hash_of(admin, f"{new}?id=v1&id=v2")}

    asked = read(admin, f"{new}?id=v1&id=v2")
    wrong = post(admin, new, selection | {"count": "3"}, 422)
    nothing = rows_of("deletion_request")
    done = post(admin, new, selection | {"count": "2"})

    assert "Delete 2 orphans at ElevenLabs?" in asked
    assert "This cannot be undone." in asked
    assert '"3" was typed. 2 orphans can be deleted: type 2.' in wrong
    assert nothing == []
    assert "The request is noted, but no process carries it out." in done
    assert f"clean-up delete-orphans {scene.source_id}" in done
    assert scene.states == {"v1": "waiting", "v2": "waiting"}
    assert len(scene.provider.upstream.requests) == before


def test_orphans_that_have_changed_since_the_page_are_shown_again(admin: FlaskClient, scene: OrphanScene) -> None:
    new = f"{address_of(scene)}/delete"
    outdated = hash_of(admin, new)
    scene.change_listed("v1", absent_since=NOW)

    text = post(admin, new, {"count": "2", "selection_hash": outdated}, 409)

    assert "The orphans have changed since the page was loaded. Nothing was deleted." in text
    assert rows_of("deletion_request") == []


def test_the_same_form_sent_twice_asks_once(admin: FlaskClient, scene: OrphanScene) -> None:
    new = f"{address_of(scene)}/delete"
    form = {"count": "3", "selection_hash": hash_of(admin, new)}

    post(admin, new, form)
    post(admin, new, form)

    assert len(rows_of("deletion_request")) == 1


def test_results_are_listed_and_unconfirmed_ones_checked_again(admin: FlaskClient, scene: OrphanScene) -> None:
    scene.provider.upstream.show(server.lose, "/v1/voices/v1", method="DELETE", is_carried_out=False)
    scene.delete(["v1", "v2"])

    text = read(admin, f"{address_of(scene)}/deletions")
    filtered = read(admin, f"{address_of(scene)}/deletions?state=deleted")
    checking = post(admin, f"{address_of(scene)}/check")

    assert "Deletion not confirmed" in text
    assert "Delete again" in text
    assert "Voice v1" not in filtered
    assert "Looking up 1 voice at ElevenLabs." in checking


def test_a_deletion_is_cancelled(admin: FlaskClient, scene: OrphanScene) -> None:
    scene.request()

    text = post(admin, f"{address_of(scene)}/cancel")

    assert "The deletion was cancelled. 3 orphans were not processed." in text


def test_a_source_of_the_platform_has_no_orphans(admin: FlaskClient, scene: OrphanScene) -> None:
    assert "no orphans" in read(admin, f"/sources/{scene.platform_id}/orphans", 404)


def test_an_admin_of_an_organization_does_not_see_the_names_of_sources_of_the_platform(
    admin: FlaskClient, scene: OrphanScene
) -> None:
    scene.change_source(scene.platform_id, organization_id=None, name="Secret")

    text = read(admin, address_of(scene))

    assert "Secret" not in text
    assert "A source of the platform: read just now" in text
