"""A venue's WebSocket on the loopback: each connection plays the next of its scripts."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from aiohttp import WSMsgType, web

from local import feed

Script = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection as the venue sees it: `heard` is what the relay said, in order."""

    def __init__(self, socket: web.WebSocketResponse, played: asyncio.Event) -> None:
        self.socket, self.played = socket, played
        self.heard: list[str] = []
        self._more = asyncio.Event()

    async def send(self, *frames: str | bytes) -> None:
        """Send text as text frames, bytes as binary ones."""
        for frame in frames:
            if isinstance(frame, str):
                await self.socket.send_str(frame)
            else:
                await self.socket.send_bytes(frame)

    async def hears(self, wanted: Callable[[str], bool], seconds: float = 10) -> str:
        """Wait until the relay has said something of that kind."""
        async with asyncio.timeout(seconds):
            while True:
                for text in self.heard:
                    if wanted(text):
                        return text
                self._more.clear()
                await self._more.wait()

    async def read(self) -> None:
        """Take in what the relay says until it goes."""
        async for frame in self.socket:
            assert frame.type is WSMsgType.TEXT
            self.heard.append(frame.data)
            self._more.set()


class Venue:
    """The scripts left to play, the connections made; after the last script a line stays silent.

    `played` is set when a script of :func:`sends` has sent its frames.
    """

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = list(scripts)
        self.lines: list[Line] = []
        self.asked: list[str] = []
        self.answers: list[str] = []
        self.welcome = ""
        self.turns_away: int | None = None
        self.played = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.address = ""

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Open a WebSocket and play the next script; it closes when the script ends.

        With `turns_away` it answers that HTTP status instead.
        """
        if self.turns_away is not None:
            return web.Response(status=self.turns_away)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.asked.append(request.path_qs)
        line = Line(socket, self.played)
        self.lines.append(line)
        script = self.scripts.pop(0) if self.scripts else _silent

        async def play() -> None:
            await script(line)
            await socket.close()

        reading = asyncio.create_task(line.read())
        if self.welcome:
            # Nothing may be said before it.
            await asyncio.sleep(0.05)
            assert not line.heard
            await line.send(self.welcome)
        playing = asyncio.create_task(play())
        self.tasks.append(playing)
        await reading
        playing.cancel()
        return socket

    async def token(self, _request: web.Request) -> web.Response:
        """KuCoin's answer to `bullet-public`; of what is in `answers` each once before it."""
        if self.answers:
            return web.Response(text=self.answers.pop(0))
        self.welcome = '{"id":"w","type":"welcome"}'
        server = {"endpoint": self.address, "pingInterval": 50, "pingTimeout": 10_000}
        data = {"token": "t&1", "instanceServers": [server]}
        return web.json_response({"code": "200000", "data": data})


@asynccontextmanager
async def venue(*scripts: Script) -> AsyncIterator[Venue]:
    """Serve a venue on a free port; a script that failed fails the test at the end."""
    made = Venue(scripts)
    application = web.Application()
    application.router.add_get("/feed", made.connect)
    application.router.add_post("/token", made.token)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        made.address = f"ws://127.0.0.1:{port}/feed"
        yield made
        for task in made.tasks:
            if task.done() and not task.cancelled():
                task.result()
    finally:
        await runner.cleanup()


async def interrupted(
    command: asyncio.subprocess.Process, served: Venue | None = None
) -> tuple[int, str, str]:
    """Interrupt a command when the venue has sent all, or let it end; status, output, errors."""
    if served is not None:
        ended = asyncio.create_task(command.wait())
        played = asyncio.create_task(served.played.wait())
        await asyncio.wait({ended, played}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        played.cancel()
        if not ended.done():
            command.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(command.communicate(), 60)
    return command.returncode or 0, out.decode(), err.decode()


async def _silent(_line: Line) -> None:
    await asyncio.Event().wait()


def sends(*frames: str | bytes, then: Script | None = None, hang_up: bool = False) -> Script:
    """Wait for the subscription, send frames, and hang up, play another script or stay silent."""

    async def script(line: Line) -> None:
        await line.hears(lambda text: bool(text))
        await line.send(*frames)
        if hang_up:
            return
        line.played.set()
        await (then or _silent)(line)

    return script


def trades(exchange: str, count: int, first: int = 1) -> list[str]:
    """Frames of one trade each, of now, as the venue writes them; the prices tell them apart."""
    quote = "USD" if exchange in ("coinbase_exchange", "kraken", "gemini") else "USDT"
    market = feed.Market(exchange, "BTC", quote, "0.01", 0.0)
    frames = []
    for number in range(first, first + count):
        price = Decimal(90_000) + number
        trade = feed.Print(market, price, Decimal("0.5"), time.time_ns(), number, True)
        frames.append(feed.ENCODERS[exchange]([trade]))
    return frames


def said(line: Line) -> list[Any]:
    """What the relay said, as JSON where it is JSON."""
    return [json.loads(text) if text[:1] in "[{" else text for text in line.heard]
