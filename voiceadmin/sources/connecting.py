"""Open the client of a source with its key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from voiceadmin.config import Settings
from voiceadmin.sources.clients import burki, cartesia, elevenlabs, inworld, resemble, voiceadmin
from voiceadmin.sources.clients.addresses import check_address, check_host
from voiceadmin.sources.clients.outcomes import RequestRecord, UpstreamFailed
from voiceadmin.sources.clients.rights import Check, check_rights
from voiceadmin.sources.clients.transport import OnPage, Transport
from voiceadmin.sources.clients.types import PlatformClient, ProviderClient, RightCheck
from voiceadmin.sources.keys import decrypt_key, read_variable
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import KeyTest, SourceKind, parse_ids

LIST_VOICES = "List voices"

DELETE_VOICES = "Delete voices"


@dataclass(frozen=True, slots=True)
class ClientKind:
    """How to reach an upstream. address: the base address; "" if each installation has its own."""

    address: str
    hosts: tuple[str, ...]
    build_headers: Callable[[str], dict[str, str]]


PLATFORMS: dict[SourceKind, Callable[[Transport, tuple[int, ...]], PlatformClient]] = {
    SourceKind.BURKI: lambda transport, _: burki.Burki(transport),
    SourceKind.VOICEADMIN: voiceadmin.Voiceadmin,
}

PROVIDERS: dict[SourceKind, Callable[[Transport], ProviderClient]] = {
    SourceKind.ELEVENLABS: elevenlabs.ElevenLabs,
    SourceKind.RESEMBLE: resemble.Resemble,
    SourceKind.INWORLD: inworld.Inworld,
    SourceKind.CARTESIA: cartesia.Cartesia,
}

WITHOUT_RIGHTS = {SourceKind.RESEMBLE}  # providers whose keys have no separate rights

WITHOUT_CREATION_TIME = {SourceKind.INWORLD}  # providers that never tell when a voice was created

WITHOUT_ACCOUNT = {SourceKind.CARTESIA}  # providers that tell neither the account of a key nor slots

CLIENT_KINDS = {
    kind: ClientKind(module.ADDRESS, module.HOSTS, module.build_headers)
    for kind, module in (
        (SourceKind.BURKI, burki),
        (SourceKind.VOICEADMIN, voiceadmin),
        (SourceKind.ELEVENLABS, elevenlabs),
        (SourceKind.RESEMBLE, resemble),
        (SourceKind.INWORLD, inworld),
        (SourceKind.CARTESIA, cartesia),
    )
}


@dataclass(frozen=True, slots=True)
class Connection:
    """What is needed to send requests to a source. It contains the key: never log or show it.

    Attributes:
        hosts: the value of VOICEADMIN_UPSTREAM_HOSTS.
        assistant_ids: of a platform source: the assistants that it names.
        proxy: the value of VOICEADMIN_UPSTREAM_PROXY.
        may_delete: whether voices may be deleted at the provider.
    """

    kind: SourceKind
    address: str
    key: str
    hosts: tuple[str, ...]
    assistant_ids: tuple[int, ...] = ()
    proxy: str = ""
    may_delete: bool = False

    def __repr__(self) -> str:
        """Return a text without the key."""
        return f"Connection({self.kind.value}, {self.address})"


def build_connection(source: Source, settings: Settings, environ: Mapping[str, str] = os.environ) -> Connection:
    """Return the connection of a source.

    Raises:
        SourceRefused: if its key cannot be read.
    """
    if source.key_variable is not None:
        key = read_variable(source.key_variable, environ)
    else:
        key = decrypt_key(source.encrypted_key or "", settings.encryption_keys)
    return Connection(
        SourceKind(source.kind),
        source.address,
        key,
        settings.upstream_hosts,
        parse_ids(source.assistant_ids),
        settings.upstream_proxy,
        may_delete=source.deletion_allowed_at is not None,
    )


@contextmanager
def open_transport(
    connection: Connection,
    on_request: Callable[[RequestRecord], None] = lambda _: None,
    on_page: OnPage = lambda *_: None,
) -> Iterator[Transport]:
    """Yield a transport with the key of a source.

    Raises:
        UpstreamFailed: if keys must not be sent to the address.
    """
    kind = CLIENT_KINDS[connection.kind]
    if connection.proxy:  # only the proxy need be able to resolve the host
        check_host(connection.address, kind.hosts, connection.hosts)
    else:
        check_address(connection.address, kind.hosts, connection.hosts)
    headers = kind.build_headers(connection.key)
    with Transport(connection.address, headers, on_request, on_page=on_page, proxy=connection.proxy) as transport:
        yield transport


def check_key_rights(connection: Connection, now: datetime) -> KeyTest:
    """Ask an upstream what a key may do. Sends requests; call it outside of transactions."""
    account: list[str] = []
    try:
        with open_transport(connection) as transport:
            rights = check_rights(_list_checks(connection, transport, account))
    except UpstreamFailed as failed:
        rights = (RightCheck(LIST_VOICES, None, failed.fault.message),)
    if connection.may_delete:
        rights = (*rights, _describe_deletion(connection.kind, is_working=rights[0].is_granted is True))
    return KeyTest(now, rights, hash_account(connection.kind, account[0]) if account and account[0] else "")


def _describe_deletion(kind: SourceKind, *, is_working: bool) -> RightCheck:
    """Return whether a key may delete voices. No request is sent: only a deletion would show it."""
    if is_working and kind in WITHOUT_RIGHTS:
        return RightCheck(DELETE_VOICES, True, f"Keys of {kind.label} have no separate rights.")
    message = f"{kind.label} shows this only when a voice is deleted." if is_working else "Not checked."
    return RightCheck(DELETE_VOICES, None, message)


def _list_checks(connection: Connection, transport: Transport, account: list[str]) -> tuple[Check, ...]:
    """Return the rights of a kind of source. account: gets what identifies the account."""
    kind = connection.kind
    if kind in PROVIDERS:
        provider = PROVIDERS[kind](transport)
        if kind in WITHOUT_ACCOUNT:
            return ((LIST_VOICES, provider.check_list),)
        return (
            (LIST_VOICES, provider.check_list),
            ("Read the account", lambda: account.append(provider.read_account())),
            ("Read slots", provider.read_slots),
        )
    platform = PLATFORMS[kind](transport, connection.assistant_ids)
    if kind is SourceKind.VOICEADMIN:
        return (LIST_VOICES, platform.check_list), ("Read each assistant", platform.check_assistants)
    return (
        (LIST_VOICES, platform.check_list),
        ("Read the organization", lambda: account.append(platform.read_organization()[0])),
        ("List assistants", platform.check_assistants),
    )


def hash_account(kind: SourceKind, account: str) -> str:
    """Return a hash of what identifies an account, which can be an e-mail address."""
    return hashlib.sha256(f"{kind.value} {account}".encode()).hexdigest()
