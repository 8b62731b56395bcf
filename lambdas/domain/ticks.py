"""The pipeline's words for one price: a tick, a refused tick, what a message was read to, limits.

Every venue's message becomes a :class:`Reading`; nothing behind it knows a venue's format.
Prices and sizes are :class:`~decimal.Decimal`, exactly as the venue wrote them, never a float.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

Kind = Literal["trade", "ticker"]
TimeSource = Literal["tick", "envelope", "received"]


class Tick(NamedTuple):
    """One price of one pair at one venue at one moment: a row of the tape.

    ``symbol`` names the tape: the base asset when the quote is the home quote, else
    ``BASE-QUOTE``. ``size`` is what this trade (for a ticker: its last trade) moved in base
    units, None where the venue does not say; never a 24-hour volume. ``event_ms`` is the event
    time in milliseconds of the Unix epoch, floored; ``sub_ms_ns`` (0..999 999) is the rest in
    nanoseconds; ``time_source`` says whose time it is. ``timestamp`` is the sort key that
    :mod:`lambdas.domain.keys` makes of the others: 38 digits, unique to the event.
    """

    symbol: str
    base: str
    quote: str
    price: Decimal
    size: Decimal | None
    exchange: str
    event_id: str
    kind: Kind
    event_ms: int
    sub_ms_ns: int
    received_at: int
    time_source: TimeSource
    timestamp: Decimal


@dataclass(frozen=True, slots=True)
class Refused:
    """What should have been a tick and is not valid: a reason code, why, and the fields found.

    ``reason`` is a kebab-case code to count by, ``detail`` a sentence that names the value and
    what was expected, ``found`` the fields of the tick as far as they could be read, as text.
    """

    reason: str
    detail: str
    found: dict[str, str] = field(default_factory=dict)


class Reading(NamedTuple):
    """What one message was read to; ``ignored`` holds one reason code for each ignored entry."""

    ticks: tuple[Tick, ...] = ()
    refused: tuple[Refused, ...] = ()
    ignored: tuple[str, ...] = ()


class UnreadableMessage(Exception):
    """A message that is refused whole: not JSON, an unknown venue or form, too large, too deep.

    ``reason`` is a kebab-case code to count by, ``detail`` says what was found and expected.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class InvalidTick(Exception):
    """An entry that should have been a tick and is not valid; becomes a :class:`Refused`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class NoTick(Exception):
    """An entry that is rightly no tick (a heartbeat, a bid, a derivative); counted as ignored."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What a message and a tick may be; the values come from ``[processing]`` in the settings.

    Windows are milliseconds before and after the receive time, None for no bound.
    """

    home_quote: str = "USD"
    price_minimum: Decimal = Decimal("1e-12")
    price_maximum: Decimal = Decimal("1e12")
    significant_digits: int = 18
    past_window_ms: int | None = 86_400_000
    future_window_ms: int | None = 60_000
    maximum_nesting: int = 32
    maximum_body_bytes: int = 716_800
