"""The action bar of lists, the confirmation page of bulk operations, and the response after an operation.

Views of several features offer actions and share these functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.audit.types import ObjectKind, ObjectRef, hash_selection
from voiceadmin.errors import SelectionChanged
from voiceadmin.identity import Scope
from voiceadmin.operations.actions.execute import apply_action_to_all
from voiceadmin.operations.forms import ActionForm, AllMatchingForm
from voiceadmin.operations.queries import describe_objects, describe_operation, get_last_operation_id, is_undoable
from voiceadmin.operations.types import MAX_OBJECTS, OperationRow
from voiceadmin.text import DAY
from voiceadmin.tokens import generate_token
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.usage import count_voices_in_use
from voiceadmin.web import access
from voiceadmin.web.access import scope
from voiceadmin.web.notices import Notice, add_notice

ViewResponse = tuple[str, int] | Response


@dataclass(frozen=True, slots=True)
class ActionBar:
    """The data for the action buttons of a list.

    Attributes:
        key: of the form.
        last_seen_operation_id: the newest operation now.
        people: e-mails of possible assignees by account.
        me: the account of the requester, None without one.
        tomorrow: the first day that a snooze can end.
    """

    key: str
    last_seen_operation_id: int
    people: Mapping[int, str]
    me: int | None
    tomorrow: datetime


def build_action_bar(operated: Scope) -> ActionBar:
    """Return the action bar of a page. operated: where the requester is an operator."""
    return ActionBar(
        key=generate_token(),
        last_seen_operation_id=get_last_operation_id(),
        people=list_assignable_accounts(operated),
        me=access.requester().account_id,
        tomorrow=clock.now() + DAY,
    )


@dataclass(frozen=True, slots=True)
class FilteredList:
    """A list whose matching objects an action can be applied to.

    Attributes:
        find: returns the matching objects inside the scope of the requester.
        title: a plural such as "voices of Acme".
        filters: the active filters in words.
        url: of the filtered list.
        actions: those that the list offers.
    """

    find: Callable[[], Sequence[ObjectRef]]
    title: str
    filters: Sequence[str]
    url: str
    actions: Sequence[TriageAction]


def respond_for_all(listed: FilteredList) -> ViewResponse:
    """Return the confirmation page of a bulk operation, or apply it when the page was sent."""
    now, is_sent = clock.now(), request.method == "POST"
    form = AllMatchingForm(request.form if is_sent else None, list_assignable_accounts(scope()), now=now)
    if not is_sent:
        return render_confirmation(listed, form), 200
    if not form.validate():
        return render_confirmation(listed, form), 422
    try:
        operation = apply_action_to_all(
            scope(),
            form.build_request(()),
            listed.find,
            form.selection_hash.data,
            access.attention_thresholds(),
            by=access.requester().actor,
            now=now,
        )
    except SelectionChanged:
        return render_confirmation(listed, form, former_count=form.count.data or 0), 409
    return respond(operation, listed.url)


def render_confirmation(listed: FilteredList, form: ActionForm, *, former_count: int | None = None) -> str:
    """Render the confirmation page.

    Args:
        listed: the list.
        form: the sent form with its errors, or an empty one.
        former_count: how many objects matched before, if that has changed since the page was shown.
    """
    refs = listed.find()
    voice_ids = [ref.id for ref in refs if ref.kind is ObjectKind.VOICE]
    kinds = Counter(ref.kind for ref in refs)
    other_counts = (kinds[ObjectKind.ASSISTANT], kinds[ObjectKind.SOURCE])
    actions = [action for action in listed.actions if not (any(other_counts) and action.is_for_voices_only)]
    return render_template(
        "operations/confirm_all.html",
        form=form,
        listed=listed,
        count=len(refs),
        objects=describe_objects(len(voice_ids), *other_counts),
        other_objects=describe_objects(0, *other_counts),
        in_use_count=count_voices_in_use(voice_ids) if TriageAction.ARCHIVE in actions else 0,
        selection_hash=hash_selection(refs),
        is_too_many=len(refs) > MAX_OBJECTS,
        max_objects=MAX_OBJECTS,
        actions=actions,
        bar=build_action_bar(scope()),
        former_count=former_count,
    )


def respond(operation: OperationRow, next_url: str) -> Response:
    """Redirect after an operation, with notices that describe it and offer to undo it."""
    summary = Notice(text=describe_operation(operation))
    if is_undoable(operation, clock.now()):
        summary["undo_operation_id"] = operation.id
    add_notice(summary)
    if operation.in_use_count:
        voices = "this voice" if operation.object_count == 1 else f"{operation.in_use_count:,} of these voices"
        remedy = "Choose other voices for these assistants in the platform."
        add_notice(Notice(text=f"Assistants still use {voices}. {remedy}"))
    if operation.skipped_count:
        add_notice(Notice(text=_describe_skipped(operation), skipped_operation_id=operation.id))
    return redirect(next_url or url_for("triage.index"), 303)


def _describe_skipped(operation: OperationRow) -> str:
    reasons = {item.description for item in operation.skipped}
    common = f" {reasons.pop()}" if len(reasons) == 1 and not operation.skipped_unlisted else ""
    return f"{operation.skipped_count:,} skipped.{common}"
