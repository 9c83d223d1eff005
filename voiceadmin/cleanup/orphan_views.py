"""Pages of the orphans of a source: the list, its export, their deletion at the provider, and the results."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.cleanup.actions.orphan_requests import (
    cancel_orphan_deletion,
    request_orphan_check,
    request_orphan_deletion,
)
from voiceadmin.cleanup.forms import ConfirmOrphansForm, DeletionItemsForm, OrphanFilterForm, orphan_arguments
from voiceadmin.cleanup.queries.deletions import ITEMS_PER_PAGE, find_ended_early, list_open_requests
from voiceadmin.cleanup.queries.orphans import count_orphan_deletions, list_orphan_deletions, list_orphans
from voiceadmin.cleanup.types.deletions import CheckedVoice, DeletionState
from voiceadmin.cleanup.types.orphans import Orphan, OrphanFilters, Orphans
from voiceadmin.config import COMMAND
from voiceadmin.errors import SourceNotFound
from voiceadmin.identity import Role
from voiceadmin.operations.types import MAX_OBJECTS
from voiceadmin.pagination import Page
from voiceadmin.sources.queries import find_sync_process, get_source
from voiceadmin.sources.types import SourceRow
from voiceadmin.tabular import format_records
from voiceadmin.text import format_iso8601, pluralize
from voiceadmin.tokens import hash_token
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import parse_export_format, stream_export

bp = Blueprint("orphans", __name__)

Answer = str | tuple[str, int] | Response

LISTED = 20  # names on the page that confirms a deletion

EXPORT_FIELDS = (
    *("provider_voice_id", "name", "state", "category", "slot", "created_at", "expires_at", "first_listed_at"),
    *("can_be_deleted", "obstacle", "deletion"),
)


@bp.get("/sources/<id:source_id>/orphans")
@require_role(Role.ADMIN)
def index(source_id: int) -> Answer:
    """List the orphans of a source."""
    source, form, now = _get_provider(source_id), OrphanFilterForm(request.args), clock.now()
    if not form.validate():
        return _reject_filters(source, form)
    filters = form.filters()
    orphans, arguments = list_orphans(source_id, filters, now=now), orphan_arguments(filters.with_changes())
    start = (filters.page - 1) * ITEMS_PER_PAGE
    return render_template(
        "cleanup/orphans.html",
        source=source,
        form=form,
        filters=filters,
        orphans=orphans,
        page=Page(orphans.rows[start : start + ITEMS_PER_PAGE], len(orphans.rows), filters.page, ITEMS_PER_PAGE),
        arguments=arguments,
        export_address=url_for("orphans.index", source_id=source_id, **arguments),
        **_read_requests(source_id, now),
    )


def _get_provider(source_id: int) -> SourceRow:
    """Return a source of the scope.

    Raises:
        SourceNotFound: if there is no such source, or it is one of the platform, which has no orphans.
    """
    source = get_source(scope(), source_id)
    if source.kind.is_platform:
        raise SourceNotFound(f"Source {source_id} is one of the platform, which has no orphans.")
    return source


def _reject_filters(source: SourceRow, form: OrphanFilterForm) -> tuple[str, int]:
    return render_template("cleanup/orphans.html", source=source, form=form, filters=None), 422


def _read_requests(source_id: int, now: datetime) -> dict[str, Any]:
    return {
        "requests": list_open_requests(now=now, source_id=source_id),
        "ended_early": find_ended_early(None, source_id),
        "states": count_orphan_deletions(source_id),
        "process": find_sync_process(now=now),
        "now": now,
    }


@bp.get("/sources/<id:source_id>/orphans.<format>")
@require_role(Role.ADMIN)
def export(source_id: int, format: str) -> Answer:
    """Export all orphans of a source that match the filters."""
    file_format, source, now = parse_export_format(format), _get_provider(source_id), clock.now()
    form = OrphanFilterForm(request.args)
    if not form.validate():
        return _reject_filters(source, form)
    filters = form.filters().with_changes()

    def records() -> Iterator[dict[str, Any]]:
        yield from map(_build_record, list_orphans(source_id, filters, now=now).rows)

    return stream_export(
        f"orphans-{source_id}",
        file_format,
        lambda: format_records(EXPORT_FIELDS, records(), file_format),
        target=AuditTarget(ObjectKind.SOURCE, source.id, source.name),
        filters=orphan_arguments(filters),
        organizations=[] if source.organization_id is None else [source.organization_id],
        now=now,
    )


def _build_record(orphan: Orphan) -> dict[str, Any]:
    checked = orphan.checked
    return {
        "provider_voice_id": checked.provider_voice_id,
        "name": checked.name,
        "state": orphan.state,
        "category": orphan.category,
        "slot": orphan.slot,
        "created_at": _format_time(checked.created_at),
        "expires_at": _format_time(orphan.breaks_at),
        "first_listed_at": _format_time(orphan.first_listed_at),
        "can_be_deleted": checked.can_be_deleted,
        "obstacle": checked.obstacle.label if checked.obstacle else "",
        "deletion": checked.state.value if checked.state else "",
    }


def _format_time(time: datetime | None) -> str | None:
    return None if time is None else format_iso8601(time)


@bp.route("/sources/<id:source_id>/orphans/delete", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def new(source_id: int) -> Answer:
    """Confirm the deletion of orphans at their provider by typing their number."""
    source, now, is_again = _get_provider(source_id), clock.now(), request.values.get("again") == "on"
    filter_form = OrphanFilterForm(request.values)
    if not filter_form.validate():
        return _reject_filters(source, filter_form)
    filters, ids = filter_form.filters().with_changes(), request.values.getlist("id")
    chosen = _choose(list_orphans(source_id, filters, now=now), ids, is_again=is_again)
    data, selection_hash = request.form if request.method == "POST" else None, _hash(chosen)
    form = ConfirmOrphansForm(data, len(chosen))
    is_changed = data is not None and data.get("selection_hash") != selection_hash
    is_open = bool(list_open_requests(now=now, source_id=source_id))  # as when a form is sent twice
    if data is None or not (is_open or (not is_changed and form.validate())):
        context = {"source": source, "form": form, "chosen": chosen, "is_again": is_again, "ids": ids}
        options = {"arguments": orphan_arguments(filters), "selection_hash": selection_hash, "listed": LISTED}
        status = 200 if data is None else 409 if is_changed or not chosen else 422
        return render_template("cleanup/delete_orphans.html", is_changed=is_changed, **context, **options), status
    chosen_ids, by = {voice.provider_voice_id for voice in chosen}, access.requester().actor
    request_orphan_deletion(scope(), source_id, chosen_ids, len(chosen), is_again=is_again, by=by, now=now)
    return _redirect_to_results(source_id, now)


def _choose(orphans: Orphans, ids: list[str], *, is_again: bool) -> list[CheckedVoice]:
    """Return the orphans of a request: those with the IDs, or all if none is given. At most MAX_OBJECTS."""
    possible = orphans.repeatable if is_again else orphans.deletable
    return [voice for voice in possible if not ids or voice.provider_voice_id in ids][:MAX_OBJECTS]


def _hash(chosen: list[CheckedVoice]) -> str:
    """Return what tells whether the chosen orphans have changed."""
    return hash_token("\n".join(f"{voice.provider_voice_id} {voice.created_at}" for voice in chosen))


@bp.post("/sources/<id:source_id>/orphans/check")
@require_role(Role.ADMIN, recently_authenticated=True)
def check(source_id: int) -> Answer:
    """Let the orphans whose deletion is not confirmed be looked up again."""
    now = clock.now()
    request_orphan_check(scope(), source_id, by=access.requester().actor, now=now)
    return _redirect_to_results(source_id, now)


@bp.post("/sources/<id:source_id>/orphans/cancel")
@require_role(Role.ADMIN)
def cancel(source_id: int) -> Answer:
    """End the deletion of orphans before those that are left."""
    count = cancel_orphan_deletion(scope(), source_id, by=access.requester().actor, now=clock.now())
    flash(f"The deletion was cancelled. {pluralize(count, 'orphan was', 'orphans were')} not processed.")
    return redirect(url_for("orphans.results", source_id=source_id), 303)


@bp.get("/sources/<id:source_id>/orphans/deletions")
@require_role(Role.ADMIN)
def results(source_id: int) -> Answer:
    """Show the result of each orphan whose deletion was requested."""
    source, form, now = _get_provider(source_id), DeletionItemsForm(request.args), clock.now()
    context = {"source": source, "form": form, **_read_requests(source_id, now)}
    if not form.validate():
        return render_template("cleanup/orphan_deletions.html", items=None, repeatable=0, **context), 422
    state, page_number, states = form.state_value(), form.page.data or 1, context["states"]
    total = sum(states.values()) if state is None else states.get(state, 0)
    items = Page(list_orphan_deletions(source_id, state, page_number), total, page_number, ITEMS_PER_PAGE)
    has_unconfirmed = DeletionState.UNCONFIRMED in states
    repeatable = len(list_orphans(source_id, OrphanFilters(), now=now).repeatable) if has_unconfirmed else 0
    return render_template("cleanup/orphan_deletions.html", items=items, repeatable=repeatable, **context)


def _redirect_to_results(source_id: int, now: datetime) -> Response:
    if find_sync_process(now=now) is None:
        commands = f"“{COMMAND} sync --every 5m”, or run “{COMMAND} clean-up delete-orphans {source_id}”"
        flash(f"The request is noted, but no process carries it out. Start one with {commands}.")
    else:
        flash("The request is carried out within seconds. Load this page again to see the results.")
    return redirect(url_for("orphans.results", source_id=source_id), 303)
