"""Flask-Admin over the voices, with its column filters, 50 rows a page and no forms inside the list."""

from __future__ import annotations

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_sqlalchemy import SQLAlchemy

from tests.benchmarks.peers.fields import FIELDS
from tests.benchmarks.peers.tables import Base, Voice, database_url

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = database_url()
app.config["SECRET_KEY"] = "not used"
db = SQLAlchemy(app, model_class=Base)


class VoiceView(ModelView):
    """The list of voices."""

    page_size = 50
    column_list = FIELDS
    column_sortable_list = FIELDS
    column_default_sort = ("synthesis_count", True)
    column_filters = ("organization_id", "status", "provider")
    named_filter_urls = True


Admin(app, name="Voices").add_view(VoiceView(Voice, db, endpoint="voices"))
