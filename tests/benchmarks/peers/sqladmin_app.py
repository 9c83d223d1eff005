"""SQLAdmin over the voices, with filters that need no query, 50 rows a page, sortable and searchable columns."""

from __future__ import annotations

from sqladmin import Admin, ModelView
from sqladmin.filters import OperationColumnFilter, StaticValuesFilter
from sqlalchemy import create_engine
from starlette.applications import Starlette

from tests.benchmarks.peers.fields import FIELDS, PROVIDERS, STATUSES
from tests.benchmarks.peers.tables import Voice, database_url

app = Starlette()


class VoiceView(ModelView, model=Voice):  # type: ignore[call-arg]  # mypy sees Any if sqladmin is not installed
    """The list of voices."""

    name_plural = "Voices"
    page_size = 50
    column_list = FIELDS
    column_sortable_list = FIELDS
    column_searchable_list = ("name",)
    column_default_sort = ("synthesis_count", True)
    column_filters = (
        OperationColumnFilter(Voice.organization_id),
        StaticValuesFilter(Voice.status, [(value, value) for value in STATUSES]),
        StaticValuesFilter(Voice.provider, [(value, value) for value in PROVIDERS]),
    )


Admin(app, create_engine(database_url())).add_view(VoiceView)
