"""What the venues' public WebSockets have in common, and what one may do otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import aiohttp

from lambdas.domain.symbols import ALIASES, Codes, Pair
from lambdas.domain.ticks import InvalidTick


class NoSuchMarket(Exception):
    """A pair that the venue has no name for; the message says so."""


class UnusableFrame(Exception):
    """A frame that could not be unpacked."""


class Feed(ABC):
    """One venue's public WebSocket: what is said to it, and what it says besides prices.

    A market is the venue's own name of a pair. Messages are JSON values. Only trades are
    subscribed: a venue that sends trades and tickers of one pair makes a row of each.
    """

    address: ClassVar[str]
    codes: ClassVar[Codes]
    names: ClassVar[dict[str, str]] = {}
    """Assets that the venue subscribes by another code than the unified one, beside its aliases."""

    separator: ClassVar[str] = ""
    ping_seconds: ClassVar[float | None] = None
    """How often the venue wants to hear a message of ours, where the protocol's pings won't do."""

    silent_seconds: ClassVar[float | None] = 60
    """After how long without any message the connection counts as dead; None where nothing is
    promised to come, so that only the protocol's own pings tell."""

    words: ClassVar[frozenset[bytes]] = frozenset()
    """Frames that are no JSON and mean nothing."""

    def market(self, base: str, quote: str) -> str:
        """Return the venue's name of a pair; raises :class:`NoSuchMarket`.

        The venue's reader has to give the pair back: a code that means another asset there would
        put the prices on a tape that nobody asked for.
        """
        name = self._market(self._code(base), self._code(quote))
        try:
            read = self.pair(name)
        except InvalidTick as refusal:
            raise NoSuchMarket(f"{base}/{quote}: {refusal.detail}") from None
        if read != (base, quote):
            raise NoSuchMarket(
                f"{base}/{quote}: {name} is {read.base}/{read.quote} at this venue, so its prices "
                "would not be those that were asked for"
            )
        return name

    def pair(self, market: str) -> Pair:
        """Return the pair of a market, as the venue's reader understands it."""
        if self.separator:
            return self.codes.separated(market, self.separator)
        return self.codes.glued(market)

    @abstractmethod
    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """Yield what asks for the trades of markets."""

    def opening(self, markets: Sequence[str]) -> Iterator[object]:
        """Yield what is sent after connecting: the subscriptions, unless a welcome comes first."""
        return self.subscriptions(markets)

    def ping(self) -> object:
        """Return what is sent every `ping_seconds`: a JSON value, or bytes as they are.

        A venue that wants none is never asked for it.
        """
        raise TypeError(f"{type(self).__name__} says how often it wants a ping, and not which")

    def answers(self, _message: dict[str, object], _markets: Sequence[str]) -> Iterator[object]:
        """Yield what a message has to be answered with."""
        yield from ()

    def refusal(self, _message: dict[str, object]) -> str | None:
        """Return in the venue's words what it refuses; None for a message that refuses nothing."""
        return None

    def ends(self, _message: dict[str, object]) -> bool:
        """Whether the venue asks to connect anew."""
        return False

    def unpack(self, frame: bytes, _most: int) -> bytes:
        """Return the message of a binary frame, at most so many bytes of it."""
        return frame

    async def endpoint(
        self, _session: aiohttp.ClientSession, address: str
    ) -> tuple[str, float | None]:
        """Return where to connect now, and how often to ping there."""
        return address, self.ping_seconds

    def _market(self, base: str, quote: str) -> str:
        return f"{base}{self.separator}{quote}"

    def _code(self, asset: str) -> str:
        """The venue's code of an asset: its own alias where there is just one."""
        if asset in self.names:
            return self.names[asset]
        aliases = [
            code
            for code, unified in self.codes.aliases.items()
            if unified == asset and code not in ALIASES
        ]
        return aliases[0] if len(aliases) == 1 else asset
