"""The environment variables of a function, read once and validated.

Every reader raises `MisconfiguredEnvironment`, whose message names the variable, what was found
and what was expected.
"""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation

from lambdas.domain.errors import MisconfiguredEnvironment


def text(name: str) -> str:
    """Return the variable `name`, which must be set and not be blank."""
    value = os.environ.get(name, "")
    if not value.strip():
        raise MisconfiguredEnvironment(
            f"environment variable {name} is not set; deploy the stack again, it sets every one"
        )
    return value


def whole(name: str, minimum: int = 0) -> int:
    """Return the variable `name` as a whole number that is at least `minimum`."""
    value = text(name)
    # isdecimal alone lets other scripts' digits through; int() reads those, and "1_000" besides.
    if not (value.isascii() and value.isdecimal()) or int(value) < minimum:
        raise MisconfiguredEnvironment(
            f"environment variable {name} is {value!r}, expected a whole number >= {minimum}"
        )
    return int(value)


def amount(name: str) -> Decimal:
    """Return the variable `name` as an exact decimal above zero."""
    value = text(name)
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise MisconfiguredEnvironment(
            f"environment variable {name} is {value!r}, expected a decimal number > 0"
        )
    return number
