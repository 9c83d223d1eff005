"""Write what a source of the platform lists: the organization, the assistants and the voices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SourceRefused
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.sources.actions.etags import write_etags
from voiceadmin.sources.actions.listed_voices import compare_list, write_list
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.organizations import plan_organization, write_assistants, write_organization
from voiceadmin.sources.actions.platform_planning import (
    ListPlan,
    PlatformPlan,
    check_has_assistants,
    describe_refused,
    find_assistant,
    plan_list,
    plan_owner,
    read_listed_ids,
)
from voiceadmin.sources.actions.reading import PlatformSnapshot
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.types import SyncResult
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.importing.target import ImportTarget

OnWritten = Callable[[int, int], None]

CHANGED_MEANWHILE = (
    "{} changed here while the file was applied. Nothing more was written. Make a new file with “sync --dry-run”."
)


def write_platform(
    run: Run,
    snapshot: PlatformSnapshot,
    known: Mapping[int, datetime | None],
    on_written: OnWritten,
    expected: PlatformPlan | None = None,
) -> None:
    """Write the organization, the assistants, the voices, and which voices are listed.

    Args:
        run: the run that has begun.
        snapshot: what the platform lists. Nothing is written if its list of voices cannot be read to the end.
        known: the voices of the source before the list was requested.
        on_written: called with the number of changed voices written so far, and their total.
        expected: what must be written; None for any difference.

    Raises:
        SourceRefused: if the key belongs to another organization than the source, or that has no assistants, or if
            something else would be written than what is expected.
        UnreadableInput: if the list of voices cannot be read to its end.
    """
    if snapshot.is_unchanged:
        run.counts.unchanged = sum(since is None for since in known.values())
        return
    listed, notes = read_listed_ids(snapshot.voices)
    for note in notes:
        run.limit(note)
    organization_id = _write_owner(run, snapshot, expected)
    if find_assistant(organization_id) is None:  # they belong to another organization here, see `join_organizations`
        return
    _write_voices(run, snapshot, organization_id, on_written, expected)
    _write_list(run, plan_list(compare_list(known, listed), run.counts.refused, is_whole=not notes), organization_id)
    is_complete = run.result is SyncResult.COMPLETE
    write_etags(run.source_id, organization_id, snapshot.etags if is_complete else {})


def _write_owner(run: Run, snapshot: PlatformSnapshot, expected: PlatformPlan | None) -> int:
    """Write the organization and its assistants in one transaction. Return the local id of the organization."""
    with write_transaction():
        source = require_source(run.source_id)
        organization = plan_organization(source, *snapshot.upstream_organization)
        lock_organizations([] if organization.id is None else [organization.id])
        plan = plan_owner(source, snapshot)
        run.owned_elsewhere = tuple(plan.assistants.owned_elsewhere)
        check_has_assistants(plan)
        if expected is not None and plan != expected.owner:
            raise SourceRefused(CHANGED_MEANWHILE.format("The organization or its assistants were"))
        organization_id = write_organization(source, plan.organization)
        write_assistants(plan.assistants.changes, organization_id)
    run.counts.assistants = len(plan.assistants.changes)
    for message in plan.messages:
        run.limit(message)
    return organization_id


def _write_voices(
    run: Run, snapshot: PlatformSnapshot, organization_id: int, on_written: OnWritten, expected: PlatformPlan | None
) -> None:
    """Import the list as a file is imported, without an audit event if nothing has changed."""

    def confirm(staged: StagedChanges) -> None:
        if expected is not None and not staged.is_equal(expected.staged):
            raise SourceRefused(CHANGED_MEANWHILE.format("Voices were"))
        run.progress.report_written(0, staged.count)

    def report_written(written: int, total: int) -> None:
        run.progress.report_written(written, total)
        on_written(written, total)

    target = ImportTarget(find_assistant(organization_id) or 0, organization=str(organization_id))
    db.session.rollback()
    snapshot.voices.seek(0)
    report = import_voices(
        snapshot.voices,
        target,
        by=run.by,
        now=run.now,
        skip_bad=True,
        records_unchanged=False,
        on_fault=run.add_fault,
        confirm=confirm,
        on_written=report_written,
    )
    counts = run.counts
    counts.added, counts.changed, counts.unchanged = report.added, report.changed, report.unchanged
    counts.refused, counts.reset = report.refused, report.reset
    if report.refused:
        run.limit(describe_refused(report.refused))


def _write_list(run: Run, plan: ListPlan, organization_id: int) -> None:
    """Write which voices are listed."""
    if plan.message:
        run.limit(plan.message)
    differences = plan.differences
    run.counts.missing, run.counts.returned = len(differences.missing), len(differences.returned)
    write_list(run.source_id, organization_id, differences, now=run.now)
