"""The counts of the triage queue."""

from __future__ import annotations

from hypothesis import given

from tests.conftest import NOW
from tests.factories import DAY, put_voices, voice_row
from tests.triage.queries.model import (
    EXAMPLES,
    FILTERS,
    ITEMS,
    SCOPES,
    SLUGS,
    SMALL_SCOPES,
    THRESHOLDS,
    ModelItem,
    QueueModel,
    small_scope,
)
from tests.triage.queries.scenario import acknowledge, ref_of
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.queries.counts import COUNT_LIMIT, count_queue, count_reasons, summarize
from voiceadmin.triage.types import QueueFilters
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus


@EXAMPLES
@given(items=ITEMS, scope=SCOPES, drawn=FILTERS, limit=SMALL_SCOPES)
def test_the_counts_of_reasons_equal_the_model(
    model: QueueModel, items: list[ModelItem], scope: tuple[int, ...] | None, drawn: QueueFilters, limit: int
) -> None:
    model.fill(items)

    with small_scope(limit):
        found = count_reasons(model.scope(scope), model.filters(drawn), THRESHOLDS, now=NOW)

    assert list(found.items()) == list(model.numbers(scope, drawn).items())


@EXAMPLES
@given(items=ITEMS, scope=SCOPES, limit=SMALL_SCOPES)
def test_the_summary_equals_the_model(
    model: QueueModel, items: list[ModelItem], scope: tuple[int, ...] | None, limit: int
) -> None:
    model.fill(items)
    seen, expected = model.scope(scope), model.summary(scope)

    with small_scope(limit):
        assert summarize(seen, THRESHOLDS, now=NOW) == expected
    assert count_queue(seen, THRESHOLDS, now=NOW) == len(model.queue(scope, QueueFilters())) == expected.object_count
    assert count_queue(seen, THRESHOLDS, now=NOW, limit=3) == min(3, expected.object_count)


def test_objects_are_counted_up_to_the_count_limit(acme: Organization) -> None:
    for number, shown_count in ((COUNT_LIMIT - 1, COUNT_LIMIT - 1), (1, COUNT_LIMIT), (40, COUNT_LIMIT)):
        put_voices(acme, [voice_row(status=FAILED, provider_voice_id="") for _ in range(number)])
        summary = summarize(EVERYTHING, THRESHOLDS, now=NOW)
        assert summary.object_count == shown_count
    assert summary.counts == dict.fromkeys(SLUGS, 0) | {"failed": COUNT_LIMIT + 40}


def test_the_age_of_the_oldest_finding_is_that_of_the_oldest_one_that_is_not_muted(acme: Organization) -> None:
    first, second = (voice_row(status=FAILED, created_at=NOW - days * DAY) for days in (9, 3))
    put_voices(acme, [first, second])
    assert summarize(EVERYTHING, THRESHOLDS, now=NOW).oldest["failed"] == NOW - 9 * DAY

    acknowledge(ref_of(first))

    assert summarize(EVERYTHING, THRESHOLDS, now=NOW).oldest["failed"] == NOW - 3 * DAY
