"""Gemini, market data version 2: the feed `l2`, of which the trades count.

Its first message of a symbol brings the last 50 trades; updates of the book are ignored.
https://docs.gemini.com/websocket/market-data/v2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import gemini


class Gemini(Feed):
    """There is no feed of trades alone."""

    address = "wss://api.gemini.com/v2/marketdata"
    codes = gemini.CODES

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """One request for all symbols."""
        yield {"type": "subscribe", "subscriptions": [{"name": "l2", "symbols": list(markets)}]}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"result": "error", "reason": "InvalidSymbol", "message": "…"}`."""
        if message.get("result") != "error":
            return None
        return ": ".join(str(message[name]) for name in ("reason", "message") if name in message)
