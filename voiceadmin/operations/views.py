"""Apply an action to selected voices, assistants and sources, show an operation, and undo it."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.bulk import ViewResponse, respond
from voiceadmin.operations.forms import SelectionForm, UndoForm
from voiceadmin.operations.queries import describe_operation, get_operation, is_undoable
from voiceadmin.tokens import generate_token
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope

bp = Blueprint("operations", __name__)


@bp.post("/operations")
@require_role(Role.OPERATOR)
def create() -> ViewResponse:
    """Apply an action to the selected objects."""
    now = clock.now()
    form = SelectionForm(request.form, list_assignable_accounts(scope()), now=now)
    if not form.validate():
        return render_template("operations/not_applied.html", form=form), 422
    action_request = form.build_request(form.ref.data)
    try:
        operation = apply_action(
            scope(), action_request, access.attention_thresholds(), by=access.requester().actor, now=now
        )
    except ChangeRefused as error:
        return render_template("operations/not_applied.html", form=form, message=str(error)), 409
    return respond(operation, form.next.data)


@bp.get("/operations/<id:operation_id>")
@require_role(Role.VIEWER)
def show(operation_id: int) -> str:
    """Show what an operation changed, and what it skipped and why."""
    operation, now = get_operation(scope(), operation_id), clock.now()
    operated = access.requester().scope(Role.OPERATOR)
    return render_template(
        "operations/show.html",
        operation=operation,
        summary=describe_operation(operation),
        can_undo=is_undoable(operation, now) and operated.covers_all(operation.organizations),
        key=generate_token(),
        now=now,
    )


@bp.post("/operations/<id:operation_id>/undo")
@require_role(Role.OPERATOR)
def undo(operation_id: int) -> ViewResponse:
    """Undo an operation. Objects that were changed since are skipped."""
    form = UndoForm(request.form)
    form.validate()  # an invalid key counts as none
    key = "" if form.key.errors else form.key.data
    try:
        operation = undo_operation(
            scope(), operation_id, key, access.attention_thresholds(), by=access.requester().actor, now=clock.now()
        )
    except ChangeRefused as error:
        return render_template("operations/not_applied.html", form=form, message=str(error)), 409
    return respond(operation, form.next.data)
