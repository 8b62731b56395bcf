"""OKX spot: the channel `trades`; the words `ping` and `pong` keep the connection.

https://www.okx.com/docs-v5/en/#overview-websocket-connect
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import okx

_UPGRADE = "64008"


class Okx(Feed):
    """It closes a connection on which nothing was said for 30 seconds."""

    address = "wss://ws.okx.com:8443/ws/v5/public"
    codes = okx.CODES
    separator = "-"
    ping_seconds = 20
    words = frozenset({b"pong"})

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """One request for all pairs."""
        arguments = [{"channel": "trades", "instId": market} for market in markets]
        yield {"op": "subscribe", "args": arguments}

    def ping(self) -> object:
        """The word itself, no JSON."""
        return b"ping"

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"event": "error", "code": "60018", "msg": "…"}`."""
        return str(message.get("msg")) if message.get("event") == "error" else None

    def ends(self, message: dict[str, object]) -> bool:
        """A notice that the connection is about to be closed for an upgrade of the service."""
        return message.get("event") == "notice" and message.get("code") == _UPGRADE
