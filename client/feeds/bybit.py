"""Bybit spot: `publicTrade.<symbol>`, at most ten to a request.

https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import bybit

_MOST = 10


class Bybit(Feed):
    """It wants a ping every 20 seconds, and answers it."""

    address = "wss://stream.bybit.com/v5/public/spot"
    codes = bybit.CODES
    ping_seconds = 20

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """Ten topics to a request."""
        topics = [f"publicTrade.{market}" for market in markets]
        for start in range(0, len(topics), _MOST):
            yield {"op": "subscribe", "args": topics[start : start + _MOST]}

    def ping(self) -> object:
        """The answer is `{"success": true, "ret_msg": "pong", …}`."""
        return {"op": "ping"}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"success": false, "ret_msg": "Invalid symbol…", "op": "subscribe"}`."""
        return str(message.get("ret_msg")) if message.get("success") is False else None
