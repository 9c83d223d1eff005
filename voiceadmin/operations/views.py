"""Acting on voices and assistants: on what was ticked, on all that filters match, and back again."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Role
from voiceadmin.operations.actions import operations
from voiceadmin.operations.bulk import Answer, done, told
from voiceadmin.operations.forms import TickedForm, UndoForm
from voiceadmin.operations.queries import get_operation, is_undoable
from voiceadmin.tokens import generate_token
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope

bp = Blueprint("operations", __name__)


@bp.post("/operations")
@require_role(Role.OPERATOR)
def action() -> Answer:
    """Do something to what was ticked."""
    now = clock.now()
    form = TickedForm(request.form, list_assignable_accounts(scope()), now=now)
    if not form.validate():
        return render_template("operations/refused.html", form=form), 422
    order = form.order(form.ref.data)
    try:
        operation = operations.do(scope(), order, access.attention_thresholds(), by=access.requester().actor, now=now)
    except ChangeRefused as refusal:
        return render_template("operations/refused.html", form=form, says=str(refusal)), 409
    return done(operation, form.next.data)


@bp.get("/operations/<id:operation_id>")
@require_role(Role.VIEWER)
def show(operation_id: int) -> str:
    """What was done at once, and what was left alone and why."""
    operation, now = get_operation(scope(), operation_id), clock.now()
    may_undo = is_undoable(operation, now) and access.requester().scope(Role.OPERATOR).covers_all(
        operation.organizations
    )
    return render_template(
        "operations/show.html",
        operation=operation,
        told=told(operation),
        may_undo=may_undo,
        key=generate_token(),
        now=now,
    )


@bp.post("/operations/<id:operation_id>/undo")
@require_role(Role.OPERATOR)
def undo(operation_id: int) -> Answer:
    """Take back what was done at once, as far as nobody changed it since."""
    form = UndoForm(request.form)
    form.validate()  # a key that cannot be is none
    key = "" if form.key.errors else form.key.data
    try:
        operation = operations.undo(
            scope(), operation_id, key or generate_token(), by=access.requester().actor, now=clock.now()
        )
    except ChangeRefused as refusal:
        return render_template("operations/refused.html", form=form, says=str(refusal)), 409
    return done(operation, form.next.data)
