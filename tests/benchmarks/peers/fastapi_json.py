"""FastAPI as in its documentation: ORM entities through a response model, in a plain function."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.benchmarks.peers import tables

app = FastAPI()
engine = create_engine(tables.database_url())


class Voice(BaseModel):
    """A cloned voice in a response."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    provider: str
    provider_voice_id: str
    language: str | None
    gender: str | None
    status: str
    quality_score: float | None
    created_at: datetime
    last_used_at: datetime | None
    synthesis_count: int


class Answer(BaseModel):
    """The list."""

    success: bool
    cloned_voices: list[Voice]


def session() -> Iterator[Session]:
    """One session per request."""
    with Session(engine) as opened:
        yield opened


@app.get("/json", response_model=Answer)
def list_voices(organization_id: int, session: Annotated[Session, Depends(session)]) -> object:
    statement = select(tables.Voice).where(tables.Voice.organization_id == organization_id).order_by(tables.Voice.id)
    return {"success": True, "cloned_voices": session.scalars(statement).all()}
