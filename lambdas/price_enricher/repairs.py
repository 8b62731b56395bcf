"""Repair: put the rows of a time span right when nothing in the stream will.

For rows that are stale for another reason than a new row: a batch that ended in the dead-letter
queue and has left the stream, a raised version of the metrics, a hand in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from lambdas.domain.enrichment import RULES, Rules, Unreadable, repair
from lambdas.domain.errors import RetryLater
from lambdas.domain.keys import padded
from lambdas.price_enricher.batch import Tape, drive

RESERVE_MS = 30_000
"""What must be left of the invocation when the next rows are begun."""

_LAST_OF_MS = "." + "9" * 25


@dataclass(frozen=True, slots=True)
class Repair:
    """Rows to put right: those of a symbol from one key to another, both included."""

    symbol: str
    start: str
    end: str


def requested(request: Mapping[str, Any]) -> Repair:
    """Return what `{"symbol": …, "from": …, "to": …}` asks for.

    `from` and `to` are sort keys, or whole milliseconds: then `to` includes its millisecond.
    Raises ValueError that names the field, what was found and what was expected.
    """
    symbol = request.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise ValueError(f"repair.symbol is {symbol!r}, expected a symbol such as 'BTC'")
    start, end = _key(request, "from", ""), _key(request, "to", _LAST_OF_MS)
    if start > end:
        raise ValueError(f"repair.from is {start}, which is after repair.to, {end}")
    return Repair(symbol, start, end)


def repair_rows(
    wanted: Repair, tape: Tape, remaining_ms: Callable[[], int], rules: Rules = RULES
) -> dict[str, Any]:
    """Repair as many rows as time allows; answer counts and, in `next`, the last of them, or None.

    A further call with `from` = `next` goes on; None says that all are done.

    Raises :class:`RetryLater` when rows could not be read or written.
    """
    rows = written = 0
    start, inclusive = wanted.start, True
    while True:
        run = repair(wanted.symbol, start, wanted.end, inclusive=inclusive, rules=rules)
        try:
            [repaired] = drive([run], tape)
        except Unreadable as error:
            raise RetryLater(str(error)) from error
        outcome = repaired.outcome
        written += outcome.written
        rows += repaired.rows
        if outcome.failed:
            key, why = next(iter(outcome.failed.items()))
            raise RetryLater(
                f"{len(outcome.failed)} rows of {wanted.symbol} could not be repaired, "
                f"the first at {key}: {why}"
            )
        if repaired.more is None or remaining_ms() < RESERVE_MS:
            return {
                "symbol": wanted.symbol,
                "rows": rows,
                "written": written,
                "next": repaired.more,
            }
        start, inclusive = repaired.more, False


def _key(request: Mapping[str, Any], name: str, rest: str) -> str:
    found = str(request.get(name))
    try:
        return padded(Decimal(found + rest if found.isdecimal() else found))
    except (InvalidOperation, ValueError) as error:
        raise ValueError(
            f"repair.{name} is {found!r}, expected milliseconds of the epoch or a sort key"
        ) from error
