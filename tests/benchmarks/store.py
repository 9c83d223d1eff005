"""Makes the store that everything is measured over: the same rows every time, in the migrated schema.

Rows go in through `upsert`, as an import writes them, triggers on, in the
order of their ids. The voices of one organization are scattered among those of
all others, as they are upstream, where an id is given when a voice is made.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import insert, text

from tests.benchmarks.admitted import AMPLE, admit
from tests.benchmarks.peers.words import FIELDS
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.migrations import head_revision
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.text import build_name_key
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

BATCH = 1000  # voices a statement
COMMIT = 50  # batches a transaction
TODAY = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SOUGHT = "Alder"  # the text of the search: one name in fifty has it
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
    """How large a store is: `big` are the voices of the first organizations, the others share the rest evenly.

    An organization's only assistant has the id of its organization, which is its place in the plan, from 1.
    """

    voices: int
    organizations: int
    big: tuple[int, ...] = (100_000, 10_000, 1_000, 100)

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.voices}-voices-{self.organizations}-organizations"

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


def voices(plan: Plan) -> Iterator[tuple[int, VoiceRow]]:
    """Every voice of the store with its organization, by id."""
    known: set[int] = set()
    chance = random.Random(1)
    for id, organization in enumerate(plan.owners(), 1):
        row = some_voice(id, chance)
        if organization not in known:  # each has one that no measured list shows, to be written to; see `Touch`
            known.add(organization)
            row = row._replace(status=VoiceStatus.PROCESSING, last_used_at=None, synthesis_count=0)
        yield organization, row


def some_voice(id: int, chance: random.Random) -> VoiceRow:
    """A believable voice. Times are of whole seconds, which every peer writes alike."""
    status = _pick(STATUSES, chance)
    created = TODAY - timedelta(seconds=chance.randrange(60_000_000))
    used = status in (VoiceStatus.READY, VoiceStatus.ARCHIVED) and chance.random() < 0.7
    return VoiceRow(
        id=id,
        name=f"{NAMES[chance.randrange(len(NAMES))]}, {STYLES[id % len(STYLES)]} {id}",
        provider=_pick(PROVIDERS, chance).value,
        provider_voice_id=f"voice_{id * 2_654_435_761 % 2**32:08x}",
        language=LANGUAGES[chance.randrange(len(LANGUAGES))],
        gender=GENDERS[chance.randrange(len(GENDERS))],
        status=status,
        quality_score=None if id % 10 == 0 else chance.randrange(500, 1000) / 1000,
        created_at=created,
        last_used_at=created + (TODAY - created) * chance.random() // timedelta(seconds=1) * timedelta(seconds=1)
        if used
        else None,
        synthesis_count=int(chance.expovariate(1 / 800)) + 1 if used else 0,
    )


def _pick(weights: dict[Any, int], chance: random.Random) -> Any:
    number = chance.randrange(20)
    for word, weight in weights.items():
        number -= weight
        if number < 0:
            return word
    raise AssertionError("the weights make 20")


class DatabaseIdentity:
    """A finished store. address: a PostgreSQL's, or None for the SQLite file."""

    def __init__(self, plan: Plan, folder: Path, address: str | None = None) -> None:
        self.plan, self.folder, self.address = plan, folder, address

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.folder / "voiceadmin.sqlite"

    @property
    def settings(self) -> Settings:
        """What our own program needs to find it."""
        if self.address is None:
            return Settings(instance=self.folder)
        return Settings(instance=self.folder, database_url=self.address.replace("postgresql:", "postgresql+psycopg:"))

    @property
    def environ(self) -> dict[str, str]:
        """The same for a program that is started."""
        ours = {"VOICEADMIN_INSTANCE": str(self.folder)} | AMPLE
        if self.address is not None:
            ours["VOICEADMIN_DATABASE_URL"] = self.address
        return ours | {"BENCH_STORE": self.address or str(self.file), "BENCH_FRAGMENTS": str(fragments_file(self))}


def make_store(plan: Plan, folder: Path, say: Callable[[str], None], address: str | None = None) -> DatabaseIdentity:
    """The store of this plan, from an earlier run if its folder has one that is finished and of this schema."""
    kind = "sqlite" if address is None else "postgresql"
    store = DatabaseIdentity(plan, folder / f"{kind}-{plan.name}", address)
    stamp, wanted = (
        store.folder / "finished",
        f"{head_revision()} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}",
    )
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        _write_fragments(store)  # anew, should a run have been stopped between two writes
        admit(store.settings)
        return store
    for former in [store.folder, *(folder.glob(f"{kind}-*") if address is not None else [])]:
        shutil.rmtree(former, ignore_errors=True)  # a PostgreSQL holds but one store
    say(f"Making a store of {plan.voices:,} voices in {plan.organizations:,} organizations ({kind}) ...")
    app = create_app(store.settings)
    with app.app_context():
        if address is not None:
            with db.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
        prepare_database()
        _fill(plan)
        _settle()
        dispose_engine()
    admit(store.settings)
    store.folder.mkdir(parents=True, exist_ok=True)
    _write_fragments(store)
    stamp.write_text(wanted, "utf-8")
    return store


def _fill(plan: Plan) -> None:
    if db.engine.dialect.name == "sqlite":  # else ten million rows are more often read back than written
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA cache_size=-1000000")  # KiB; the pool has but this connection
    with write_transaction():
        ids = range(1, plan.organizations + 1)
        names = [f"Organization {id}" for id in ids]
        keys = [{"id": id, "name": name} for id, name in zip(ids, names, strict=True)]
        db.session.execute(insert(Organization), keys)
        db.session.execute(
            insert(Assistant),
            [key | {"organization_id": key["id"], "name_key": build_name_key(str(key["name"]))} for key in keys],
        )
    rows = (build_voice_columns(row, organization) for organization, row in voices(plan))
    more = True
    while more:
        with write_transaction():
            for _ in range(COMMIT):
                batch = list(islice(rows, BATCH))
                more = bool(batch)
                if not more:
                    break
                db.session.execute(upsert_statement(ClonedVoice), batch)
    with write_transaction():  # each assistant speaks with a voice of its organization, whatever its status
        db.session.execute(
            text(
                "UPDATE assistant SET (tts_provider, tts_voice_id) = (SELECT provider, provider_voice_id"
                " FROM cloned_voice WHERE organization_id = assistant.organization_id AND id % 3 = 0 LIMIT 1)"
            )
        )


def _settle() -> None:
    """What time does by itself: PostgreSQL vacuums and counts in the background, SQLite empties its log."""
    statement = "VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.connection.cursor().execute(statement)


# What the limits read


def fragments_file(store: DatabaseIdentity) -> Path:
    """A SQLite file with the finished JSON of each voice of the measured organizations, in the order of the list.

    The others are left out: a clustered table makes them no difference.
    """
    return store.folder / "fragments.sqlite"


def _write_fragments(store: DatabaseIdentity) -> None:
    if store.address is not None:
        return
    fragments_file(store).unlink(missing_ok=True)
    source = sqlite3.connect(store.file)
    target = sqlite3.connect(fragments_file(store))
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
                [len(store.plan.big)],
            ),
        )
    source.close()
    target.close()


def plain_store(store: DatabaseIdentity) -> DatabaseIdentity:
    """The same rows as their users would keep them for a peer: the fields alone, an index for the filters, no triggers.

    Made anew each time, so it has the rows that the store has now.
    """
    plain = DatabaseIdentity(store.plan, store.folder / "plain")
    shutil.rmtree(plain.folder, ignore_errors=True)
    plain.folder.mkdir()
    connection = sqlite3.connect(plain.file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("ATTACH ? AS source", [str(store.file)])
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


def fragments_answer(store: DatabaseIdentity, organization: int) -> bytes:
    """The whole JSON of an organization, made of its fragments."""
    connection = sqlite3.connect(fragments_file(store))
    found = connection.execute("SELECT json FROM fragment WHERE organization_id = ? ORDER BY id", [organization])
    body = ",".join(json for (json,) in found)
    connection.close()
    return b'{"success":true,"cloned_voices":[' + body.encode() + b"]}"


class Touch:
    """Writes to one voice of an organization, as a use of it does, so that no answer of before is still good.

    The voice is one that is still processing. Every second call undoes the one
    before, and so does the end.
    """

    def __init__(self, store: DatabaseIdentity) -> None:
        self.connection: Any = (
            sqlite3.connect(store.file, isolation_level=None, timeout=10)
            if store.address is None
            else psycopg.connect(store.address, autocommit=True)
        )
        self.mark = "?" if store.address is None else "%s"
        if store.address is None:
            self.connection.execute("PRAGMA synchronous=NORMAL")
        self.known: dict[int, int] = {}
        self.changed: set[int] = set()

    def __call__(self, organization: int) -> None:
        if organization not in self.known:
            (self.known[organization],) = self.connection.execute(
                "SELECT min(id) FROM cloned_voice WHERE status = 'processing' AND synthesis_count = 0"
                f" AND organization_id = {self.mark}",
                [organization],
            ).fetchone()
        self.connection.execute(
            f"UPDATE cloned_voice SET synthesis_count = 1 - synthesis_count WHERE id = {self.mark}",
            [self.known[organization]],
        )
        self.changed ^= {organization}

    def close(self) -> None:
        for organization in list(self.changed):
            self(organization)
        self.connection.close()
