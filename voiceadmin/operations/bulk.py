"""The confirmation page of bulk operations and the answer after an operation, for every view that offers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.audit.types import ObjectKind, ObjectRef, hash_selection
from voiceadmin.errors import SelectionChanged
from voiceadmin.identity import Scope
from voiceadmin.operations.actions import operations
from voiceadmin.operations.forms import ActForm, AllForm
from voiceadmin.operations.queries import get_last_operation_id, is_undoable
from voiceadmin.operations.types import MOST_AT_ONCE, OperationRow
from voiceadmin.text import DAY, pluralize
from voiceadmin.tokens import generate_token
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.usage import count_voices_in_use
from voiceadmin.web import access
from voiceadmin.web.access import scope
from voiceadmin.web.stats_cache import get_stats_cache

Answer = tuple[str, int] | Response


def act_on_all(
    find: Callable[[], Sequence[ObjectRef]], *, of: str, what: Sequence[str], back: str, acts: Sequence[TriageAction]
) -> Answer:
    """The second step before something is done to all that filters match, and the doing of it.

    find: the refs, inside the scope of the requester. of: the list in words, what: its filters, back: its address.
    """
    now, people = clock.now(), list_assignable_accounts(scope())

    def page(form: ActForm, **more: Any) -> str:
        return _all_page(form, find(), of=of, what=what, back=back, acts=acts, **more)

    sent = request.form if request.method == "POST" else None
    form = AllForm(sent, people, now=now)
    if sent is None:
        return page(form), 200
    if not form.validate():
        return page(form), 422
    try:
        operation = operations.do_to_all(
            *(scope(), form.order(()), find, form.mark.data, access.attention_thresholds()),
            by=access.requester().actor,
            now=now,
        )
    except SelectionChanged:
        return page(form, was=form.count.data or 0), 409
    return done(operation, back)


def _all_page(form: ActForm, refs: Sequence[ObjectRef], *, acts: Sequence[TriageAction], **more: Any) -> str:
    voices = [ref.id for ref in refs if ref.kind is ObjectKind.VOICE]
    assistants = len(refs) - len(voices)
    if assistants:
        acts = [action for action in acts if action not in (TriageAction.ARCHIVE, TriageAction.RESTORE)]
    return render_template(
        "operations/confirm_all.html",
        form=form,
        number=len(refs),
        told=_counted(len(voices), assistants),
        in_use_count=count_voices_in_use(voices) if TriageAction.ARCHIVE in acts else 0,
        mark=hash_selection(refs),
        most=MOST_AT_ONCE,
        acts=acts,
        assistants=assistants,
        bar=bar(scope()),
        **{"was": None} | more,
    )


def bar(where: Scope) -> dict[str, Any]:
    """What the bar of a form needs with which people action: its key, what its page has seen, and who can be assigned."""
    return {
        "key": generate_token(),
        "seen": get_last_operation_id(),
        "people": list_assignable_accounts(where),
        "me": access.requester().account_id,
        "tomorrow": clock.now() + DAY,
    }


def done(operation: OperationRow, onwards: str) -> Response:
    """Say what was done, with the way to undo it, and go on."""
    get_stats_cache().clear()
    flash(told(operation), f"operation {operation.id}" if is_undoable(operation, clock.now()) else "message")
    if operation.in_use_count:
        them = "it" if operation.object_count == 1 else f"{operation.in_use_count:,} of them"
        flash(f"Assistants are still set to {them}. Choose another voice for those assistants upstream.")
    left = len(operation.skipped) + operation.skipped_unlisted
    if left:
        number = "1 was" if left == 1 else f"{left:,} were"
        reasons = {one.reason for one in operation.skipped} if not operation.skipped_unlisted else set()
        why = f": {reasons.pop()}" if len(reasons) == 1 else ""
        flash(f"{number} left alone{why}.", f"left {operation.id}")
    return redirect(onwards or url_for("triage.index"), 303)


def told(operation: OperationRow) -> str:
    """What a operation did, in a sentence, as in "Archived 3 voices and 1 assistant"."""
    if not operation.object_count:
        return "Nothing was changed."
    what = _counted(operation.voice_count, operation.object_count - operation.voice_count)
    return f"{operation.action.done} {what}." if operation.undoes is None else f"Undone for {what}."


def _counted(voices: int, assistants: int) -> str:
    kinds = [(voices, "voice"), (assistants, "assistant")]
    return " and ".join(pluralize(number, word) for number, word in kinds if number)
