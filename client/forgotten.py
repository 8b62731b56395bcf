"""What to repair when the stream has forgotten a batch that the enricher could not do.

The dead letter of such a batch names positions in the stream and the times of its first and last
record, no rows. So every symbol is repaired, from the earliest moment that a tick of the batch may
have to the latest: a tick is taken when it is at most `processing.past_window_seconds` old, may
then wait for its function and in its dead-letter queue, and only then is inserted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from client.functions import CALL_ERRORS, Kept
from client.symbols import symbols
from lambdas.domain.keys import MAXIMUM_EVENT_MS
from stack.settings import Settings

PROCESSOR = "webhook_processor"


def repairs(
    dynamodb: Any, table: str, settings: Settings, batch: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return price-enricher's repairs, one a symbol, for a `DDBStreamBatchInfo`.

    Raises `Kept` when it does not tell its times, or the table does not tell its symbols.
    """
    first, last = span(settings, batch)
    try:
        found = list(symbols(dynamodb, table))
    except CALL_ERRORS as error:
        raise Kept(f"{table} did not tell its symbols: {error}") from error
    return [{"symbol": symbol, "from": str(first), "to": str(last)} for symbol in found]


def span(settings: Settings, batch: Mapping[str, Any]) -> tuple[int, int]:
    """Return the first and the last millisecond that a row of the batch can have."""
    processing = settings.processing
    first, last = (
        _time(batch, f"approximateArrivalOf{which}Record") for which in ("First", "Last")
    )
    waited = (
        settings.functions[PROCESSOR].maximum_event_age_seconds
        + settings.dead_letters.retention_seconds
    )
    earliest = first - 1000 * (processing.past_window_seconds + waited)
    # The times are of whole seconds. 0 is no bound: recordings of any age are taken.
    latest = last + 1000 * (processing.future_window_seconds + 1)
    return (
        max(0, earliest) if processing.past_window_seconds else 0,
        min(latest, MAXIMUM_EVENT_MS),
    )


def _time(batch: Mapping[str, Any], name: str) -> int:
    try:
        return int(datetime.fromisoformat(batch[name]).timestamp() * 1000)
    except (KeyError, TypeError, ValueError):
        raise Kept(
            f"the records have left the stream, and {name} is {batch.get(name)!r}, expected a "
            "time: put the rows of a time span right by `python -m client repair`"
        ) from None
