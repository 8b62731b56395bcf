"""Why a venue is not reached is told by what really happens on a socket, with what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from client.unreached import Unreached, unreached

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer HTTP to whatever is said, as a plain port does to TLS."""
    await reader.read(65_536)
    writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    writer.close()


async def _nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def _tried(address: str, seconds: float = 60) -> Unreached:
    async with aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientError, OSError)) as raised:
            async with asyncio.timeout(seconds):
                await session.ws_connect(address)
    return unreached(raised.value, address)


async def _at(handler: Handler, scheme: str, seconds: float = 60) -> Unreached:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await _tried(f"{scheme}://127.0.0.1:{port}/feed", seconds)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = asyncio.run(_tried(f"ws://127.0.0.1:{port}/feed"))
    assert told.why == f"127.0.0.1:{port} refuses the connection"
    assert "firewall" in told.do


def test_a_name_that_nobody_has() -> None:
    """`.invalid` is never anybody's: https://www.rfc-editor.org/rfc/rfc6761#section-6.4."""
    told = asyncio.run(_tried("wss://venue.invalid/feed"))
    assert told.why.startswith("the name of venue.invalid is not found")
    assert "DNS" in told.do


def test_a_port_that_speaks_no_tls() -> None:
    told = asyncio.run(_at(_plain, "wss"))
    assert told.why.startswith("no TLS with 127.0.0.1")
    assert "ws:// instead of wss://" in told.do


def test_a_port_that_speaks_http_only() -> None:
    told = asyncio.run(_at(_plain, "ws"))
    assert told.why.endswith("answers HTTP 400")
    assert "--socket" in told.do


def test_a_port_that_says_nothing() -> None:
    told = asyncio.run(_at(_nothing, "ws", seconds=0.1))
    assert told.why.endswith("does not answer")
    assert "firewall" in told.do


def test_a_port_that_hangs_up() -> None:
    told = asyncio.run(_at(_hangs_up, "ws"))
    assert "Server disconnected" in told.why
    assert "network" in told.do


def test_a_certificate_that_is_not_trusted() -> None:
    key = ConnectionKey("venue.example", 443, True, True, None, None, None)
    wrong = ssl.SSLCertVerificationError(1, "self-signed certificate")
    told = unreached(
        aiohttp.ClientConnectorCertificateError(key, wrong), "wss://venue.example/feed"
    )
    assert told.why.startswith("the certificate of venue.example is not trusted: ")
    assert "self-signed certificate" in told.why
    assert "SSL_CERT_FILE" in told.do


def test_a_proxy_that_is_not_there() -> None:
    async def session() -> Unreached:
        address = "ws://venue.example/feed"
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError) as raised:
                await session.ws_connect(address, proxy="http://127.0.0.1:1")
        return unreached(raised.value, address)

    told = asyncio.run(session())
    assert told.why.startswith("the proxy does not let through to venue.example")
    assert "HTTPS_PROXY" in told.do


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (401, "does not serve this place"),
        (403, "does not serve this place"),
        (418, "too often"),
        (502, "tries again by itself"),
        (200, "no WebSocket of the venue"),
        (301, "no WebSocket of the venue"),
    ],
)
def test_a_status_tells_what_to_do(status: int, step: str) -> None:
    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d Told\r\ncontent-length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    told = asyncio.run(_at(answered, "ws"))
    assert told.why.endswith(f"answers HTTP {status}")
    assert step in told.do
