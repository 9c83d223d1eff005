"""Create the database of the benchmarks: the same rows in every run, in the migrated schema.

Rows are written in the order of their ids. The ids of the voices of an
organization are spread over all ids, as they are upstream, where ids are assigned
in order of creation.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import shutil
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import insert, text

from tests.benchmarks import loader
from tests.benchmarks.credentials import SETTINGS, create_credentials
from tests.benchmarks.peers.fields import FIELDS
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.migrations import head_revision
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.text import build_name_key
from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

SOURCES = (Path(__file__), Path(loader.__file__))  # a database of other versions of these is created again
TODAY = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SEARCH_TEXT = "Alder"  # the text of the search; one name in fifty contains it
NAMES = (
    *("Alder", "Amber", "Aspen", "Basil", "Birch", "Briar", "Brook", "Cedar", "Clover", "Coral", "Dahlia", "Daisy"),
    *("Elm", "Fern", "Flint", "Garnet", "Hazel", "Heather", "Holly", "Iris", "Ivy", "Jade", "Jasper", "Juniper"),
    *("Laurel", "Lily", "Linden", "Maple", "Marigold", "Meadow", "Myrtle", "Oak", "Olive", "Onyx", "Opal", "Pearl"),
    *("Poppy", "Quartz", "Reed", "River", "Robin", "Rose", "Rowan", "Sage", "Sky", "Sorrel", "Thyme", "Violet"),
    *("Willow", "Wren"),
)
STYLES = ("warm", "bright", "calm", "brisk", "low", "soft", "clear", "night")
LANGUAGES = ("en", "en-GB", "es", "de", "fr", "pt-BR", None)
GENDERS = ("female", "male", None)
PROVIDERS = {Provider.ELEVENLABS: 11, Provider.RESEMBLE: 4, Provider.INWORLD: 3, Provider.CARTESIA: 2}
STATUSES = {VoiceStatus.READY: 14, VoiceStatus.ARCHIVED: 3, VoiceStatus.FAILED: 2, VoiceStatus.PROCESSING: 1}


@dataclass(frozen=True)
class Plan:
    """The size of a database. big: the voices of the first organizations; the others share the rest evenly.

    Organizations are numbered from 1. Their only assistant has the same id. copies: how many times the database has all
    this, each time with other ids and organizations.
    """

    voices: int
    organizations: int
    big: tuple[int, ...] = (100_000, 10_000, 1_000, 100)
    copies: int = 1

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.voices * self.copies}-voices-{self.organizations * self.copies}-organizations"

    def owner_of(self, size: int) -> int:
        """The id of the organization that has so many voices by plan."""
        return self.big.index(size) + 1

    def owners(self) -> array[int]:
        """The organization of each voice, by the voice's id, less one. The same at every call."""
        rest, others = self.voices - sum(self.big), self.organizations - len(self.big)
        owners = array("l")
        for organization, size in enumerate(self.big, 1):
            owners.extend(array("l", [organization]) * size)
        owners.extend(array("l", (len(self.big) + 1 + number % others for number in range(rest))))
        random.Random(self.name).shuffle(owners)
        return owners


def generate_voices(plan: Plan) -> Iterator[tuple[int, VoiceRow]]:
    """Every voice of the database with its organization, by id."""
    known: set[int] = set()
    generator = random.Random(1)
    for id, organization in enumerate(plan.owners(), 1):
        row = generate_voice(id, generator)
        if organization not in known:  # the voice that `Touch` writes to; no measured list shows it
            known.add(organization)
            row = row._replace(status=VoiceStatus.PROCESSING, last_used_at=None, synthesis_count=0)
        yield organization, row


def generate_voice(id: int, generator: random.Random) -> VoiceRow:
    """A realistic voice. Times are whole seconds, which every program formats in the same way."""
    status = _pick(STATUSES, generator)
    created = TODAY - timedelta(seconds=generator.randrange(60_000_000))
    used = status in (VoiceStatus.READY, VoiceStatus.ARCHIVED) and generator.random() < 0.7
    return VoiceRow(
        id=id,
        name=f"{NAMES[generator.randrange(len(NAMES))]}, {STYLES[id % len(STYLES)]} {id}",
        provider=_pick(PROVIDERS, generator).value,
        provider_voice_id=f"voice_{id * 2_654_435_761 % 2**32:08x}",
        language=LANGUAGES[generator.randrange(len(LANGUAGES))],
        gender=GENDERS[generator.randrange(len(GENDERS))],
        status=status,
        quality_score=None if id % 10 == 0 else generator.randrange(500, 1000) / 1000,
        created_at=created,
        last_used_at=created + (TODAY - created) * generator.random() // timedelta(seconds=1) * timedelta(seconds=1)
        if used
        else None,
        synthesis_count=int(generator.expovariate(1 / 800)) + 1 if used else 0,
    )


def _pick(weights: dict[Any, int], generator: random.Random) -> Any:
    number = generator.randrange(20)
    for value, weight in weights.items():
        number -= weight
        if number < 0:
            return value
    raise AssertionError("the sum of the weights must be 20")


class BenchmarkDatabase:
    """A complete database. address: of the PostgreSQL database, or None for an SQLite file."""

    def __init__(self, plan: Plan, folder: Path, address: str | None = None) -> None:
        self.plan, self.folder, self.address = plan, folder, address

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.folder / "voiceadmin.sqlite"

    @property
    def settings(self) -> Settings:
        """The settings of voiceadmin for this database."""
        if self.address is None:
            return Settings(instance=self.folder)
        return Settings(instance=self.folder, database_url=self.address.replace("postgresql:", "postgresql+psycopg:"))

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of a server for this database."""
        ours = {"VOICEADMIN_INSTANCE": str(self.folder)} | SETTINGS
        if self.address is not None:
            ours["VOICEADMIN_DATABASE_URL"] = self.address
        return ours | {"BENCH_DATABASE": self.address or str(self.file), "BENCH_FRAGMENTS": str(fragments_path(self))}


def create_database(
    plan: Plan, folder: Path, log_progress: Callable[[str], None], address: str | None = None
) -> BenchmarkDatabase:
    """Create the database of a plan, or reuse that of an earlier run if it is complete and has the current schema."""
    kind = "sqlite" if address is None else "postgresql"
    database = BenchmarkDatabase(plan, folder / f"{kind}-{plan.name}", address)
    stamp, version = (
        database.folder / "finished",
        f"{head_revision()} {hashlib.sha256(b''.join(source.read_bytes() for source in SOURCES)).hexdigest()}",
    )
    if stamp.exists() and stamp.read_text("utf-8") == version:
        _write_fragments(database)  # a run may have been stopped between two writes
        create_credentials(database.settings)
        return database
    for old_folder in [database.folder, *(folder.glob(f"{kind}-*") if address is not None else [])]:
        shutil.rmtree(old_folder, ignore_errors=True)  # a PostgreSQL server has only one of the databases
    log_progress(f"Creating a database: {plan.name.replace('-', ' ')} ({kind}) ...")
    app = create_app(database.settings)
    with app.app_context():
        if address is not None:
            with db.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
        prepare_database()
        fill_database(plan)
        optimize_database()
        dispose_engine()
    create_credentials(database.settings)
    database.folder.mkdir(parents=True, exist_ok=True)
    _write_fragments(database)
    stamp.write_text(version, "utf-8")
    return database


def fill_database(plan: Plan, voices: Iterable[tuple[int, VoiceRow]] | None = None) -> None:
    """Write the organizations, assistants and voices of a plan to an empty, migrated database.

    Args:
        plan: how many there are.
        voices: other voices than those of the plan, with their organizations.
    """
    create_organizations(plan.organizations * plan.copies)
    steps = [loader.Step(plan.voices * number, plan.organizations * number) for number in range(1, plan.copies)]
    loader.load_voices(generate_voices(plan) if voices is None else voices, steps)
    with write_transaction():  # each assistant uses a voice of its organization with any status
        db.session.execute(
            text(
                "UPDATE assistant SET (tts_provider, tts_voice_id) = (SELECT provider, provider_voice_id"
                " FROM cloned_voice WHERE organization_id = assistant.organization_id AND id % 3 = 0 LIMIT 1)"
            )
        )


def create_organizations(count: int, *, first: int = 1) -> None:
    """Write organizations, each with an assistant of the same id. first: the first id."""
    with write_transaction():
        ids = range(first, first + count)
        names = [f"Organization {id}" for id in ids]
        keys = [{"id": id, "name": name} for id, name in zip(ids, names, strict=True)]
        db.session.execute(insert(Organization), [key | {"revision": secrets.randbits(63)} for key in keys])
        db.session.execute(
            insert(Assistant),
            [key | {"organization_id": key["id"], "name_key": build_name_key(str(key["name"]))} for key in keys],
        )


def optimize_database() -> None:
    """Do at once what happens in the background: PostgreSQL vacuums and analyzes, SQLite empties its log."""
    statement = "VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.connection.cursor().execute(statement)


# The data of the minimal programs


def fragments_path(database: BenchmarkDatabase) -> Path:
    """The SQLite file with the JSON of each voice of the measured organizations, in the order of the list.

    The other organizations are left out: in a clustered table they make no difference.
    """
    return database.folder / "fragments.sqlite"


def _write_fragments(database: BenchmarkDatabase) -> None:
    if database.address is not None:
        return
    fragments_path(database).unlink(missing_ok=True)
    source = sqlite3.connect(database.file)
    target = sqlite3.connect(fragments_path(database))
    with target:
        target.execute(
            "CREATE TABLE fragment (organization_id INTEGER, id INTEGER, json TEXT, PRIMARY KEY (organization_id, id))"
            " WITHOUT ROWID"
        )
        target.executemany(
            "INSERT INTO fragment VALUES (?, ?, ?)",
            source.execute(
                "SELECT organization_id, id, json_object("
                "'id', id, 'name', name, 'provider', provider, 'provider_voice_id', provider_voice_id, "
                "'language', language, 'gender', gender, 'status', status, 'quality_score', quality_score, "
                "'created_at', substr(created_at, 1, 19) || 'Z', 'last_used_at', substr(last_used_at, 1, 19) || 'Z', "
                "'synthesis_count', synthesis_count) FROM cloned_voice WHERE organization_id <= ? ORDER BY 1, 2",
                [len(database.plan.big)],
            ),
        )
    source.close()
    target.close()


def create_plain_database(database: BenchmarkDatabase) -> BenchmarkDatabase:
    """A database for the other programs: the same rows, only their own columns, one index for the filters, no triggers.

    It is created again in every run, and so has the current rows.
    """
    plain = BenchmarkDatabase(database.plan, database.folder / "plain")
    shutil.rmtree(plain.folder, ignore_errors=True)
    plain.folder.mkdir()
    connection = sqlite3.connect(plain.file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("ATTACH ? AS source", [str(database.file)])
    connection.executescript(
        f"""
        CREATE TABLE organization (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE cloned_voice (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, provider TEXT NOT NULL, provider_voice_id TEXT NOT NULL,
            language TEXT, gender TEXT, status TEXT NOT NULL, quality_score REAL, created_at TEXT NOT NULL,
            last_used_at TEXT, synthesis_count INTEGER NOT NULL,
            organization_id INTEGER NOT NULL REFERENCES organization
        );
        INSERT INTO organization SELECT id, name FROM source.organization;
        INSERT INTO cloned_voice SELECT {", ".join(FIELDS)}, organization_id FROM source.cloned_voice ORDER BY id;
        CREATE INDEX plain ON cloned_voice (organization_id, status, provider);
        """
    )
    connection.close()
    return plain


def build_fragments_body(database: BenchmarkDatabase, organization: int) -> bytes:
    """The JSON of all voices of an organization, built from its fragments."""
    connection = sqlite3.connect(fragments_path(database))
    found = connection.execute("SELECT json FROM fragment WHERE organization_id = ? ORDER BY id", [organization])
    body = ",".join(json for (json,) in found)
    connection.close()
    return b'{"success":true,"cloned_voices":[' + body.encode() + b"]}"


class Touch:
    """Writes to one voice of an organization, as its use does, which invalidates every cached response.

    The voice has the status processing. Every second call and `close` restore its
    original value.
    """

    def __init__(self, database: BenchmarkDatabase) -> None:
        self.connection: Any = (
            sqlite3.connect(database.file, isolation_level=None, timeout=10)
            if database.address is None
            else psycopg.connect(database.address, autocommit=True)
        )
        self.placeholder = "?" if database.address is None else "%s"
        if database.address is None:
            self.connection.execute("PRAGMA synchronous=NORMAL")
        self.voice_ids: dict[int, int] = {}
        self.changed: set[int] = set()

    def __call__(self, organization: int) -> None:
        if organization not in self.voice_ids:
            (self.voice_ids[organization],) = self.connection.execute(
                "SELECT min(id) FROM cloned_voice WHERE status = 'processing' AND synthesis_count = 0"
                f" AND organization_id = {self.placeholder}",
                [organization],
            ).fetchone()
        self.connection.execute(
            f"UPDATE cloned_voice SET synthesis_count = 1 - synthesis_count WHERE id = {self.placeholder}",
            [self.voice_ids[organization]],
        )
        self.changed ^= {organization}

    def close(self) -> None:
        for organization in list(self.changed):
            self(organization)
        self.connection.close()
