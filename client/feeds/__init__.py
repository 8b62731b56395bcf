"""The venues' public WebSockets, one venue a file: subscriptions, pings, and what is no price.

What is a price is not said here: the readers in `lambdas/exchanges` tell, as the pipeline does.
Adding a venue: its file, its line in :data:`FEEDS`.
"""

from __future__ import annotations

from client.feeds.base import Feed, NoSuchMarket, UnusableFrame
from client.feeds.binance import Binance
from client.feeds.bitstamp import Bitstamp
from client.feeds.bybit import Bybit
from client.feeds.coinbase_advanced import CoinbaseAdvanced
from client.feeds.coinbase_exchange import CoinbaseExchange
from client.feeds.gate import Gate
from client.feeds.gemini import Gemini
from client.feeds.htx import Htx
from client.feeds.kraken import Kraken
from client.feeds.kucoin import Kucoin
from client.feeds.okx import Okx

__all__ = ["FEEDS", "Feed", "NoSuchMarket", "UnusableFrame"]

FEEDS: dict[str, Feed] = {
    "binance": Binance(),
    "bitstamp": Bitstamp(),
    "bybit": Bybit(),
    "coinbase_advanced": CoinbaseAdvanced(),
    "coinbase_exchange": CoinbaseExchange(),
    "gate": Gate(),
    "gemini": Gemini(),
    "htx": Htx(),
    "kraken": Kraken(),
    "kucoin": Kucoin(),
    "okx": Okx(),
}
"""Each venue's WebSocket, by the name that the webhook's path carries; `generic` has none."""
