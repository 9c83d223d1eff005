"""The sign-in form."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.accounts.views.sign_in.scenario import move_clock, sign_in_by_form
from tests.conftest import NOW
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import TwoTenants, audit_event_types, is_redirected_to_sign_in
from voiceadmin.accounts.models import Account
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.web.access import SETUP_LINK_PRINTED, cookie_name


def test_signing_in_redirects_to_the_requested_page(tenants: TwoTenants) -> None:
    client = tenants.browser("anonymous")
    target = "/assistants/31/voices?status=ready&page=2"
    redirect = client.get(target)
    assert is_redirected_to_sign_in(redirect)
    page = Page(client.get(redirect.headers["Location"]).text)
    page.check()

    response = sign_in_by_form(
        client, " Viewer@ACME.example ", next=page.root.one("input", name="next").attributes["value"]
    )

    assert response.status_code == 303
    assert response.headers["Location"] == target
    assert client.get("/assistants").status_code == 200
    assert audit_event_types()[-1] == "signed-in"


def test_the_sign_in_page_redirects_a_signed_in_account(sqlite_tenants: TwoTenants) -> None:
    browser = sqlite_tenants.browser("viewer")

    assert browser.get("/sign-in").headers["Location"] == "/"
    assert browser.get("/sign-in?next=/voices/3").headers["Location"] == "/voices/3"


def test_all_refused_sign_ins_have_the_same_response(tenants: TwoTenants) -> None:
    with write_transaction():
        disabled = tenants.people["operator"].id
        db.session.execute(update(Account).where(Account.id == disabled).values(disabled_at=NOW))
    responses = []
    for email, password in (
        (tenants.people["viewer"].email, "wrong password"),
        ("unknown@acme.example", PASSWORD),
        (tenants.people["operator"].email, PASSWORD),
        (tenants.people["operator"].email, "wrong password"),
        (tenants.people["viewer"].email, PASSWORD.upper()),
        (tenants.people["viewer"].email, PASSWORD + " "),
    ):
        response = sign_in_by_form(tenants.browser("anonymous"), email, password)
        responses.append((response.status_code, re.sub(r'value="[^"]*"', "", response.text)))
        assert "Set-Cookie" not in response.headers or cookie_name(tenants.settings) + "=" not in str(response.headers)

    assert responses[0][0] == 422
    assert set(responses) == {responses[0]}
    assert audit_event_types()[-6:] == ["sign-in-failed"] * 6


@pytest.mark.parametrize(
    "form", [{}, {"email": "viewer@acme.example"}, {"password": "x"}, {"email": "x", "password": "y"}]
)
def test_an_incomplete_form_is_shown_again(sqlite_tenants: TwoTenants, form: dict[str, str]) -> None:
    response = sqlite_tenants.browser("anonymous").post("/sign-in", data=form)

    assert response.status_code == 422
    Page(response.text).check()


def test_a_submitted_password_is_never_part_of_a_response(sqlite_tenants: TwoTenants) -> None:
    secret = "mute-mute-mute"
    client = sqlite_tenants.browser("anonymous")

    assert secret not in sign_in_by_form(client, "viewer@acme.example", secret).text
    assert secret not in sign_in_by_form(client, "no e-mail", secret).text
    assert secret not in client.get(f"/sign-in?password={secret}").text
    assert secret not in sqlite_tenants.browser("viewer").post("/confirm", data={"password": secret}).text


def test_sign_in_attempts_are_rate_limited(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    client, email = tenants.browser("anonymous"), tenants.people["viewer"].email

    statuses = [sign_in_by_form(client, email, "wrong").status_code for _ in range(5)]
    refused = sign_in_by_form(client, email)
    again = sign_in_by_form(client, email)

    assert statuses == [422] * 5
    assert (refused.status_code, again.status_code) == (429, 429)
    assert refused.headers["Retry-After"] == "30"
    Page(refused.text).check()
    assert audit_event_types()[-2:] == ["sign-in-failed", "rate-limited"], "recorded once"
    assert sign_in_by_form(client, tenants.people["operator"].email).status_code == 303, (
        "other accounts are not limited"
    )
    move_clock(monkeypatch, timedelta(seconds=30))
    assert sign_in_by_form(client, email).status_code == 303


def test_wrong_passwords_of_strangers_do_not_lock_out_a_browser_that_has_signed_in(tenants: TwoTenants) -> None:
    email = tenants.people["viewer"].email
    owner, stranger = tenants.browser("anonymous"), tenants.browser("anonymous")
    assert sign_in_by_form(owner, email).status_code == 303
    owner.post("/sign-out")

    strangers = [sign_in_by_form(stranger, email, "wrong").status_code for _ in range(7)]

    assert strangers == [422] * 5 + [429] * 2
    assert sign_in_by_form(owner, f" {email.upper()}").status_code == 303
    assert sign_in_by_form(stranger, email).status_code == 429


@pytest.mark.parametrize("cookie", ["x", "eyJhIjoiYiJ9.AAAA", ""])
def test_a_forged_device_is_a_stranger(tenants: TwoTenants, cookie: str) -> None:
    email = tenants.people["viewer"].email
    client = tenants.browser("anonymous")
    client.set_cookie(f"{cookie_name(tenants.settings)}-device", cookie)

    assert [sign_in_by_form(client, email, "wrong").status_code for _ in range(6)] == [422] * 5 + [429]


@pytest.mark.parametrize("is_printed", [False, True])
def test_without_accounts_the_sign_in_page_mentions_the_printed_link_only_if_it_was_printed(
    anonymous_client: FlaskClient, is_printed: bool
) -> None:
    anonymous_client.application.config[SETUP_LINK_PRINTED] = is_printed

    text = Page(anonymous_client.get("/sign-in").text).text

    assert ("link that the server printed" in text) is is_printed
    assert "account add YOU@EXAMPLE.COM --platform" in text
