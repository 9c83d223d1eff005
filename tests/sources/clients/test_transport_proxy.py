"""Requests go through the proxy of the operator, which cannot read them; those to this machine do not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOW
from tests.upstream import elevenlabs
from tests.upstream.proxy import ConnectProxy, create_certificate
from tests.upstream.server import StandIn, as_json
from voiceadmin.sources.clients import transport
from voiceadmin.sources.clients.outcomes import FaultKind, UpstreamFailed
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.connecting import Connection, check_key_rights
from voiceadmin.sources.types import SourceKind

HOST = "api.elevenlabs.io"

KEY = "sk-planted-0123456789"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of the host."""
    return create_certificate(tmp_path, HOST)


@pytest.fixture
def upstream(certificate: tuple[Path, ssl.SSLContext]) -> Iterator[StandIn]:
    """A stand-in of ElevenLabs with TLS."""
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice("voice1")])
    world.keys = {KEY: elevenlabs.ALL_RIGHTS}
    stand_in = world.start()
    stand_in.use_tls(certificate[1])
    with stand_in.run():
        yield stand_in


@pytest.fixture
def proxy(upstream: StandIn) -> Iterator[ConnectProxy]:
    """A proxy that leads to the stand-in."""
    with ConnectProxy(upstream.port).run() as proxy:
        yield proxy


@pytest.fixture
def trusted(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate, in addition to nothing."""
    context = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(transport, "_create_ssl_context", lambda: context)


def connect(proxy: ConnectProxy, address: str = f"https://{HOST}") -> Transport:
    return Transport(address, {"xi-api-key": KEY}, proxy=proxy.address)


def fault_of(proxy: ConnectProxy) -> tuple[FaultKind, str]:
    """The fault of a request."""
    with connect(proxy) as client, pytest.raises(UpstreamFailed) as failed:
        client.get_json("/v2/voices")
    return failed.value.fault.kind, failed.value.fault.message


@pytest.mark.usefixtures("trusted")
def test_a_key_is_tested_through_a_proxy_that_cannot_read_it_and_resolves_the_host(
    upstream: StandIn, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(SourceKind.ELEVENLABS, f"https://{HOST}", KEY, (), (), proxy.address)
    resolve = socket.getaddrinfo

    def resolve_addresses(host: str, *words: Any, **fields: Any) -> Any:
        if host == HOST:
            raise OSError("no name server")
        return resolve(host, *words, **fields)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_addresses)

    assert check_key_rights(connection, NOW).works is True
    assert upstream.requests[0].headers["xi-api-key"] == KEY
    assert set(proxy.targets) == {f"{HOST}:443"}
    assert KEY.encode() not in proxy.received


def test_the_certificate_of_the_upstream_is_checked_behind_a_proxy(upstream: StandIn, proxy: ConnectProxy) -> None:
    kind, message = fault_of(proxy)

    assert (kind, message) == (FaultKind.INSECURE, f"The certificate of {HOST} is not valid. The key was not sent.")
    assert upstream.requests == []


def test_a_proxy_that_refuses_or_is_away_is_named(proxy: ConnectProxy) -> None:
    proxy.status = "403 Forbidden"
    refused = fault_of(proxy)
    proxy.address = "http://127.0.0.1:9"
    away = fault_of(proxy)

    assert refused[1].startswith(f"The proxy {refused[1].split()[2]} does not connect to {HOST}. Allow the host there")
    assert away[1] == (
        f"{HOST} cannot be reached through the proxy http://127.0.0.1:9. Check the network and "
        "VOICEADMIN_UPSTREAM_PROXY."
    )
    assert refused[0] is away[0] is FaultKind.UNREACHABLE


def test_this_machine_is_reached_without_the_proxy(proxy: ConnectProxy) -> None:
    with StandIn(lambda _: as_json({"voices": []})).run() as local, connect(proxy, local.address) as client:
        assert client.get_json("/v2/voices") == {"voices": []}
    assert proxy.targets == []
