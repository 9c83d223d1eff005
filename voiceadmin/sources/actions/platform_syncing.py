"""Write what a source of the platform lists: the organization, the assistants and the voices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SourceRefused
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.actions.etags import write_etags
from voiceadmin.sources.actions.listed_voices import Differences, compare_list, write_list
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.organizations import add_assistants, resolve_organization, write_assistants
from voiceadmin.sources.actions.reading import PlatformSnapshot
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.breaker import WITHHELD
from voiceadmin.sources.types import SourceKind, SyncResult, parse_ids
from voiceadmin.text import pluralize
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.plain_records import AnyRecord
from voiceadmin.voices.importing.reading import read_response
from voiceadmin.voices.importing.records import ParsedRecord
from voiceadmin.voices.importing.target import ImportTarget

OnWritten = Callable[[int, int], None]


def write_platform(
    run: Run, snapshot: PlatformSnapshot, known: Mapping[int, datetime | None], on_written: OnWritten
) -> None:
    """Write the organization, the assistants, the voices, and which voices are listed.

    Args:
        run: the run that has begun.
        snapshot: what the platform lists. Nothing is written if its list of voices cannot be read to the end.
        known: the voices of the source before the list was requested.
        on_written: called with the number of changed voices written so far, and their total.

    Raises:
        SourceRefused: if the key belongs to another organization than the source, or that has no assistants.
        UnreadableInput: if the list of voices cannot be read to its end.
    """
    if snapshot.is_unchanged:
        run.counts.unchanged = sum(since is None for since in known.values())
        return
    listed, is_whole = _read_ids(run, snapshot.voices)
    organization_id = _write_organization(run, snapshot)
    _write_voices(run, snapshot.voices, organization_id, on_written)
    _write_list(run, compare_list(known, listed), organization_id, is_whole=is_whole)
    is_complete = run.result is SyncResult.COMPLETE
    write_etags(run.source_id, organization_id, snapshot.etags if is_complete else {})


def _read_ids(run: Run, file: BinaryIO) -> tuple[set[int], bool]:
    """Return the ids of a list of voices. What the response says besides is a reason not to trust its end."""
    notes: list[str] = []
    file.seek(0)
    ids = (_find_id(record) for record in read_response(file, notes.append))
    listed = {id for id in ids if id is not None}
    for note in notes:
        run.limit(f"Voices: {note}")
    return listed, not notes


def _find_id(record: AnyRecord) -> int | None:
    """Return the id of a record, also of one that cannot be used otherwise; None if it has no valid id."""
    return record.given_id if isinstance(record, ParsedRecord) and record.row is None else record.id


def _write_organization(run: Run, snapshot: PlatformSnapshot) -> int:
    """Write the organization and its assistants in one transaction. Return the local id of the organization."""
    if snapshot.assistants_message:
        run.limit(f"Assistants: {snapshot.assistants_message}")
    with write_transaction():
        source, changed = require_source(run.source_id), 0
        organization_id = resolve_organization(source, *snapshot.upstream_organization)
        if source.kind == SourceKind.VOICEADMIN.value:
            changed += add_assistants(parse_ids(source.assistant_ids), organization_id)
        for batch in split_into_batches(snapshot.list_assistants()):
            written, problems = write_assistants(batch, organization_id, snapshot.upstream_organization.id)
            changed += written
            for problem in problems:
                run.limit(problem)
        if _find_assistant(organization_id) is None:
            raise SourceRefused(
                "The organization has no assistants, so that its voices cannot be shown. Nothing was written."
            )
    run.counts.assistants = changed
    return organization_id


def _find_assistant(organization_id: int) -> int | None:
    """Return the id of an assistant of an organization, None if it has none."""
    ids = select(Assistant.id).where(Assistant.organization_id == organization_id)
    return db.session.scalar(ids.order_by(Assistant.id).limit(1))


def _write_voices(run: Run, file: BinaryIO, organization_id: int, on_written: OnWritten) -> None:
    """Import the list as a file is imported, without an audit event if nothing has changed."""
    target = ImportTarget(_find_assistant(organization_id) or 0, organization=str(organization_id))
    db.session.rollback()
    file.seek(0)
    report = import_voices(
        file,
        target,
        by=run.by,
        now=run.now,
        skip_bad=True,
        records_unchanged=False,
        on_fault=run.add_fault,
        on_written=on_written,
    )
    counts = run.counts
    counts.added, counts.changed, counts.unchanged = report.added, report.changed, report.unchanged
    counts.refused = report.refused
    if report.refused:
        run.limit(f"{pluralize(report.refused, 'record')} could not be used, so that no voice counts as missing.")


def _write_list(run: Run, differences: Differences, organization_id: int, *, is_whole: bool) -> None:
    """Write which voices are listed. None counts as missing unless every record could be used."""
    if run.counts.refused or not is_whole:
        differences = differences._replace(missing=())
    elif differences.is_suspicious:
        run.limit(f"{pluralize(len(differences.missing), 'voice')} of {differences.known:,}: {WITHHELD}")
        differences = differences._replace(missing=())
    run.counts.missing, run.counts.returned = len(differences.missing), len(differences.returned)
    write_list(run.source_id, organization_id, differences, now=run.now)
