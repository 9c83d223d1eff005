"""The findings of voices and assistants."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given

from tests.conftest import NOW
from tests.factories import make_voice
from tests.triage.queries.model import EXAMPLES, ITEMS, LONG_BEFORE, SLUGS, THRESHOLDS, ModelItem, QueueModel
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.queries.findings import find_findings


@EXAMPLES
@given(items=ITEMS)
def test_the_findings_of_items_equal_the_model(model: QueueModel, items: list[ModelItem]) -> None:
    model.fill(items)

    found = find_findings([item.ref for item in model.items], THRESHOLDS, now=NOW)

    for item in model.items:
        expected = {slug: None if since == LONG_BEFORE else since for slug, since in model.reasons(item).items()}
        assert {finding.reason: finding.since for finding in found[item.ref]} == expected
        assert [finding.reason for finding in found[item.ref]] == [slug for slug in SLUGS if slug in expected]
        for finding in found[item.ref]:
            assert (finding.organization_id, finding.provider) == (
                model.owner(item),
                item.reference[1],
            )


def test_a_finding_that_began_at_time_zero_does_not_have_an_unknown_start(acme: Organization) -> None:
    time_zero = datetime(1, 1, 1, tzinfo=UTC)
    voice = ObjectRef(ObjectKind.VOICE, make_voice(acme, created_at=time_zero).id)

    (finding,) = find_findings([voice], THRESHOLDS, now=NOW)[voice]

    assert (finding.reason, finding.since) == ("never-used", time_zero)
