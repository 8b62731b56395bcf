"""Exponential back-off with jitter: how long to wait before trying again.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from `first_seconds` to `most_seconds`, each shortened by up to half.

    The jitter keeps senders that failed together from coming back together; the half that stays
    keeps a sender that failed from coming back at once.
    """

    first_seconds: float
    most_seconds: float

    def pause(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures in a row; `chance` is random, from 0 to 1."""
        # Beyond 2 ** 64 no float and no patience is left to double.
        whole = min(self.most_seconds, self.first_seconds * 2.0 ** min(failures - 1, 64))
        return whole * (1 + chance) / 2
