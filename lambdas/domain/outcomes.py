"""What became of one webhook message: the counts for its answer, its log line, its metrics."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from lambdas.domain.ticks import Refused


class Outcome(NamedTuple):
    """What became of one message.

    `stored` and `duplicates` count ticks; `refused` holds what went to the dead-letter queue (a
    message refused as a whole is one); `ignored` holds a reason code for each ignored entry;
    `symbols` counts the tapes of the valid ticks. The message as a whole was ignored exactly when
    something was ignored and nothing else happened.
    """

    stored: int = 0
    duplicates: int = 0
    refused: tuple[Refused, ...] = ()
    ignored: tuple[str, ...] = ()
    symbols: int = 0

    def counts(self) -> dict[str, int]:
        """Return the four counts by their names in the function's answer."""
        return {
            "stored": self.stored,
            "duplicates": self.duplicates,
            "refused": len(self.refused),
            "ignored": len(self.ignored),
        }

    def reasons(self) -> dict[str, int]:
        """Return how often each reason code of what was refused or ignored occurred."""
        return dict(sorted(Counter([*(r.reason for r in self.refused), *self.ignored]).items()))
