"""Ticks in which duplicates, collisions of keys and invalid rows are frequent."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from lambdas.domain.keys import sort_key
from lambdas.domain.ticks import Tick


def tick(
    symbol: str = "BTC",
    event_id: str = "1",
    event_ms: int = 1_732_250_000_000,
    price: Decimal = Decimal("97000.10"),
    size: Decimal | None = None,
    sub_ms_ns: int = 0,
) -> Tick:
    """A trade on Binance; its key is made of the other fields, as the venues' readers do."""
    return Tick(
        symbol=symbol,
        base=symbol,
        quote="USD",
        price=price,
        size=size,
        exchange="binance",
        event_id=event_id,
        kind="trade",
        event_ms=event_ms,
        sub_ms_ns=sub_ms_ns,
        received_at=event_ms + 5,
        time_source="tick",
        timestamp=sort_key("binance", "trade", event_ms, sub_ms_ns, event_id),
    )


# The last 16 digits of an id are in the key: an id and its sum with 10**16 collide.
ids = st.builds(
    lambda number, lap: str(number + lap * 10**16),
    st.integers(0, 30),
    st.sampled_from([0, 0, 0, 1]),
)
prices = st.decimals("1e-12", "1e12", allow_nan=False).map(lambda price: price.normalize())
ticks = st.builds(
    tick,
    symbol=st.sampled_from(["BTC", "ETH", "ETH-BTC"]),
    event_id=ids,
    event_ms=st.integers(1_732_250_000_000, 1_732_250_000_001),
    price=prices,
    size=st.none() | st.decimals("0", "1e6", places=8),
)
unstorable = ticks.map(lambda valid: valid._replace(symbol=""))
messages = st.lists(ticks | ticks | ticks | ticks | unstorable, max_size=80)
