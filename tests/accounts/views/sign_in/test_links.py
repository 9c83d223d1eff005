"""Pages of one-time links."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.accounts.views.sign_in.scenario import move_clock, sign_in_by_form
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import TwoTenants, dump, is_redirected_to_sign_in, rows_of
from voiceadmin.accounts.actions.links import create_reset_link, revoke_invitation
from voiceadmin.identity import EVERYTHING, Role


def test_an_invitation_works_once_and_grants_only_its_role(tenants: TwoTenants) -> None:
    token = tenants.invite(tenants.acme)
    guest = tenants.browser("anonymous")
    page = guest.get(f"/links/{token}")
    Page(page.text).check()

    joined = guest.post(
        f"/links/{token}", data={"name": "Gus", "password": "a horse of my own", "email": "evil@e.example"}
    )

    assert joined.status_code == 303
    assert guest.get("/assistants").status_code == 200
    assert guest.get("/people").status_code == 403
    account, role = rows_of("account")[-1], rows_of("membership")[-1]
    assert account["email"].endswith("@acme.example")
    assert not account["platform"]
    assert (role["organization_id"], role["role"]) == (tenants.acme.id, Role.VIEWER)
    again = tenants.browser("anonymous")
    assert again.get(f"/links/{token}").status_code == 410
    assert again.post(f"/links/{token}", data={"password": "a horse of my own"}).status_code == 410


def test_an_expired_revoked_or_unknown_link_is_gone(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    expired, revoked = tenants.invite(tenants.acme), tenants.invite(tenants.acme)
    revoke_invitation(EVERYTHING, rows_of("one_time_link")[-1]["id"], by=SHELL, now=NOW)
    guest, form = tenants.browser("anonymous"), {"password": "a horse of my own"}
    move_clock(monkeypatch, timedelta(days=7))
    before = dump()

    for token in (
        expired,
        revoked,
        "x",
        expired + "x",
        expired.swapcase(),
        "%00",
        "é",
        "x" * 3000,
        tenants.keys["all"],
    ):
        for method in ("GET", "HEAD", "POST"):
            response = guest.open(f"/links/{token}", method=method, data=form if method == "POST" else None)
            assert response.status_code == 410, (method, token)
    assert dump() == before


def test_an_invitation_for_an_existing_account_requires_its_password(tenants: TwoTenants) -> None:
    viewer = tenants.people["viewer"]
    guest = tenants.browser("anonymous")
    tenants.browser("platform").post(
        "/people/invite", data={"emails": viewer.email, "roles": f"{tenants.globex.id}:operator"}
    )
    token = tenants.browser("platform").post(
        "/people/invite", data={"emails": viewer.email, "roles": f"{tenants.globex.id}:operator"}
    )
    link = re.search(r"/links/([\w-]{43})", token.text)
    assert link is not None

    wrong = guest.post(link[0], data={"password": "a horse of my own"})
    right = guest.post(link[0], data={"password": PASSWORD})

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert len([row for row in rows_of("membership") if row["account_id"] == viewer.id]) == 2


def test_a_reset_link_ends_all_sessions_and_works_once(tenants: TwoTenants) -> None:
    viewer = tenants.people["viewer"]
    browser = tenants.browser("viewer")
    token = create_reset_link(EVERYTHING, viewer.id, by=SHELL, now=NOW)

    assert (
        tenants.browser("anonymous").post(f"/links/{token}", data={"password": "a horse of my own"}).status_code == 303
    )

    assert is_redirected_to_sign_in(browser.get("/assistants"))
    assert sign_in_by_form(tenants.browser("anonymous"), viewer.email).status_code == 422
    assert sign_in_by_form(tenants.browser("anonymous"), viewer.email, "a horse of my own").status_code == 303
    assert tenants.browser("anonymous").get(f"/links/{token}").status_code == 410


def test_the_page_of_a_link_sends_no_referrer_to_other_sites(sqlite_tenants: TwoTenants) -> None:
    response = sqlite_tenants.browser("anonymous").get(f"/links/{sqlite_tenants.invite(sqlite_tenants.acme)}")

    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "no-store"
