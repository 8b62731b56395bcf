"""A venue's WebSocket relayed to the webhook: read, buffered, batched, signed, delivered.

A frame is passed on as it came when it holds a price, or anything that may have been one and the
pipeline should keep with its reason. Control frames, quotes and the like are counted. While the
webhook is slow or away, frames wait in a bounded buffer; when that is full the oldest is dropped,
because the newest price is the one worth having. Every frame that was to be passed on is counted
as exactly one of accepted, refused, dropped, undelivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import aiohttp

from client.feeds import FEEDS, UnusableFrame
from client.unreached import unreached
from lambdas import exchanges
from lambdas.domain import payloads
from lambdas.domain.ticks import Limits, UnreadableMessage
from local import messages, replay
from local.backoff import Backoff
from local.messages import Message

_HEARTBEAT_SECONDS = 20
_CLOSE_SECONDS = 2
_LARGEST_FRAME_BYTES = 16 * 2**20
_BUFFERED_BYTES = 64 * 2**20
_LEVELS_OF_A_BATCH = 2
_BAD_GATEWAY = 502
_UNRECOGNISED = "unrecognised-message"
_RECONNECTING = Backoff(first_seconds=1, most_seconds=60)


class Hopeless(Exception):
    """Going on would change nothing: the venue or the webhook refuses; the message says what."""


class _Broken(Exception):
    """A connection that ended."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much goes together, how long it may wait, and how patient the relay is.

    A batch leaves when it holds `batch` frames, or when its first has waited `linger_seconds`.
    """

    batch: int = 100
    linger_seconds: float = 1.0
    buffer: int = 10_000
    reconnecting: Backoff = _RECONNECTING
    retrying: Backoff = replay.PATIENCE
    grace_seconds: float = 30


@dataclass(slots=True)
class Tally:
    """What came, and what became of it; all but `ticks` and `requests` count frames or events.

    `waiting` is in the buffer or under way; at the end it has become `undelivered`. Of `attempts`
    to connect some became `connections`; `remedy` is what to do while the last became none.
    """

    attempts: int = 0
    connections: int = 0
    breaks: int = 0
    last_break: str = ""
    remedy: str = ""
    frames: int = 0
    passed: int = 0
    unrecognised: int = 0
    ticks: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    dropped: int = 0
    accepted: int = 0
    requests: int = 0
    retries: int = 0
    last_answer: str = ""
    last_status: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    undelivered: int = 0

    @property
    def lost(self) -> int:
        """Frames that should have been delivered and were not."""
        return self.dropped + self.refused.total() + self.undelivered


class Buffer:
    """Frames that wait, oldest first, bounded in number and bytes."""

    def __init__(self, most: int, most_bytes: int = _BUFFERED_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._bodies: deque[bytes] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._bodies)

    def put(self, body: bytes) -> int:
        """Add a frame; returns how many of the oldest had to go for it."""
        self._bodies.append(body)
        self._bytes += len(body)
        dropped = 0
        while len(self._bodies) > self._most or self._bytes > self._most_bytes:
            self._bytes -= len(self._bodies.popleft())
            dropped += 1
        return dropped

    def holds(self, count: int, size: int) -> bool:
        """Whether a batch of so many frames, or of so many bytes, is there."""
        return len(self._bodies) >= count or self._bytes >= size

    def take(self, count: int, size: int) -> list[bytes]:
        """Remove the oldest frames that make one body: at most so many, and of so many bytes."""
        taken: list[bytes] = []
        sizes: list[int] = []
        while self._bodies and len(taken) < count:
            sizes.append(len(self._bodies[0]))
            if taken and messages.size_together(sizes) > size:
                break
            taken.append(self._bodies.popleft())
            self._bytes -= sizes[len(taken) - 1]
        return taken


class Relay:
    """One venue's markets relayed to one webhook, until it is stopped."""

    def __init__(
        self,
        venue: str,
        markets: Sequence[str],
        webhook: replay.Webhook,
        limits: Limits,
        pace: Pace | None = None,
        address: str | None = None,
        proxied: bool = False,
    ) -> None:
        self.tally = Tally()
        self._venue, self._feed, self._markets = venue, FEEDS[venue], markets
        self._webhook, self._pace = webhook, pace or Pace()
        # Within a batch a frame lies two levels deeper.
        nesting = limits.maximum_nesting - _LEVELS_OF_A_BATCH
        self._limits = replace(limits, maximum_nesting=nesting)
        self._address, self._proxied = address or self._feed.address, proxied
        self._buffer = Buffer(self._pace.buffer)
        self._under_way = 0
        self._stopping = False
        self._news = asyncio.Event()
        self._run, self._number = secrets.token_hex(6), 0

    async def run(self, stop: asyncio.Event, abandon: asyncio.Event) -> None:
        """Relay until `stop`; then deliver what waits, for a while at most, or until `abandon`.

        Raises :class:`Hopeless` when the venue refuses the subscription before any price came, or
        when the webhook would refuse every message.
        """
        async with aiohttp.ClientSession(trust_env=self._proxied) as session:
            listening = asyncio.create_task(self._listen(session))
            delivering = asyncio.create_task(self._deliver(session))
            waiting = asyncio.create_task(stop.wait())
            giving_up = asyncio.create_task(abandon.wait())
            tasks = (listening, delivering, waiting, giving_up)
            try:
                await asyncio.wait(
                    {listening, delivering, waiting}, return_when=asyncio.FIRST_COMPLETED
                )
                listening.cancel()
                await asyncio.wait({listening})
                self._stopping = True
                self._news.set()
                await asyncio.wait(
                    {delivering, giving_up},
                    timeout=self._pace.grace_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                self._count_waiting()
                self.tally.undelivered, self.tally.waiting = self.tally.waiting, 0
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        """Connect again and again, ever more slowly while no price comes."""
        failures, tally = 0, self.tally
        while True:
            passed, connections = tally.passed, tally.connections
            tally.attempts += 1
            try:
                await self._connection(session)
            except (_Broken, aiohttp.ClientError, OSError) as error:
                if tally.connections == connections:
                    tally.last_break, tally.remedy = unreached(error, self._address)
                elif isinstance(error, TimeoutError):
                    tally.last_break = "nothing came for too long"
                else:
                    tally.last_break = f"{error}" or type(error).__name__
            tally.breaks += 1
            failures = 1 if tally.passed > passed else failures + 1
            await asyncio.sleep(self._pace.reconnecting.pause(failures, random.random()))

    async def _connection(self, session: aiohttp.ClientSession) -> None:
        """Relay one connection until it breaks, which is always an exception."""
        address, ping_seconds = await self._feed.endpoint(session, self._address)
        async with contextlib.AsyncExitStack() as stack:
            socket = await stack.enter_async_context(
                session.ws_connect(
                    address,
                    heartbeat=_HEARTBEAT_SECONDS,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                    max_msg_size=_LARGEST_FRAME_BYTES,
                )
            )
            self.tally.connections += 1
            self.tally.remedy = ""
            for request in self._feed.opening(self._markets):
                await _say(socket, request)
            if ping_seconds is not None:
                pinging = asyncio.create_task(self._ping(socket, ping_seconds))
                stack.callback(pinging.cancel)
            while True:
                async with asyncio.timeout(self._feed.silent_seconds):
                    frame = await socket.receive()
                for answer in self._take(_body(frame, socket)):
                    await _say(socket, answer)

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse, every_seconds: float) -> None:
        while not socket.closed:
            await asyncio.sleep(every_seconds)
            # Who listens notices a broken connection too, and says so.
            with contextlib.suppress(ConnectionError):
                await _say(socket, self._feed.ping())

    def _take(self, frame: bytes | str) -> Sequence[object]:
        """Take in one frame; returns what it has to be answered with."""
        self.tally.frames += 1
        try:
            body = self._unpacked(frame)
            if body in self._feed.words:
                self.tally.ignored["control"] += 1
                return ()
            reason = self._reason_to_ignore(body)
        except UnusableFrame as error:
            self.tally.unusable[str(error)] += 1
            return ()
        if reason is None:
            self._pass(body)
            return ()
        message = payloads.parse(body, self._limits)
        answers, refusal, ends = list[object](), None, False
        if isinstance(message, dict):
            answers = list(self._feed.answers(message, self._markets))
            refusal, ends = self._feed.refusal(message), self._feed.ends(message)
        if reason != _UNRECOGNISED:
            self.tally.ignored[reason] += 1
        elif answers or refusal is not None or ends:
            self.tally.ignored["control"] += 1
        else:
            # It may be a price in a form that the venue has changed: the dead letters keep it.
            self.tally.unrecognised += 1
            self._pass(body)
        if refusal is not None:
            self._heed(f"{self._venue} refuses: {_shown(refusal)}")
        if ends:
            raise _Broken("the venue asked for a new connection")
        return answers

    def _unpacked(self, frame: bytes | str) -> bytes:
        if isinstance(frame, str):
            return frame.encode()
        return self._feed.unpack(frame, self._limits.maximum_body_bytes)

    def _reason_to_ignore(self, body: bytes) -> str | None:
        """Why a frame is no price; None when it is one, `_UNRECOGNISED` when nobody knows."""
        try:
            now_ms = time.time_ns() // 1_000_000
            reading = exchanges.read(self._venue, body, now_ms, self._limits)
        except UnreadableMessage as refusal:
            if refusal.reason == _UNRECOGNISED:
                return refusal.reason
            raise UnusableFrame(refusal.reason) from None
        if reading.ticks or reading.refused:
            self.tally.ticks += len(reading.ticks)
            return None
        return reading.ignored[0] if reading.ignored else "empty"

    def _heed(self, refusal: str) -> None:
        """Give up on a subscription that is refused at once; later it is told, no more."""
        if not self.tally.passed:
            raise Hopeless(f"{refusal}\nIs it traded there, against that quote (BTC-USDT)?")
        self.tally.last_break = refusal

    def _pass(self, body: bytes) -> None:
        self.tally.passed += 1
        self.tally.dropped += self._buffer.put(body)
        self._count_waiting()
        if len(self._buffer) == 1 or self._full():
            self._news.set()

    def _full(self) -> bool:
        return self._buffer.holds(self._pace.batch, self._limits.maximum_body_bytes)

    def _count_waiting(self) -> None:
        self.tally.waiting = len(self._buffer) + self._under_way

    async def _deliver(self, session: aiohttp.ClientSession) -> None:
        """Post batch after batch; ends when the relay is stopping and nothing is left."""
        while True:
            await self._gathered()
            bodies = self._buffer.take(self._pace.batch, self._limits.maximum_body_bytes)
            if bodies:
                await self._send(session, bodies)
            elif self._stopping:
                return

    async def _gathered(self) -> None:
        """Wait until a batch is full, or its first frame has waited long enough."""
        until: float | None = None
        while not (self._stopping or self._full()):
            if self._buffer and until is None:
                until = asyncio.get_running_loop().time() + self._pace.linger_seconds
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _send(self, session: aiohttp.ClientSession, bodies: Sequence[bytes]) -> None:
        """Post one batch until it is accepted or refused for good."""
        tally = self.tally
        self._number += 1
        message = messages.joined([Message(self._venue, body, "") for body in bodies])
        self._under_way = message.count
        attempts = 0
        while True:
            attempts += 1
            tally.requests += 1
            status, text = await self._post(session, message)
            accepted = status == replay.ACCEPTED and replay.request_id(text) is not None
            # What was turned away for what it holds would be turned away for ever.
            spent = status == _BAD_GATEWAY and attempts >= replay.ATTEMPTS
            if accepted or spent or not replay.may_pass(status):
                break
            tally.retries += 1
            tally.last_answer, tally.last_status = _answer(status, text), status
            await asyncio.sleep(self._pace.retrying.pause(attempts, random.random()))
        self._under_way = 0
        self._count_waiting()
        if accepted:
            tally.accepted += message.count
            return
        tally.refused[_answer(status, text)] += message.count
        tally.last_status = status
        if status in (*replay.SAME_FOR_ALL, replay.ACCEPTED):
            what = f"the webhook answers {_answer(status, text)}"
            raise Hopeless(f"{what}\n{replay.next_step(status)}")

    async def _post(self, session: aiohttp.ClientSession, message: Message) -> tuple[int, str]:
        address, headers = self._webhook.signed(message, f"msg_{self._run}_{self._number}")
        timeout = aiohttp.ClientTimeout(total=replay.TIMEOUT_SECONDS)
        try:
            async with session.post(
                address, data=message.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, (await answer.read()).decode("utf-8", "replace")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return 0, f"{type(error).__name__}: {error}"


def _body(frame: aiohttp.WSMessage, socket: aiohttp.ClientWebSocketResponse) -> bytes | str:
    if frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
        data: bytes | str = frame.data
        return data
    if frame.type is aiohttp.WSMsgType.ERROR:
        raise _Broken(f"broken: {frame.data!r}")
    raise _Broken(f"closed by the venue, code {socket.close_code}")


async def _say(socket: aiohttp.ClientWebSocketResponse, message: object) -> None:
    text = message.decode() if isinstance(message, bytes) else json.dumps(message)
    await socket.send_str(text)


def _answer(status: int, text: str) -> str:
    return f"{status or 'no answer'} {_shown(text)}".strip()


def _shown(text: str) -> str:
    """The beginning of what others wrote, safe for a terminal."""
    return "".join(c if c.isprintable() else " " for c in text.strip())[:120]
