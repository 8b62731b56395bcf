"""HTX spot: `market.<symbol>.trade.detail`; every frame is gzip, and pings want their number back.

https://www.htx.com/en-us/opend/newApiPages/
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from client.feeds.base import Feed, UnusableFrame
from lambdas.exchanges import htx

_GZIP = 16 + zlib.MAX_WBITS


class Htx(Feed):
    """It closes a connection that leaves two pings unanswered; one comes every five seconds."""

    address = "wss://api.huobi.pro/ws"
    codes = htx.CODES
    silent_seconds = 30

    def subscriptions(self, markets: Sequence[str]) -> Iterator[object]:
        """One request a symbol."""
        for market in markets:
            topic = f"market.{market.lower()}.trade.detail"
            yield {"sub": topic, "id": market.lower()}

    def answers(self, message: dict[str, object], _markets: Sequence[str]) -> Iterator[object]:
        """`{"ping": 1492420473027}` is answered with `{"pong": 1492420473027}`."""
        if "ping" in message:
            yield {"pong": message["ping"]}

    def refusal(self, message: dict[str, object]) -> str | None:
        """`{"status": "error", "err-code": "bad-request", "err-msg": "invalid topic …"}`."""
        return str(message.get("err-msg")) if message.get("status") == "error" else None

    def unpack(self, frame: bytes, most: int) -> bytes:
        """Unzip a frame; what it would unfold to beyond `most` bytes is not unfolded."""
        unzip = zlib.decompressobj(_GZIP)
        try:
            message = unzip.decompress(frame, most)
        except zlib.error as error:
            raise UnusableFrame("not-gzip") from error
        if not unzip.eof:
            raise UnusableFrame("body-too-large" if unzip.unconsumed_tail else "not-gzip")
        return message
