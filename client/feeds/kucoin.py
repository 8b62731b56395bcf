"""KuCoin spot: `/market/match:<symbols>`; where to connect is asked first, with a token.

https://www.kucoin.com/docs/websocket/basic-info/apply-connect-token/public-token-no-authentication-required-
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import aiohttp

from client.feeds.base import Feed
from lambdas.exchanges import kucoin

_MOST = 100


class Kucoin(Feed):
    """`address` is where it tells the server; a token is for one connection."""

    address = "https://api.kucoin.com/api/v1/bullet-public"
    codes = kucoin.CODES
    separator = "-"

    async def endpoint(
        self, session: aiohttp.ClientSession, address: str
    ) -> tuple[str, float | None]:
        """Ask for the server, the token, and how often it wants a ping."""
        async with session.post(address) as answer:
            answer.raise_for_status()
            text = await answer.text("utf-8", "replace")
        try:
            document = json.loads(text)
            (server, *_) = document["data"]["instanceServers"]
            given = {"token": document["data"]["token"], "connectId": str(uuid.uuid4())}
            return f"{server['endpoint']}?{urlencode(given)}", int(server["pingInterval"]) / 1000
        except (LookupError, TypeError, ValueError) as error:
            raise aiohttp.ClientError(f"no server and token in {text[:200]!r}") from error

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """A hundred symbols to a request."""
        for start in range(0, len(markets), _MOST):
            topic = f"/market/match:{','.join(markets[start : start + _MOST])}"
            yield {"id": str(start + 1), "type": "subscribe", "topic": topic, "response": True}

    def opening(self, _markets: Sequence[str]) -> Iterator[object]:
        """Nothing: the connection can be used when its welcome has come."""
        yield from ()

    def answers(self, message: dict[str, object], markets: Sequence[str]) -> Iterator[object]:
        """`{"id": …, "type": "welcome"}` is the sign to subscribe."""
        if message.get("type") == "welcome":
            yield from self.subscriptions(markets)

    def ping(self) -> object:
        """The answer is `{"type": "pong", …}`."""
        return {"id": str(uuid.uuid4()), "type": "ping"}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"type": "error", "code": 404, "data": "topic … is not found"}`."""
        return str(message.get("data")) if message.get("type") == "error" else None
