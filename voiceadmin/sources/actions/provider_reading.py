"""Read everything that a provider lists, and ask it for single voices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from voiceadmin.sources.clients.outcomes import Complete, Outcome, RequestRecord, UpstreamFailed
from voiceadmin.sources.clients.transport import OnPage
from voiceadmin.sources.clients.types import LookUp, ProviderVoice, SlotReading
from voiceadmin.sources.connecting import PROVIDERS, Connection, hash_account, open_transport

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProviderSnapshot:
    """What a provider lists now.

    Attributes:
        account_hash: identifies the account behind the key; "" if the provider does not tell it, None if it could not
            be read.
        listings: the outcome of each listing by name.
        slots: empty if the provider does not tell them, None if they could not be read.
        look_up: asks for one voice. Usable while the snapshot is open.
    """

    account_hash: str | None
    listings: Mapping[str, Outcome[ProviderVoice]]
    slots: tuple[SlotReading, ...] | None
    look_up: Callable[[str], LookUp]

    @property
    def is_complete(self) -> bool:
        """Whether every listing was read to its end."""
        return all(isinstance(outcome, Complete) for outcome in self.listings.values())


@contextmanager
def read_provider(
    connection: Connection, on_request: Callable[[RequestRecord], None], on_page: OnPage = lambda *_: None
) -> Iterator[ProviderSnapshot]:
    """Yield what a provider lists. Listings that fail are part of it, and raise nothing.

    The account is read first: if it has changed, the lists are those of another account.

    Raises:
        UpstreamFailed: if keys must not be sent to the address.
    """
    with open_transport(connection, on_request, on_page) as transport:
        client = PROVIDERS[connection.kind](transport)
        account = _try(client.read_account)
        yield ProviderSnapshot(
            account_hash=hash_account(connection.kind, account) if account else account,
            listings=client.list_voices(),
            slots=_try(client.read_slots),
            look_up=client.look_up,
        )


def _try(request: Callable[[], T]) -> T | None:
    """Return the result of a request that a key need not be allowed to make, None if it fails."""
    try:
        return request()
    except UpstreamFailed:
        return None
