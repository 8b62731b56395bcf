"""Coinbase Advanced Trade: the channel `market_trades`, and `heartbeats`, every second.

A product quoted in USDC answers with the book of USD.
https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import coinbase_exchange


class CoinbaseAdvanced(Feed):
    """Public channels need no token; each is subscribed by a message of its own."""

    address = "wss://advanced-trade-ws.coinbase.com"
    codes = coinbase_exchange.CODES
    separator = "-"
    silent_seconds = 30

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """The first message of a product is a snapshot of its last trades."""
        products = list(markets)
        yield {"type": "subscribe", "channel": "market_trades", "product_ids": products}
        yield {"type": "subscribe", "channel": "heartbeats"}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"type": "error", "message": "…"}`."""
        return str(message.get("message")) if message.get("type") == "error" else None
