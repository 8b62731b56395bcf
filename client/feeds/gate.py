"""Gate spot: the channel `spot.trades`, kept alive by `spot.ping`.

https://www.gate.com/docs/developers/apiv4/ws/en/
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from client.feeds.base import Feed
from lambdas.exchanges import gate


class Gate(Feed):
    """Requests carry the time, in seconds."""

    address = "wss://api.gateio.ws/ws/v4/"
    codes = gate.CODES
    separator = "_"
    ping_seconds = 15

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """One request for all pairs."""
        request = {"time": int(time.time()), "channel": "spot.trades", "event": "subscribe"}
        yield {**request, "payload": list(markets)}

    def ping(self) -> object:
        """The answer's channel is `spot.pong`."""
        return {"time": int(time.time()), "channel": "spot.ping"}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"channel": …, "event": "subscribe", "error": {"code": 2, "message": "…"}, …}`."""
        error = message.get("error")
        return str(error.get("message")) if isinstance(error, dict) else None
