"""How long rows are kept, where the settings say that they are not kept for ever.

A row's end is counted from its event's time, not from its arrival, so that a tape loses its rows
from the front: what lies before a late tick never outlives it. DynamoDB deletes a row some time
after its end, often within minutes and at the latest within days, and does not say when
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html).

A tick that comes so late that rows which its metrics need may be gone is not stored, because it
would get wrong ones and soon vanish; it is refused, so that its message stays in the dead-letter
queue. The bound is the settings' (``Settings.insert_within_seconds``).
"""

from __future__ import annotations

from typing import NamedTuple

EXPIRES_AT = "expires_at"
"""The attribute that tells DynamoDB a row's end: seconds of the Unix epoch."""


class Retention(NamedTuple):
    """What is kept for how long: both are milliseconds after an event's time.

    A row ends ``kept_ms`` after its event, and is inserted ``insert_within_ms`` after it at the
    latest.
    """

    kept_ms: int
    insert_within_ms: int

    def expires_at(self, event_ms: int) -> int:
        """Return a row's end in whole seconds of the epoch, the first that is not too early."""
        return -(-(event_ms + self.kept_ms) // 1000)

    def takes(self, event_ms: int, now_ms: int) -> bool:
        """Tell whether an event is young enough to become a row now."""
        return now_ms - event_ms <= self.insert_within_ms
