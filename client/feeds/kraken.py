"""Kraken spot, WebSocket version 2: the channel `trade`; heartbeats come every second.

https://docs.kraken.com/api/docs/websocket-v2/trade
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import kraken

# Of the reader's aliases most are version 1's. These are what version 2 still calls otherwise.
_NAMES = {unified: unified for unified in kraken.CODES.aliases.values()} | {
    "LUNC": "LUNA",
    "LUNA": "LUNA2",
    "USTC": "UST",
    "REP": "REPV2",
    "REPV1": "REP",
}


class Kraken(Feed):
    """Version 2 says BTC and DOGE where version 1 says XBT and XDG."""

    address = "wss://ws.kraken.com/v2"
    codes = kraken.CODES
    names = _NAMES
    separator = "/"
    silent_seconds = 30

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """The snapshot is the last 50 trades: what a short break lost comes again with it."""
        params = {"channel": "trade", "symbol": list(markets), "snapshot": True}
        yield {"method": "subscribe", "params": params}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"method": "subscribe", "success": false, "error": "Currency pair not supported …"}`."""
        return str(message.get("error")) if message.get("success") is False else None
