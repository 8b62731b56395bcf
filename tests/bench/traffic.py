"""Webhooks as an exchange sends them: signed, each with so many new trades of so many symbols."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.webhook_processor.webhooks import RECEIVED_AT, event

SYMBOLS = (
    *("BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD", "ADAUSD"),
    *("LTCUSD", "DOGEUSD", "LINKUSD", "AVAXUSD", "BNBUSD"),
)
SPAN_MS = 1_000
"""The milliseconds before their webhook in which its trades happened."""


def webhook(number: int, ticks: int, symbols: int) -> dict[str, Any]:
    """Return the event of the webhook with this number; no two numbers share a trade."""
    chance = random.Random(number)
    received_at = RECEIVED_AT + number * SPAN_MS
    times = sorted(received_at - chance.randrange(1, SPAN_MS) for _ in range(ticks))
    trades = [
        {
            "e": "trade",
            "E": time + 1,
            "s": SYMBOLS[place % symbols],
            "t": number * 10_000 + place,
            "p": f"{84_000 + chance.randrange(200_000) / 100:.8f}",
            "q": f"{chance.randrange(1, 10**8) / 10**8:.8f}",
            "T": time,
            "m": bool(place % 2),
            "M": True,
        }
        for place, time in enumerate(times)
    ]
    body = json.dumps(trades if ticks > 1 else trades[0], separators=(",", ":")).encode()
    return event("binance", body, received_at=received_at)
