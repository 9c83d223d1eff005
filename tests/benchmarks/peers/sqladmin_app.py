"""SQLAdmin over the voices, with filters that need no query, 50 rows a page, sortable and searchable columns."""

from __future__ import annotations

from sqladmin import Admin, ModelView
from sqladmin.filters import OperationColumnFilter, StaticValuesFilter
from sqlalchemy import create_engine
from starlette.applications import Starlette

from tests.benchmarks.peers.tables import Voice, where
from tests.benchmarks.peers.words import FIELDS, PROVIDERS, STATUSES

app = Starlette()


class VoiceView(ModelView, model=Voice):  # type: ignore[call-arg]  # where it is not installed, it is an object
    """The list of voices."""

    name_plural = "Voices"
    page_size = 50
    column_list = FIELDS
    column_sortable_list = FIELDS
    column_searchable_list = ("name",)
    column_default_sort = ("synthesis_count", True)
    column_filters = (
        OperationColumnFilter(Voice.organization_id),
        StaticValuesFilter(Voice.status, [(word, word) for word in STATUSES]),
        StaticValuesFilter(Voice.provider, [(word, word) for word in PROVIDERS]),
    )


Admin(app, create_engine(where())).add_view(VoiceView)
