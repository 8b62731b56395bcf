"""Insert ticks into the price table, each exactly once, in batches.

A PartiQL `INSERT` is conditional by nature: on an existing key it answers `DuplicateItem` for that
statement alone and leaves the row, with whatever metrics it has got meanwhile, as it is. Up to 25
statements go in one `BatchExecuteStatement`
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html);
HTTP 200 does not mean success, so every statement's answer is read:

no error                The tick is stored.
`DuplicateItem`         The stored row's `event_id` decides: the same is a duplicate, another a
                        collision of keys, which is refused.
throttled, or a fault   Again, after a pause with full jitter, while the invocation lasts.
`ValidationError`       Once more, without asking for the stored row; then the tick is refused.
no right, no table, …   `RetryLater`: the tick is sound, the deployment is not.

A call that is refused as a whole is repeated statement by statement, so that one bad value does
not take 24 good ticks with it. A call whose answer got lost is repeated: what it had stored comes
back as duplicates and is counted so. That is the price of not asking who wrote a row; nothing is
stored twice.

The stored row of a duplicate is asked for with `ReturnValuesOnConditionCheckFailure`, which is
documented for failed conditions but not for `DuplicateItem` in particular; where it is not given,
one consistent read tells. Needs `dynamodb:PartiQLInsert` and `dynamodb:PartiQLSelect` on the table
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from lambdas.adapters import aws
from lambdas.domain.errors import RetryLater
from lambdas.domain.keys import padded
from lambdas.domain.retention import EXPIRES_AT, Retention
from lambdas.domain.ticks import Refused, Tick

STATEMENTS_A_CALL = 25
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

# What must be left of the invocation when a call begins: time for the call and, after it, for one
# to the dead-letter queue; but never more than half of what there was.
RESERVE_MS = 2 * aws.LONGEST_CALL_SECONDS * 1000

_EXISTS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
_INVALID = frozenset({"ItemCollectionSizeLimitExceeded", "ValidationError"})


_STORED_ROW = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class PartiqlClient(Protocol):
    """The part of a DynamoDB client that is used here."""

    def batch_execute_statement(self, **arguments: Any) -> Mapping[str, Any]:
        """Run up to 25 statements; answer `{"Responses": [...]}`, one entry a statement."""
        ...


class Inserted(NamedTuple):
    """What became of the ticks: how many were stored, how many were known, which were refused."""

    stored: int
    duplicates: int
    refused: tuple[Refused, ...]


class PriceInserts:
    """The price table, as far as new ticks go.

    `client` is a DynamoDB client and `table` the table's name. With a `retention` every row says
    when it ends. `pause` waits for a number of seconds and `jitter` draws from 0 to 1; tests give
    their own.
    """

    def __init__(
        self,
        client: PartiqlClient,
        table: str,
        retention: Retention | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._retention = retention
        names = _NAMES if retention is None else (*_NAMES, EXPIRES_AT)
        # The text is the same for every row of a shape: DynamoDB parses it once, and nothing that
        # a venue wrote is ever part of a statement.
        self._insert: dict[tuple[str, ...], str] = {
            shape: f'INSERT INTO "{table}" VALUE {{{", ".join(f"{name!r}: ?" for name in shape)}}}'
            for shape in (names, (*names, "size"))
        }
        self._select = f'SELECT "event_id" FROM "{table}" WHERE "symbol" = ? AND "timestamp" = ?'
        self._pause = pause
        self._jitter = jitter

    def insert(self, ticks: Sequence[Tick], remaining_ms: Callable[[], int]) -> Inserted:
        """Store every tick that is not stored yet.

        `remaining_ms` tells how many milliseconds the invocation has left. Raises `RetryLater`
        when ticks stay unwritten for a reason that may pass; the same call, made again, stores
        those and counts the others as duplicates.
        """
        run = _Run(len(ticks), remaining_ms)
        rows = _distinct(ticks, run)
        rounds = 0
        while rows:
            rows = [tick for batch in _batches(rows) for tick in self._store(batch, run)]
            if rows:
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**rounds)
                seconds = self._jitter() * longest
                run.require(seconds)
                self._pause(seconds)
                rounds += 1
        return Inserted(run.stored, run.duplicates, tuple(run.refused))

    def _store(self, batch: Sequence[Tick], run: _Run) -> list[Tick]:
        """Insert up to 25 ticks; return those to try again."""
        statements = [
            {"Statement": self._insert[tuple(row)], "Parameters": list(row.values())}
            for row in (_row(tick, self._retention) for tick in batch)
        ]
        answers = self._execute([statement | _STORED_ROW for statement in statements], run)
        # Whether an INSERT may ask for the stored row is documented nowhere. Should it be refused
        # for asking, that must not be taken for a refusal of the tick: so once more without.
        invalid = [place for place, answer in enumerate(answers) if answer.verdict == "invalid"]
        if invalid:
            second = self._execute([statements[place] for place in invalid], run)
            for place, answer in zip(invalid, second, strict=True):
                answers[place] = answer
        again: list[Tick] = []
        unseen: list[Tick] = []
        for tick, answer in zip(batch, answers, strict=True):
            if answer.verdict == "done":
                run.stored += 1
            elif answer.verdict == "invalid":
                run.refused.append(_refused(tick, "unstorable", answer.message))
            elif answer.verdict == "again":
                again.append(tick)
            elif answer.item:
                run.compare(tick, answer.item)
            else:
                unseen.append(tick)
        return again + self._look_up(unseen, run) if unseen else again

    def _look_up(self, batch: Sequence[Tick], run: _Run) -> list[Tick]:
        """Read the rows that hold the keys of up to 25 ticks; return the ticks to try again."""
        answers = self._execute(
            [
                {
                    "Statement": self._select,
                    "Parameters": [{"S": tick.symbol}, {"N": padded(tick.timestamp)}],
                    "ConsistentRead": True,
                }
                for tick in batch
            ],
            run,
        )
        again: list[Tick] = []
        for tick, answer in zip(batch, answers, strict=True):
            if answer.verdict == "done" and answer.item:
                run.compare(tick, answer.item)
            elif answer.verdict in ("done", "again"):  # done without a row: deleted since
                again.append(tick)
            else:
                raise run.retry_later(f"{answer.code} on reading a stored row: {answer.message}")
        return again

    def _execute(self, statements: list[dict[str, Any]], run: _Run) -> list[_Answer]:
        """Run up to 25 statements; return an answer for each."""
        run.require(0)
        try:
            responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except aws.CALL_ERRORS as error:
            code = aws.error_code(error)
            if aws.is_refusal(error):
                if len(statements) > 1:
                    return [answer for one in statements for answer in self._execute([one], run)]
                return [_Answer("invalid", code, str(error))]
            if not aws.is_passing(error):
                raise run.retry_later(f"{code}: {error}") from error
            run.troubles[code] += 1
            return [_Answer("again", code)] * len(statements)
        answers = [self._answer(response, run) for response in responses[: len(statements)]]
        return answers + [_Answer("again", "NoAnswer")] * (len(statements) - len(answers))

    def _answer(self, response: Mapping[str, Any], run: _Run) -> _Answer:
        error = response.get("Error")
        if not error:
            return _Answer("done", item=response.get("Item"))
        code, message = error.get("Code", ""), error.get("Message", "")
        if code in _EXISTS:
            return _Answer("exists", code, message, error.get("Item"))
        if code in _INVALID:
            return _Answer("invalid", code, message)
        if code in aws.PASSING_STATEMENT_CODES:
            run.troubles[code] += 1
            return _Answer("again", code, message)
        raise run.retry_later(f"{code}: {message}")


class _Answer(NamedTuple):
    """What DynamoDB said to one statement."""

    verdict: Literal["done", "exists", "invalid", "again"]
    code: str = ""
    message: str = ""
    item: Mapping[str, Mapping[str, str]] | None = None


class _Run:
    """One call of `insert`: what is settled so far and how much time there is."""

    def __init__(self, ticks: int, remaining_ms: Callable[[], int]) -> None:
        self.ticks = ticks
        self.remaining_ms = remaining_ms
        self.reserve_ms = min(RESERVE_MS, remaining_ms() // 2)
        self.stored = 0
        self.duplicates = 0
        self.refused: list[Refused] = []
        self.troubles: Counter[str] = Counter()

    def require(self, seconds: float) -> None:
        """Raise when a pause of `seconds` would leave too little time for a call."""
        if self.remaining_ms() - seconds * 1000 < self.reserve_ms:
            raise self.retry_later("the invocation's time is over")

    def compare(self, tick: Tick, item: Mapping[str, Mapping[str, str]]) -> None:
        """Settle a tick whose key is taken: the same event is a duplicate, another collides."""
        stored = item.get("event_id", {}).get("S", "")
        if stored == tick.event_id:
            self.duplicates += 1
        else:
            self.refused.append(_collision(tick, stored))

    def retry_later(self, why: str) -> RetryLater:
        unwritten = self.ticks - self.stored - self.duplicates - len(self.refused)
        seen = "".join(f", {code} x {times}" for code, times in self.troubles.most_common(5))
        return RetryLater(f"{unwritten} of {self.ticks} ticks unwritten, {why[:300]}{seen}")


def _distinct(ticks: Sequence[Tick], run: _Run) -> list[Tick]:
    """Return the ticks that are the first on their key; settle the others."""
    first: dict[tuple[str, Decimal], Tick] = {}
    for tick in ticks:
        key = tick.symbol, tick.timestamp
        if key in first:
            run.compare(tick, {"event_id": {"S": first[key].event_id}})
        else:
            first[key] = tick
    return list(first.values())


def _batches(ticks: Sequence[Tick]) -> Iterator[Sequence[Tick]]:
    for start in range(0, len(ticks), STATEMENTS_A_CALL):
        yield ticks[start : start + STATEMENTS_A_CALL]


_NAMES = (
    "symbol",
    "timestamp",
    "base",
    "quote",
    "price",
    "exchange",
    "event_id",
    "kind",
    "received_at",
    "time_source",
    "window",
)


def _row(tick: Tick, retention: Retention | None = None) -> dict[str, dict[str, str]]:
    """Return a tick's attributes as DynamoDB takes them, in the order of the statement."""
    values: tuple[dict[str, str], ...] = (
        {"S": tick.symbol},
        {"N": padded(tick.timestamp)},
        {"S": tick.base},
        {"S": tick.quote},
        {"N": format(tick.price, "f")},
        {"S": tick.exchange},
        {"S": tick.event_id},
        {"S": tick.kind},
        {"N": str(tick.received_at)},
        {"S": tick.time_source},
        {"S": ""},
    )
    row = dict(zip(_NAMES, values, strict=True))
    if retention is not None:
        row[EXPIRES_AT] = {"N": str(retention.expires_at(tick.event_ms))}
    if tick.size is not None:
        row["size"] = {"N": format(tick.size, "f")}
    return row


def _collision(tick: Tick, other: str) -> Refused:
    return _refused(
        tick, "key-collision", f"the event {other[:200]!r} is stored under the same key"
    )


def _refused(tick: Tick, reason: str, detail: str) -> Refused:
    found = {
        name: next(iter(value.values())) for name, value in _row(tick).items() if name != "window"
    }
    return Refused(reason, detail, found)
