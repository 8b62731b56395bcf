"""Bitstamp: `live_trades_<pair>`; it answers heartbeats, and asks for a new connection at times.

https://www.bitstamp.net/websocket/v2/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import bitstamp


class Bitstamp(Feed):
    """One subscription a pair."""

    address = "wss://ws.bitstamp.net"
    codes = bitstamp.CODES
    ping_seconds = 15

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """A channel each."""
        for market in markets:
            channel = f"live_trades_{market.lower()}"
            yield {"event": "bts:subscribe", "data": {"channel": channel}}

    def ping(self) -> object:
        """It is answered with the same event."""
        return {"event": "bts:heartbeat"}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"event": "bts:error", "data": {"code": 4009, "message": "…"}}`."""
        if message.get("event") != "bts:error":
            return None
        data = message.get("data")
        return str(data.get("message") if isinstance(data, dict) else data)

    def ends(self, message: dict[str, object]) -> bool:
        """The server is about to be serviced."""
        return message.get("event") == "bts:request_reconnect"
