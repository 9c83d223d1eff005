"""A store is made, brought up to date, taken back and refused; whole or not at all."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import text

from tests.factories import make_organization, make_voice
from voiceadmin import create_app
from voiceadmin.actions.store import let_go
from voiceadmin.config import Settings
from voiceadmin.db import Base, db, write_options, writing
from voiceadmin.migrations import HERE, migrate, newest, revision_of_store
from voiceadmin.problems import StoreNotReady


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app over a database in which there is nothing at all, inside its context."""
    settings = Settings(instance=tmp_path / "new" / "instance")
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres")
        admin = create_app(Settings(database_url=server))
        with admin.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE IF EXISTS bare"))
            connection.execute(text("CREATE DATABASE bare"))
        with admin.app_context():
            let_go()
        settings = Settings(instance=tmp_path, database_url=server.replace("/postgres?", "/bare?"))
        assert settings.database_url != server
    app = create_app(settings)
    with app.app_context():
        yield app
        let_go()


def go(revision: str) -> None:
    """Bring the store to a revision, upwards or downwards."""
    with db.engine.connect().execution_options(**write_options()) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)


OF_ONE_DATABASE = {"place", "ix_voice_record", "ix_voice_search", "ix_voice_by_kind"}  # no model speaks of them


def differences() -> Any:
    """Between the store and the models, but for what Alembic cannot compare."""

    def ours(thing: Any, name: str | None, *_: Any) -> bool:
        return name is not None and name not in OF_ONE_DATABASE and not name.startswith("voice_search")

    options = {"compare_server_default": True, "include_object": ours}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index ix_voice_by_kind")
        warnings.filterwarnings("ignore", r"Computed default on cloned_voice\.\w+ cannot be modified")
        return compare_metadata(MigrationContext.configure(db.session.connection(), opts=options), Base.metadata)


def test_the_steps_lead_to_the_models(bare: Flask) -> None:
    migrate()

    assert differences() == []


def test_a_new_store_is_made_once(bare: Flask) -> None:
    assert migrate()
    assert revision_of_store() == newest()
    assert not migrate()


def test_stores_have_different_names(bare: Flask) -> None:
    migrate()
    first = db.session.scalar(text("SELECT name FROM store"))
    db.session.rollback()
    go("base")
    go("head")

    assert db.session.scalar(text("SELECT name FROM store")) != first


def test_a_step_back_takes_everything_away_and_forward_again_brings_the_same(bare: Flask) -> None:
    migrate()
    make_voice(make_organization())
    go("base")
    left = db.inspect(db.engine).get_table_names()
    db.session.rollback()
    go("head")

    assert left == ["alembic_version"]
    assert differences() == []


def test_many_that_start_together_migrate_once(bare: Flask) -> None:
    def start() -> bool:
        with bare.app_context():
            return migrate()

    with ThreadPoolExecutor(4) as pool:
        did = list(pool.map(lambda _: start(), range(4)))

    assert sorted(did) == [False, False, False, True]


def test_a_store_that_is_up_to_date_waits_for_no_writer(bare: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceadmin.db.BUSY_SECONDS", 0)
    migrate()

    def again() -> bool:
        with bare.app_context():
            return migrate()

    with writing(), ThreadPoolExecutor(1) as other:
        make_change()
        did = other.submit(again).result()

    assert not did


def make_change() -> None:
    """Something that no other writer may pass."""
    db.session.execute(text("UPDATE store SET name = name"))


def test_a_store_of_a_newer_version_is_refused_and_left_alone(bare: Flask) -> None:
    migrate()
    with db.engine.connect().execution_options(**write_options()) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))

    with pytest.raises(StoreNotReady, match="newer version"):
        migrate()

    assert db.session.scalar(text("SELECT version_num FROM alembic_version")) == "from-the-future"


def test_a_new_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    app = create_app(Settings(instance=tmp_path / "new"))
    with app.app_context():
        migrate()
        make_organization()

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
        let_go()

    assert modes["voiceadmin.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    app = create_app(Settings(instance=tmp_path / "file" / "instance"))

    with app.app_context(), pytest.raises(StoreNotReady, match="VOICEADMIN_INSTANCE"):
        migrate()
