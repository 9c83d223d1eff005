"""Health checks of the process. An unreachable database is tested in test_errors.py."""

from __future__ import annotations

from flask.testing import FlaskClient


def test_a_process_with_a_migrated_database_is_up_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "up"}
    assert client.get("/readyz").get_json() == {"status": "ready"}
