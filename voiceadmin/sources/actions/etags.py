"""Keep the ETags of the lists that the last complete sync of a source has read."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import select, update

from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.models import Source


def read_etags(source: Source) -> dict[str, str]:
    """Return the ETags by path; none if a voice of the organization was written since they were stored."""
    if not source.etags:
        return {}
    stored = json.loads(source.etags)
    etags: dict[str, str] = stored["etags"] if stored["revision"] == _read_revision(source.organization_id) else {}
    return etags


def write_etags(source_id: int, organization_id: int, etags: Mapping[str, str]) -> None:
    """Store ETags after a sync that has written everything. Lists without an ETag are always read."""
    with write_transaction():
        known = {path: etag for path, etag in etags.items() if etag}
        text = json.dumps({"revision": _read_revision(organization_id), "etags": known}) if known else ""
        is_other = (Source.id == source_id, Source.etags != text)
        db.session.execute(update(Source).where(*is_other).values(etags=text))


def _read_revision(organization_id: int | None) -> int | None:
    return db.session.scalar(select(Organization.revision).where(Organization.id == organization_id))
