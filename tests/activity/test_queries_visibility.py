"""Who sees an audit event: the admins of each organization that it concerns, and platform admins once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.activity.scenario import CASES, World, fail_to_sign_in, make_world, plan, try_password
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, make_organization
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventType, AuditFilters, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.errors import SignInRefused
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, anonymous_requester
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample


@pytest.fixture
def world(anonymous_client: FlaskClient) -> World:
    return make_world(anonymous_client)


def test_the_cases_cover_all_event_types() -> None:
    assert {event_type for _, event_type, _, _ in CASES} == set(AuditEventType)


def count_visible(requester: Requester, event_type: AuditEventType) -> int:
    return len(list_activity(requester, AuditFilters(event_types=(event_type,)))[0])


def admin_of(organization_id: int) -> Requester:
    return Requester(Actor(ActorKind.ACCOUNT, 1000, "admin@example.com"), {organization_id: Role.ADMIN})


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("event_type", "trigger", "concerned"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_an_event_is_visible_to_the_admins_of_the_organizations_that_it_concerns(
    world: World, event_type: AuditEventType, trigger: Callable[[World], object], concerned: set[str]
) -> None:
    trigger(world)

    everyone = {"Acme": world.acme, "Other": world.other, "Third": world.third}
    assert count_visible(anonymous_requester(role=Role.PLATFORM), event_type) == 1
    assert {name for name, id in everyone.items() if count_visible(admin_of(id), event_type)} == concerned
    both = Requester(Actor(ActorKind.ACCOUNT, 1000, ""), {world.acme: Role.ADMIN, world.other: Role.ADMIN})
    assert count_visible(both, event_type) == bool(concerned)


@pytest.mark.usefixtures("now")
def test_an_event_stays_with_the_organizations_of_the_account_at_that_time(world: World) -> None:
    try_password(PASSWORD)
    change_role(EVERYTHING, world.bob, world.acme, None, by=SHELL, now=NOW)
    change_role(EVERYTHING, world.bob, world.third, Role.ADMIN, by=SHELL, now=NOW)

    assert [count_visible(admin_of(id), AuditEventType.SIGNED_IN) for id in (world.acme, world.other, world.third)] == [
        1,
        1,
        0,
    ]


@pytest.mark.usefixtures("app")
def test_an_attempt_with_an_unknown_address_is_visible_to_platform_admins_only() -> None:
    acme = make_organization("Acme")

    with pytest.raises(SignInRefused):
        try_password(PASSWORD)

    assert count_visible(admin_of(acme.id), AuditEventType.SIGN_IN_FAILED) == 0
    assert count_visible(anonymous_requester(role=Role.PLATFORM), AuditEventType.SIGN_IN_FAILED) == 1


def test_an_attempt_at_a_disabled_account_is_visible_to_the_admins_of_its_organizations(world: World) -> None:
    disable_account(EVERYTHING, world.bob, by=SHELL, now=NOW)

    fail_to_sign_in(world)

    assert [
        count_visible(admin_of(id), AuditEventType.SIGN_IN_FAILED) for id in (world.acme, world.other, world.third)
    ] == [1, 1, 0]


def test_an_event_about_several_organizations_names_none_and_has_no_count(world: World) -> None:
    plan(world, steps=3)

    for event in list_activity(admin_of(world.acme), AuditFilters())[0]:
        if event.object_kind is ObjectKind.PLAN:
            assert (event.organization_id, event.organization_name, event.before, event.after) == (None,) * 4


@pytest.mark.usefixtures("app")
def test_viewers_of_a_sample_organization_see_that_sample_data_was_added() -> None:
    add_sample(NOW, by=SHELL, now=NOW)

    for id in db.session.scalars(select(Organization.id)):
        viewer = Requester(Actor(ActorKind.ACCOUNT, 1000, ""), {id: Role.VIEWER})
        assert count_visible(viewer, AuditEventType.SAMPLE_ADDED) == 1
