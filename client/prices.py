"""Reads prices and their metrics from the table, exactly as they are stored.

>>> prices = Prices(Environment("dev"))
>>> prices.latest(["BTC", "ETH"])                      # the newest row of each
>>> prices.last("BTC", 100)                            # the newest 100, oldest first
>>> list(prices.range("BTC", start, end))              # a time range, paged as it is read
>>> prices.asof("BTC", moment)                         # the last row at or before a moment
>>> for row in prices.follow(["BTC", "ETH"]): ...      # new rows, as they are enriched

Times are timezone-aware datetimes or whole milliseconds of the Unix epoch. Numbers are `Decimal`s;
`Row.floats` gives a row's metrics as floats. Queries need `dynamodb:Query` on the table and nothing
else, which the managed policy `price-reader-{suffix}` gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from itertools import islice
from typing import Any

from client.environment import Environment
from lambdas.domain.keys import MAXIMUM_EVENT_MS
from lambdas.domain.metrics import ATTRIBUTES
from lambdas.domain.retention import EXPIRES_AT

Moment = datetime | int

PAGE = 1000
"""Rows asked for at a time, at most: DynamoDB ends a page at 1 MB, some 2,000 rows, anyway."""

_SMALLEST_STEP = Decimal("1e-25")
"""Between two neighbouring sort keys: they have 25 digits after the milliseconds."""

_DIGITS = Context(prec=38)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidQuery(ValueError):
    """A query that cannot be asked; the message names the value and what was expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """One tick as it is stored, with its metrics: those that are undefined are absent.

    `timestamp` is the sort key (milliseconds, and a fraction that makes the event unique), `size`
    is in base units and None where the venue gave none, `window` is empty until the row is
    enriched.
    """

    symbol: str
    timestamp: Decimal
    base: str
    quote: str
    price: Decimal
    size: Decimal | None
    exchange: str
    event_id: str
    kind: str
    received_at: int
    time_source: str
    window: str
    metrics: Mapping[str, Decimal]

    @property
    def event_ms(self) -> int:
        """The event's time in whole milliseconds of the epoch."""
        return int(self.timestamp)

    @property
    def time(self) -> datetime:
        """The event's time in UTC, to the millisecond."""
        return _EPOCH + timedelta(milliseconds=self.event_ms)

    @property
    def floats(self) -> dict[str, float]:
        """The metrics as floats: their 15 stored digits are what a float holds."""
        return {name: float(value) for name, value in self.metrics.items()}

    @classmethod
    def from_item(cls, item: Mapping[str, Mapping[str, str]]) -> Row:
        """Read an item in DynamoDB's own form (`{"price": {"N": "97123.4"}}`)."""
        texts = {name: next(iter(value.values())) for name, value in item.items()}
        return cls(
            symbol=texts["symbol"],
            timestamp=Decimal(texts["timestamp"]),
            base=texts["base"],
            quote=texts["quote"],
            price=Decimal(texts["price"]),
            size=Decimal(texts["size"]) if "size" in texts else None,
            exchange=texts["exchange"],
            event_id=texts["event_id"],
            kind=texts["kind"],
            received_at=int(texts["received_at"]),
            time_source=texts["time_source"],
            window=texts["window"],
            metrics={name: Decimal(texts[name]) for name in ATTRIBUTES if name in texts},
        )


@dataclass(slots=True)
class Prices:
    """The table of one environment, to be asked.

    Reads are eventually consistent, at half the price, unless `consistent` is set.
    `read_units` counts what all queries together consumed: half a unit for each begun 4 KB of a
    query, one unit when consistent. A row past its end is left out, deleted already or not.
    """

    environment: Environment
    consistent: bool = False
    read_units: float = field(default=0.0, init=False)

    def latest(self, symbols: Iterable[str]) -> list[Row]:
        """Return the newest row of each symbol that has any, in the order given."""
        return [row for symbol in symbols for row in self._newest(symbol, None, 1)]

    def last(self, symbol: str, count: int) -> list[Row]:
        """Return the newest `count` rows of a symbol, oldest first."""
        if count < 1:
            raise InvalidQuery(f"count is {count}, expected at least 1")
        return self._newest(symbol, None, count)[::-1]

    def asof(self, symbol: str, moment: Moment) -> Row | None:
        """Return the last row at or before a moment (its whole millisecond), None without one."""
        return next(iter(self._newest(symbol, milliseconds(moment), 1)), None)

    def range(self, symbol: str, start: Moment, end: Moment) -> Iterator[Row]:
        """Yield the rows from `start` on and before `end`, oldest first, a page at a time."""
        first, beyond = milliseconds(start), milliseconds(end)
        if first >= beyond:
            raise InvalidQuery(f"the range from {first} to {beyond} is empty: expected end > start")
        last = _DIGITS.subtract(Decimal(beyond), _SMALLEST_STEP)
        return self._rows(symbol, "BETWEEN :a AND :b", {":a": str(first), ":b": str(last)})

    def follow(
        self,
        symbols: Sequence[str],
        *,
        every_seconds: float = 1.0,
        overlap_seconds: int = 60,
        pause: Callable[[float], None] = time.sleep,
    ) -> Iterator[Row]:
        """Yield rows as they are enriched, beginning with the newest of each symbol; never ends.

        Each round reads the last `overlap_seconds` of each tape again, so that a row that came
        late or was enriched late is seen, and yields what it has not yielded before, oldest first.
        What comes later than that is not seen: read the range again where completeness counts.
        A round costs a query a symbol.
        """
        overlap = overlap_seconds * 1000
        # Where following began, the newest event so far, and the keys that were yielded near it.
        begun = dict.fromkeys(symbols, 0)
        newest = dict(begun)
        known: dict[str, set[Decimal]] = {symbol: set() for symbol in symbols}
        for row in self.latest(symbols):
            begun[row.symbol] = newest[row.symbol] = row.event_ms
        while True:
            for symbol in symbols:
                since = max(begun[symbol], newest[symbol] - overlap)
                for row in self.range(symbol, since, MAXIMUM_EVENT_MS):
                    newest[symbol] = max(newest[symbol], row.event_ms)
                    if row.window and row.timestamp not in known[symbol]:
                        known[symbol].add(row.timestamp)
                        yield row
                horizon = newest[symbol] - overlap
                known[symbol] = {key for key in known[symbol] if key >= horizon}
            pause(every_seconds)

    def _newest(self, symbol: str, until_ms: int | None, count: int) -> list[Row]:
        bound = {} if until_ms is None else {":a": str(until_ms + 1)}
        rows = self._rows(symbol, "< :a" if bound else "", bound, newest_first=True, most=count)
        return list(islice(rows, count))

    def _rows(
        self,
        symbol: str,
        condition: str,
        bounds: Mapping[str, str],
        *,
        newest_first: bool = False,
        most: int = PAGE,
    ) -> Iterator[Row]:
        if not symbol:
            raise InvalidQuery("symbol is empty, expected one such as BTC or ETH-BTC")
        names = {"#s": "symbol", **({"#t": "timestamp"} if condition else {})}
        query: dict[str, Any] = {
            "TableName": self.environment.table,
            "KeyConditionExpression": f"#s = :s AND #t {condition}" if condition else "#s = :s",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":s": {"S": symbol},
                **{name: {"N": number} for name, number in bounds.items()},
            },
            "ScanIndexForward": not newest_first,
            "ConsistentRead": self.consistent,
            "ReturnConsumedCapacity": "TOTAL",
            "Limit": min(most, PAGE),
        }
        client = self.environment.client("dynamodb")
        while True:
            page = client.query(**query)
            self.read_units += page.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
            yield from (Row.from_item(item) for item in page["Items"] if not _ended(item))
            if "LastEvaluatedKey" not in page:
                return
            # More than were wanted: those of the first page may all have ended.
            query |= {"ExclusiveStartKey": page["LastEvaluatedKey"], "Limit": PAGE}


def _ended(item: Mapping[str, Mapping[str, str]]) -> bool:
    """Tell whether a row is past its end: DynamoDB deletes it soon, and a reader must not care."""
    end = item.get(EXPIRES_AT)
    return end is not None and int(end["N"]) < time.time()


def milliseconds(moment: Moment) -> int:
    """Return a moment as whole milliseconds of the epoch. Raises `InvalidQuery`."""
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidQuery(f"time {moment.isoformat()} has no time zone: give it one (UTC)")
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= moment <= MAXIMUM_EVENT_MS:
        raise InvalidQuery(f"time is {moment}, expected milliseconds of the epoch, 13 digits")
    return moment
