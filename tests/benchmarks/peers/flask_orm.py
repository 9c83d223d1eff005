"""Flask as in its documentation: ORM entities, `db.paginate` and a Jinja template, and entities through `jsonify`.

The page is a plain table without layout, forms or headers.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from tests.benchmarks.peers.fields import FIELDS
from tests.benchmarks.peers.tables import Base, Voice, database_url

TABLE = """<!doctype html>
<title>Voices</title>
<h1>{{ voices.total }} voices</h1>
<table>
<tr>{% for field in fields %}<th>{{ field }}</th>{% endfor %}</tr>
{% for voice in voices %}
<tr><td>{{ voice.id }}</td><td>{{ voice.name }}</td><td>{{ voice.provider }}</td><td>{{ voice.provider_voice_id }}</td>
<td>{{ voice.language }}</td><td>{{ voice.gender }}</td><td>{{ voice.status }}</td><td>{{ voice.quality_score }}</td>
<td>{{ voice.created_at }}</td><td>{{ voice.last_used_at }}</td><td>{{ voice.synthesis_count }}</td></tr>
{% endfor %}
</table>
{% for number in voices.iter_pages() %}<a href="?page={{ number }}">{{ number }}</a>{% endfor %}
"""

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = database_url()
app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
db = SQLAlchemy(app, model_class=Base)


@app.get("/page")
def page() -> str:
    filters = {name: request.args[name] for name in ("organization_id", "status", "provider") if name in request.args}
    statement = select(Voice).filter_by(**filters).order_by(Voice.synthesis_count.desc(), Voice.id.desc())
    return render_template_string(TABLE, voices=db.paginate(statement, per_page=50), fields=FIELDS)


@app.get("/json")
def list_voices() -> Response:
    statement = select(Voice).filter_by(organization_id=request.args["organization_id"]).order_by(Voice.id)
    return jsonify(success=True, cloned_voices=[_record(voice) for voice in db.session.scalars(statement)])


def _record(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "name": voice.name,
        "provider": voice.provider,
        "provider_voice_id": voice.provider_voice_id,
        "language": voice.language,
        "gender": voice.gender,
        "status": voice.status,
        "quality_score": voice.quality_score,
        "created_at": voice.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "last_used_at": voice.last_used_at and voice.last_used_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "synthesis_count": voice.synthesis_count,
    }
