"""Event times: nanoseconds of the Unix epoch, from every unit and notation the venues use.

Integers all the way: a float of seconds would lose the microseconds that order the trades of one
millisecond. What lies below the nanosecond is cut off, so a time never moves into the future.
Raises :class:`~lambdas.domain.ticks.InvalidTick` (``time-malformed``) for anything that is not a
time between 1970 and the year 2286, where milliseconds outgrow 13 digits.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from lambdas.domain.numbers import shown
from lambdas.domain.ticks import InvalidTick

SECOND = 10**9
MILLISECOND = 10**6
MICROSECOND = 10**3
NANOSECOND = 1

_END = 10**13 * MILLISECOND
_DECIMAL = re.compile(r"([0-9]{1,20})(?:\.([0-9]{0,30}))?", re.ASCII)
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)"
    r"(?:[.,]([0-9]{1,30}))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))",
    re.ASCII,
)


def epoch(token: object, unit: int) -> int:
    """Return the nanoseconds of a count of ``unit`` (its nanoseconds), a number or its text."""
    if type(token) is int:
        if 0 <= token * unit < _END:
            return token * unit
    elif isinstance(token, str) and token.isdecimal() and token.isascii() and len(token) <= 20:
        nanoseconds = int(token) * unit
        if nanoseconds < _END:
            return nanoseconds
    elif isinstance(token, (str, Decimal)):
        text = _plain(token) if isinstance(token, Decimal) else token
        found = _DECIMAL.fullmatch(text)
        if found:
            whole, rest = found.groups()
            nanoseconds = int(whole) * unit
            if rest:
                nanoseconds += int(rest) * unit // 10 ** len(rest)
            if nanoseconds < _END:
                return nanoseconds
    raise _malformed(token, "a count of seconds or parts of them since 1970")


def milliseconds_or_microseconds(token: object) -> int:
    """Return the nanoseconds of milliseconds (until the year 5138) or, from 1e14, microseconds."""
    if type(token) is int and 0 <= token < 10**13:
        return token * MILLISECOND
    count = epoch(token, NANOSECOND)
    return epoch(token, MILLISECOND if count < 10**14 else MICROSECOND)


def guessed(token: object) -> int:
    """Return the nanoseconds of an epoch count whose unit only its magnitude tells.

    Below 1e11 it is read as seconds (until the year 5138), below 1e14 as milliseconds, below
    1e17 as microseconds, else as nanoseconds. For fields whose unit the sender may choose.
    """
    seconds = epoch(token, NANOSECOND)
    if seconds < 10**11:
        return epoch(token, SECOND)
    if seconds < 10**14:
        return epoch(token, MILLISECOND)
    if seconds < 10**17:
        return epoch(token, MICROSECOND)
    return seconds


def rfc3339(token: object) -> int:
    """Return the nanoseconds of a date and time with zone, ``2021-04-17T16:43:05.571587Z``."""
    if isinstance(token, str):
        found = _RFC3339.fullmatch(token)
        if found:
            day, hours, minutes, seconds, rest, sign, zone_hours, zone_minutes = found.groups()
            time = _midnight(day) + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
            if sign:
                zone = int(zone_hours) * 3600 + int(zone_minutes) * 60
                time += zone if sign == "-" else -zone
            nanoseconds = time * SECOND + (int(rest[:9].ljust(9, "0")) if rest else 0)
            if 0 <= nanoseconds < _END:
                return nanoseconds
    raise _malformed(token, "a date and time with zone, like 2021-04-17T16:43:05.571587Z")


@lru_cache(maxsize=64)
def _midnight(day: str) -> int:
    try:
        return (date.fromisoformat(day).toordinal() - 719_163) * 86_400
    except ValueError as error:
        raise _malformed(day, "a day that exists") from error


def _plain(value: Decimal) -> str:
    return f"{value:f}" if value.is_finite() and -40 < value.adjusted() < 40 else ""


def _malformed(token: object, expected: str) -> InvalidTick:
    return InvalidTick("time-malformed", f"time is {shown(token)}, expected {expected}")
