"""Read everything that a source of the platform lists, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import BinaryIO

from voiceadmin.sources.clients.outcomes import Broken, Incomplete, Outcome, RequestRecord
from voiceadmin.sources.clients.transport import OnPage
from voiceadmin.sources.clients.types import PlatformAssistant, UpstreamOrganization
from voiceadmin.sources.connecting import PLATFORMS, Connection, open_transport


@dataclass(frozen=True, slots=True)
class PlatformSnapshot:
    """What a source of the platform lists.

    Attributes:
        upstream_organization: the organization to which the key belongs.
        assistants: the outcome of their listing.
        voices: the list of voices as the platform sent it. It is deleted when it is closed.
        is_unchanged: whether the platform says that the list is the known one. Then `voices` is empty.
        etags: of the lists, by their path.
    """

    upstream_organization: UpstreamOrganization
    assistants: Outcome[PlatformAssistant]
    voices: BinaryIO
    is_unchanged: bool
    etags: Mapping[str, str]

    @property
    def assistants_message(self) -> str:
        """Why the listing of assistants is not complete, "" if it is."""
        return self.assistants.fault.message if isinstance(self.assistants, (Broken, Incomplete)) else ""

    def list_assistants(self) -> tuple[PlatformAssistant, ...]:
        """Return the assistants that could be read."""
        return () if isinstance(self.assistants, Broken) else self.assistants.items


@contextmanager
def read_platform(
    connection: Connection,
    etags: Mapping[str, str],
    on_request: Callable[[RequestRecord], None],
    on_page: OnPage = lambda *_: None,
) -> Iterator[PlatformSnapshot]:
    """Yield what a source lists.

    Args:
        connection: to the source.
        etags: of the known lists, by their path.
        on_request: called with a record of each attempt of a request.
        on_page: called with what is read, and the numbers of pages and entries so far.

    Raises:
        UpstreamFailed: if the organization or the list of voices cannot be read.
    """
    with open_transport(connection, on_request, on_page) as transport, TemporaryFile() as file:
        assistant_ids = connection.assistant_ids
        client = PLATFORMS[connection.kind](transport, assistant_ids)
        client.etags = dict(etags)
        organization = client.read_organization()
        assistants = client.list_assistants()
        on_page("voices", 0, 0)
        is_unchanged = not client.download_voices(file, assistant_ids)
        yield PlatformSnapshot(organization, _select(assistants, assistant_ids), file, is_unchanged, client.etags)


def _select(outcome: Outcome[PlatformAssistant], assistant_ids: tuple[int, ...]) -> Outcome[PlatformAssistant]:
    """Return a listing with only these assistants, with all if there are none."""
    if isinstance(outcome, Broken) or not assistant_ids:
        return outcome
    items = tuple(assistant for assistant in outcome.items if assistant.id in assistant_ids)
    return replace(outcome, items=items)
