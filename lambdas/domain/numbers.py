"""Prices and sizes, exactly as the venue wrote them.

A token is what stands in a message: a string or a JSON number, which :mod:`.payloads` parses to
``int`` or ``Decimal``. Nothing here calculates, so no decimal context can round anything.
"""

from __future__ import annotations

import re
from decimal import Decimal

from lambdas.domain.ticks import InvalidTick, Limits

MAXIMUM_SIZE = Decimal("1e30")
MINIMUM_SIZE = Decimal("1e-30")
SIZE_DIGITS = 38
"""A DynamoDB number holds 38 significant digits; a size is not computed with, only stored."""

_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_LONGEST = 100


def exact(token: object, what: str) -> Decimal:
    """Return the number that a string or JSON number writes, digit for digit.

    Raises :class:`InvalidTick` (``{what}-malformed``) for anything else: NaN, infinities,
    signs and digits of other scripts, underscores, spaces, booleans, over 100 characters.
    """
    if isinstance(token, str):
        if len(token) <= _LONGEST and _NUMBER.fullmatch(token):
            return Decimal(token)
    elif isinstance(token, Decimal):
        if token.is_finite():
            return token
    elif isinstance(token, int) and not isinstance(token, bool):
        return Decimal(token)
    raise InvalidTick(f"{what}-malformed", f"{what} is {shown(token)}, expected a decimal number")


def price(token: object, limits: Limits) -> Decimal:
    """Return a valid price; raises :class:`InvalidTick` with the bound it breaks."""
    if isinstance(token, str) and _is_usual(token, limits.significant_digits):
        value = Decimal(token)
        if limits.price_minimum <= value <= limits.price_maximum:
            return value
    return examined_price(token, limits)


def size(token: object) -> Decimal:
    """Return a valid size (0 is one); raises :class:`InvalidTick` with the bound it breaks."""
    if isinstance(token, str) and _is_usual(token, SIZE_DIGITS):
        value = Decimal(token)
        if MINIMUM_SIZE <= value <= MAXIMUM_SIZE:
            return value
    return examined_size(token)


def examined_price(token: object, limits: Limits) -> Decimal:
    """Return what :func:`price` does, of any token, and say what is wrong with it."""
    value = exact(token, "price")
    if limits.price_minimum <= value <= limits.price_maximum:
        if _fits(token, value, limits.significant_digits):
            return value
        raise InvalidTick(
            "price-too-precise",
            f"price is {shown(token)}, expected at most {limits.significant_digits} digits",
        )
    if value <= 0:
        raise InvalidTick("price-not-positive", f"price is {shown(token)}, expected above 0")
    raise InvalidTick(
        "price-out-of-bounds",
        f"price is {shown(token)}, expected {limits.price_minimum} to {limits.price_maximum}",
    )


def examined_size(token: object) -> Decimal:
    """Return what :func:`size` does, of any token, and say what is wrong with it."""
    value = exact(token, "size")
    if MINIMUM_SIZE <= value <= MAXIMUM_SIZE and _fits(token, value, SIZE_DIGITS):
        return value
    if value == 0:
        return Decimal(0)
    if value < 0:
        raise InvalidTick("size-negative", f"size is {shown(token)}, expected 0 or more")
    raise InvalidTick(
        "size-out-of-bounds",
        f"size is {shown(token)}, expected 0 or {MINIMUM_SIZE} to {MAXIMUM_SIZE}"
        f" with at most {SIZE_DIGITS} digits",
    )


def plain(value: Decimal) -> str:
    """Return a valid price or size without exponent, its zeros as the venue wrote them."""
    return f"{value:f}"


def canonical(value: Decimal) -> str:
    """Return the one text of a valid number: no exponent, no zeros that add nothing."""
    text = str(value)
    if "E" in text:
        text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(token: object) -> str:
    """Return a token as text for an error message, cut to a length a log line bears."""
    if isinstance(token, str):
        text = repr(token[:_LONGEST])
    elif token is None or isinstance(token, bool):
        text = {None: "null", True: "true", False: "false"}[token]
    elif isinstance(token, int) and token.bit_length() > 400:
        text = f"an integer of {token.bit_length()} bits"
    elif isinstance(token, dict):
        text = "an object"
    elif isinstance(token, list):
        text = "a list"
    else:
        text = str(token)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _is_usual(token: str, digits: int) -> bool:
    """Tell whether a text is what venues write: digits, at most one point, not too many of them.

    Such a text is a number of at most so many digits; there is nothing else to find out.
    """
    return len(token) <= digits and token.isascii() and token.replace(".", "", 1).isdecimal()


def _fits(token: object, value: Decimal, digits: int) -> bool:
    """Tell whether a number has at most so many significant digits, zeros at its end aside."""
    text = token if isinstance(token, str) else str(value)
    if len(text) <= digits:
        return True
    if "E" not in text and "e" not in text:
        return len(text.replace(".", "", 1).removeprefix("-").strip("0")) <= digits
    return len("".join(map(str, value.as_tuple().digits)).rstrip("0")) <= digits
