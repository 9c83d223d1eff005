"""Update PostgreSQL's statistics of voices after an import that added most of them."""

from __future__ import annotations

from sqlalchemy import text

from voiceadmin.database.base import db

MINIMUM = 1_000  # added voices; any plan is fast for fewer

# Without columns, PostgreSQL would also analyze the trigrams of the search index, which takes twenty times as long.
_COLUMNS = (
    *("id", "organization_id", "provider", "provider_voice_id", "language", "status", "quality_score"),
    *("created_at", "last_used_at", "synthesis_count", "name_key", "archived_at", "status_changed_at"),
    *("tier", "has_last_used_at", "is_never_used", "last_activity_at"),
)
_ANALYZE = text(f"ANALYZE cloned_voice ({', '.join(_COLUMNS)}), voice_stats, provider_totals, provider_day_totals")
_COUNT_ANALYZED = text("SELECT reltuples FROM pg_class WHERE oid = 'cloned_voice'::regclass")


def analyze_after_growth(added: int) -> None:
    """Analyze the tables of voices if more voices were added than PostgreSQL knew. Call inside the transaction.

    Autovacuum would do so within a minute. Until then PostgreSQL would plan as if the tables were nearly empty, and
    read whole indexes for pages of one organization.
    """
    if db.engine.dialect.name == "postgresql" and added > max(MINIMUM, db.session.scalar(_COUNT_ANALYZED) or 0):
        db.session.execute(_ANALYZE)
