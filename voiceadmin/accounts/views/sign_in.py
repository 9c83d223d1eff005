"""Sign in and out, accept one-time links, confirm passwords, and extend sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions import acceptance, sessions
from voiceadmin.accounts.forms import (
    AcceptLinkForm,
    ConfirmPasswordForm,
    FirstAccountForm,
    FormData,
    InvitationForm,
    OwnInvitationForm,
    ResetPasswordForm,
    SignInForm,
)
from voiceadmin.accounts.queries.credentials import find_link, has_any_account
from voiceadmin.accounts.types import LinkPurpose, OneTimeLinkRow
from voiceadmin.errors import ChangeRefused, LinkRefused, SignInRefused
from voiceadmin.identity import Role
from voiceadmin.text import normalize_email, shorten
from voiceadmin.web import access, session_cookie
from voiceadmin.web.access import require_role
from voiceadmin.web.known_device import find_device, remember_device
from voiceadmin.web.notices import MAX_NAME

bp = Blueprint("sign_in", __name__)

Page = tuple[str, int]


@bp.route("/sign-in", methods=["GET", "POST"])
@require_role(Role.ANYONE)
def sign_in() -> Response | Page:
    """Check e-mail and password, start a session, and redirect to the requested page."""
    if request.method != "POST":
        form = SignInForm(request.args)
        if access.requester().account_id is not None:
            return redirect(form.next.data or url_for("overview.home"), 303)
        return _render_sign_in(form, 200)
    form = SignInForm(request.form)
    if not form.validate():
        return _render_sign_in(form, 422)
    idle, _ = access.session_timeouts()
    try:
        token = sessions.sign_in(
            form.email.data,
            form.password.data,
            address=access.remote_address(),
            device=find_device(form.email.data),
            user_agent=session_cookie.user_agent(),
            idle=idle,
            now=clock.now(),
        )
    except SignInRefused as refused:
        return _render_sign_in(form, 422, message=str(refused))
    response = session_cookie.start_session(token, form.next.data)
    remember_device(response, form.email.data)
    return response


def _render_sign_in(form: SignInForm, status: int, **context: Any) -> Page:
    return render_template(
        "accounts/sign_in.html",
        form=form,
        keeps_cookies=access.keeps_cookies(request),
        has_accounts=has_any_account(),
        is_setup_link_printed=access.is_setup_link_printed(),
        **context,
    ), status


@bp.post("/sign-out")
@require_role(Role.ANYONE, signed_in=True)
def sign_out() -> Response:
    """End the session."""
    sessions.sign_out(access.requester(), now=clock.now())
    return session_cookie.end_session("You are signed out.")


@bp.route("/confirm", methods=["GET", "POST"])
@require_role(Role.ANYONE, signed_in=True)
def confirm() -> Response | Page:
    """Ask for the password again before a sensitive action."""
    if request.method != "POST":
        return render_template("accounts/confirm_password.html", form=ConfirmPasswordForm(request.args)), 200
    form = ConfirmPasswordForm(request.form)
    if not form.validate():
        return render_template("accounts/confirm_password.html", form=form), 422
    try:
        sessions.confirm_password(access.requester(), form.password.data, now=clock.now())
    except SignInRefused as refused:
        return render_template("accounts/confirm_password.html", form=form, message=str(refused)), 422
    return redirect(form.next.data or url_for("overview.home"), 303)


@bp.route("/links/<token>", methods=["GET", "POST"])
@require_role(Role.ANYONE)
def accept_link(token: str) -> Response | Page:
    """Accept a one-time link: for the first account, an invitation or a new password."""
    link = find_link(token, clock.now())
    if link is None:
        raise LinkRefused(acceptance.LINK_REFUSED)
    form = _accept_link_form(link, request.form if request.method == "POST" else None)
    context = {"link": link, "form": form, "keeps_cookies": access.keeps_cookies(request)}
    if request.method != "POST":
        return render_template("accounts/accept_link.html", **context), 200
    if not form.validate():
        return render_template("accounts/accept_link.html", **context), 422
    try:
        accepted = acceptance.accept_link(
            token,
            email=form.email.data if isinstance(form, FirstAccountForm) else link.email,
            name=form.account_name(),
            password=form.password.data,
            by=access.requester().actor,
            user_agent=session_cookie.user_agent(),
            now=clock.now(),
        )
    except (ChangeRefused, SignInRefused) as refused:
        return render_template("accounts/accept_link.html", **context, message=str(refused)), 422
    response = session_cookie.start_session(accepted.session_token)
    if accepted.void_organizations:
        flash(_describe_void_organizations(accepted.void_organizations))
    remember_device(response, form.email.data if isinstance(form, FirstAccountForm) else link.email)
    return response


def _describe_void_organizations(names: Sequence[str]) -> str:
    """Describe where an invitation granted nothing."""
    shown = shorten(", ".join(names), MAX_NAME)
    return f"The invitation to {shown} is no longer valid, and gave you no role there. Ask an admin for a new one."


def _accept_link_form(link: OneTimeLinkRow, data: FormData | None) -> AcceptLinkForm | FirstAccountForm:
    if link.purpose is LinkPurpose.SETUP:
        return FirstAccountForm(data)
    if link.purpose is LinkPurpose.RESET:
        return ResetPasswordForm(data, link.email)
    is_own = normalize_email(access.requester().actor.name) == normalize_email(link.email)
    return OwnInvitationForm(data, link.email) if is_own else InvitationForm(data, link.email)


@bp.get("/session")
@require_role(Role.ANYONE)
def show_session() -> dict[str, Any]:
    """Return the seconds until the session ends, null without one. Does not extend it."""
    return {"seconds_left": access.session_seconds_left()}


@bp.post("/session")
@require_role(Role.ANYONE, signed_in=True)
def extend_session() -> dict[str, Any]:
    """Extend the session: the access check counts every POST request as activity."""
    return {"seconds_left": access.session_seconds_left()}
