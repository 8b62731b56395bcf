"""The sort key: an epoch-millisecond number made unique to its event, 38 digits.

==========  ======  =====================================================================
part        digits  value
==========  ======  =====================================================================
event time  13      milliseconds of the Unix epoch, then the decimal point
sub-ms      6       nanoseconds below the millisecond; 0 where the venue gives none
venue       2       :data:`VENUES`; a number never changes once given
kind        1       :data:`KINDS`, and whether the id is of a second id space of its venue
identity    16      of the event id, see :func:`identity`
==========  ======  =====================================================================

A key is a function of the event alone, so the same event gets the same key in every batch,
retry and redrive. ``BETWEEN`` on milliseconds works on it. 38 digits is what a DynamoDB number
holds (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
DynamoDB strips trailing zeros: compare keys as numbers, or as text only through :func:`padded`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from lambdas.domain.ticks import Kind

VENUES = {
    "generic": 1,
    "binance": 2,
    "coinbase_exchange": 3,
    "coinbase_advanced": 4,
    "kraken": 5,
    "okx": 6,
    "bybit": 7,
    "bitstamp": 8,
    "gemini": 9,
    "kucoin": 10,
    "gate": 11,
    "htx": 12,
}
"""The two digits of each venue. Append only: a changed number would make old events new."""

UNLISTED = 99
"""Shared by venues without a number: ticks that were not read from a webhook."""

KINDS: dict[Kind, int] = {"trade": 1, "ticker": 2}
"""The digit of each kind; 2 is added when the id belongs to a second id space (``agg:7``)."""

MAXIMUM_EVENT_MS = 10**13 - 1
MAXIMUM_SUB_MS_NS = 10**6 - 1

_MS_DIGITS, _REST_DIGITS = 13, 25
_LENGTH = _MS_DIGITS + 1 + _REST_DIGITS
_SPACED_ID = re.compile(r"[a-z]+:([0-9]+)", re.ASCII)


class KeyParts(NamedTuple):
    """What a sort key consists of, see the module's table."""

    event_ms: int
    sub_ms_ns: int
    venue: int
    kind: int
    identity: int


def identity(event_id: str) -> int:
    """Return the 16 digits that identify an event within its millisecond, venue and kind.

    A number, or a number in a named id space (``agg:26129``), is identified by its last 16
    digits, so that numeric ids keep their order; any other id by the first 16 decimal digits of
    its SHA-256 (the hash read as a 256-bit fraction).
    """
    return int(_identified(event_id)[0])


def sort_key(exchange: str, kind: Kind, event_ms: int, sub_ms_ns: int, event_id: str) -> Decimal:
    """Return the sort key of an event.

    A venue without a number shares :data:`UNLISTED`, and is told from the others by hashing its
    name with the id. Raises ValueError for a time that does not fit the layout.
    """
    if not 0 <= event_ms <= MAXIMUM_EVENT_MS:
        raise ValueError(f"event_ms is {event_ms}, expected 0 to {MAXIMUM_EVENT_MS}")
    if not 0 <= sub_ms_ns <= MAXIMUM_SUB_MS_NS:
        raise ValueError(f"sub_ms_ns is {sub_ms_ns}, expected 0 to {MAXIMUM_SUB_MS_NS}")
    venue = VENUES.get(exchange, UNLISTED)
    if venue == UNLISTED:
        event_id = f"{exchange}\n{event_id}"
    digits, second_space = _identified(event_id)
    # Below the millisecond, venue and kind are one number of nine digits.
    middle = sub_ms_ns * 1000 + venue * 10 + KINDS[kind] + 2 * second_space
    return Decimal(f"{str(event_ms).zfill(13)}.{str(middle).zfill(9)}{digits.zfill(16)}")


def padded(timestamp: Decimal) -> str:
    """Return the canonical text of a key: 13 digits, a point, exactly 25 digits.

    Texts of keys compare as the keys do. Raises ValueError for a number that is not a key.
    """
    text = str(timestamp)
    if len(text) == _LENGTH and text[_MS_DIGITS] == "." and text[0] != "-":
        return text  # as sort_key makes it
    if timestamp.is_finite() and not timestamp.is_signed() and timestamp.adjusted() < _MS_DIGITS:
        whole, _, rest = f"{timestamp:f}".partition(".")
        rest = rest.rstrip("0") if len(rest) > _REST_DIGITS else rest
        if len(rest) <= _REST_DIGITS:
            return f"{whole:0>{_MS_DIGITS}}.{rest:0<{_REST_DIGITS}}"
    raise ValueError(f"{timestamp} is not a sort key: expected 13 digits, a point, 25 digits")


def parts(timestamp: Decimal) -> KeyParts:
    """Return what a key consists of; raises ValueError for a number that is not a key."""
    whole, rest = padded(timestamp).split(".")
    return KeyParts(int(whole), int(rest[:6]), int(rest[6:8]), int(rest[8]), int(rest[9:]))


def event_ms(timestamp: Decimal) -> int:
    """Return the event time of a key in whole milliseconds of the Unix epoch."""
    return int(timestamp)


def _identified(event_id: str) -> tuple[str, bool]:
    """Return the up to 16 digits of an id, and whether it is of a second id space."""
    if event_id.isdigit() and event_id.isascii():
        return event_id[-16:], False
    numeric = _SPACED_ID.fullmatch(event_id)
    if numeric:
        return numeric[1][-16:], True
    digest = int.from_bytes(sha256(event_id.encode("utf-8", "surrogatepass")).digest())
    return str(digest * 10**16 >> 256), False
