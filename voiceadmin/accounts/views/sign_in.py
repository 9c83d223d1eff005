"""The door: sign in and out, come in by a link, give the password again, stay a little longer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions import accounts, sessions
from voiceadmin.accounts.forms import ConfirmForm, JoinForm, SignInForm
from voiceadmin.accounts.queries.credentials import find_link, has_any_account
from voiceadmin.accounts.types import LinkPurpose
from voiceadmin.errors import ChangeRefused, LinkRefused, SignInRefused
from voiceadmin.identity import Role
from voiceadmin.web import access
from voiceadmin.web.access import require_role
from voiceadmin.web.session_cookie import client, end_session, start_session

bp = Blueprint("sign_in", __name__)


Page = tuple[str, int]


@bp.route("/sign-in", methods=["GET", "POST"])
@require_role(Role.ANYONE)
def sign_in() -> Response | Page:
    """E-mail and password, then on to where one wanted to go."""
    if request.method != "POST":
        form = SignInForm(request.args)
        if access.requester().account_id is not None:
            return redirect(form.next.data or url_for("overview.home"), 303)
        return _sign_in_page(form, 200)
    form = SignInForm(request.form)
    if not form.validate():
        return _sign_in_page(form, 422)
    idle, _ = access.session_timeouts()
    try:
        token = sessions.sign_in(
            form.email.data,
            form.password.data,
            address=access.remote_address(),
            user_agent=client(),
            idle=idle,
            now=clock.now(),
        )
    except SignInRefused as refused:
        return _sign_in_page(form, 422, says=str(refused))
    return start_session(token, form.next.data)


def _sign_in_page(form: SignInForm, status: int, **more: Any) -> Page:
    return render_template(
        "accounts/sign_in.html", form=form, private=access.is_private(request), empty=not has_any_account(), **more
    ), status


@bp.post("/sign-out")
@require_role(Role.ANYONE, signed_in=True)
def sign_out() -> Response:
    """End this session."""
    sessions.sign_out(access.requester(), now=clock.now())
    return end_session("You are signed out.")


@bp.route("/confirm", methods=["GET", "POST"])
@require_role(Role.ANYONE, signed_in=True)
def confirm() -> Response | Page:
    """The password again, before what is dangerous."""
    if request.method != "POST":
        return render_template("accounts/confirm_password.html", form=ConfirmForm(request.args)), 200
    form = ConfirmForm(request.form)
    if not form.validate():
        return render_template("accounts/confirm_password.html", form=form), 422
    try:
        sessions.confirm(access.requester(), form.password.data, now=clock.now())
    except SignInRefused as refused:
        return render_template("accounts/confirm_password.html", form=form, says=str(refused)), 422
    return redirect(form.next.data or url_for("overview.home"), 303)


@bp.route("/join/<token>", methods=["GET", "POST"])
@require_role(Role.ANYONE)
def join(token: str) -> Response | Page:
    """Come in by a link: the first account, an invitation, a new password."""
    link = find_link(token, clock.now())
    if link is None:
        raise LinkRefused(accounts.NOT_GOOD)
    known = link.purpose is LinkPurpose.INVITATION and link.has_account
    sent = request.form if request.method == "POST" else None
    form = JoinForm(sent, email=link.email, known=known)
    shown: dict[str, Any] = {"link": link, "form": form, "private": access.is_private(request)}
    if sent is None:
        return render_template("accounts/accept_link.html", **shown), 200
    if not form.validate():
        return render_template("accounts/accept_link.html", **shown), 422
    try:
        begun = accounts.join(
            token,
            email=form.email.data,
            name=form.name.data,
            password=form.password.data,
            by=access.requester().actor,
            user_agent=client(),
            now=clock.now(),
        )
    except (ChangeRefused, SignInRefused) as refused:
        return render_template("accounts/accept_link.html", **shown, says=str(refused)), 422
    return start_session(begun)


@bp.get("/session")
@require_role(Role.ANYONE)
def left() -> dict[str, Any]:
    """The seconds until this session ends by itself, null without one. Asking does not prolong it."""
    return {"left": access.session_seconds_left()}


@bp.post("/session")
@require_role(Role.ANYONE, signed_in=True)
def prolong() -> dict[str, Any]:
    """Stay signed in: asking is an activity like any other, which the guard has noted."""
    return {"left": access.session_seconds_left()}
