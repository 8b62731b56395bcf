"""Metrics as the table holds them: 15 significant digits."""

from __future__ import annotations

SIGNIFICANT_DIGITS = 15
"""As many as every float keeps through text and back; rounded half to even."""

SMALLEST = 1e-130
"""What is closer to zero is zero: DynamoDB holds no smaller number."""


def text(value: float) -> str:
    """Return a metric's value as a decimal number in plain notation, at most 15 digits."""
    if 1e-4 <= value < 9e14 or -9e14 < value <= -1e-4:  # where the format itself is plain
        return f"{value:.15g}"
    if -SMALLEST < value < SMALLEST:
        return "0"
    mantissa, _, exponent = f"{value:.15g}".partition("e")
    if not exponent:
        return mantissa
    sign, digits = "-" if value < 0 else "", mantissa.lstrip("-").replace(".", "")
    shift = int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{digits}"
    return f"{sign}{digits:0<{shift + 1}}"
