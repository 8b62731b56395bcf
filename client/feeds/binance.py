"""Binance spot: `<symbol>@trade`, combined. Its servers ping every 20 seconds, by the protocol.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import binance


class Binance(Feed):
    """A stream that does not exist is accepted and stays silent."""

    address = "wss://stream.binance.com:9443/stream"
    codes = binance.CODES
    silent_seconds = None

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """One request: five a second are allowed."""
        streams = [f"{market.lower()}@trade" for market in markets]
        yield {"method": "SUBSCRIBE", "params": streams, "id": 1}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"error": {"code": 2, "msg": "Invalid request…"}, "id": 1}`."""
        error = message.get("error")
        return str(error.get("msg")) if isinstance(error, dict) else None

    def ends(self, message: dict[str, object]) -> bool:
        """`serverShutdown` comes ten minutes before a server goes."""
        inner = message.get("data", message)
        return isinstance(inner, dict) and inner.get("e") == "serverShutdown"
