"""Metrics as the table holds them: 15 significant digits."""

from __future__ import annotations

SIGNIFICANT_DIGITS = 15
"""As many as every float keeps through text and back; rounded half to even."""

SMALLEST = 1e-130
"""What is closer to zero is zero: DynamoDB holds no smaller number."""


def text(value: float) -> str:
    """Return a metric's value as a decimal number in plain notation, at most 15 digits."""
    digits = f"{value:.15g}"
    if "e" not in digits:
        return digits
    if abs(value) < SMALLEST:
        return "0"
    mantissa, _, exponent = digits.partition("e")
    sign = "-" if value < 0 else ""
    whole, _, rest = mantissa.lstrip("-").partition(".")
    shift = int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{whole}{rest}"
    return f"{sign}{whole}{rest:0<{shift}}"
