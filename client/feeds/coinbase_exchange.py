"""Coinbase Exchange: the channel `matches`, and `heartbeat`, which comes every second.

https://docs.cdp.coinbase.com/exchange/websocket-feed/overview
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import coinbase_exchange


class CoinbaseExchange(Feed):
    """It closes a connection on which nothing is subscribed within five seconds."""

    address = "wss://ws-feed.exchange.coinbase.com"
    codes = coinbase_exchange.CODES
    separator = "-"
    silent_seconds = 30

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """The first message of a product is its last match, as `last_match`."""
        channels = ["matches", "heartbeat"]
        yield {"type": "subscribe", "product_ids": list(markets), "channels": channels}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"type": "error", "message": "Failed to subscribe", "reason": "…"}`."""
        if message.get("type") != "error":
            return None
        return ": ".join(str(message[name]) for name in ("message", "reason") if name in message)
