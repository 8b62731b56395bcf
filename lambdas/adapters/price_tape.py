"""The price table as tapes: reads of a stretch, and guarded updates, 25 a call.

An update is a PartiQL statement on condition that the row exists and that its window mark is not
larger than the new one, or is just the one that a repair found to count rows that are gone.
`BatchExecuteStatement` takes 25 of them
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html) and
answers each by itself; HTTP 200 does not mean success:

no error                 Written.
`ConditionalCheckFailed` Refused: the row is gone, or its mark is larger.
throttled, or a fault    Again, after a pause with full jitter, while the invocation lasts.
anything else            Failed.

A call that is refused as a whole is repeated statement by statement, so that one row does not take
24 others with it. An update is idempotent, so one whose answer got lost is repeated.

Needs `dynamodb:Query` and `dynamodb:PartiQLUpdate` on the table
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Protocol, TypeVar

from lambdas.adapters import aws
from lambdas.domain.enrichment import Answer, Page, Read, Unreadable, Write
from lambdas.domain.keys import KINDS, padded
from lambdas.domain.metrics import ATTRIBUTES
from lambdas.domain.tape import Print, Row
from lambdas.domain.ticks import Kind

STATEMENTS_A_CALL = 25
CALLS_AT_ONCE = 8
SHOWN = 100  # characters of a wrong value in a message
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

# What must be left of the invocation when a call begins: time for the call and for the notice
# after it; but never more than half of what there was.
RESERVE_MS = 2 * aws.LONGEST_CALL_SECONDS * 1000

# "timestamp", "size" and "window" are reserved words, so every name gets a placeholder
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html).
_PRINT = {"#t": "timestamp", "#p": "price", "#s": "size", "#e": "exchange", "#k": "kind"}
_WINDOW = {"#w": "window"}
_STATE = _WINDOW | {f"#m{index}": name for index, name in enumerate(ATTRIBUTES)}
_SYMBOL = {"#y": "symbol"}

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}

_T = TypeVar("_T")
_R = TypeVar("_R")

Image = Mapping[str, Mapping[str, Any]]
"""Attributes as DynamoDB writes them: name to type letter to value."""


class TapeClient(Protocol):
    """The part of a DynamoDB client that is used here."""

    def query(self, **arguments: Any) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html."""
        ...

    def batch_execute_statement(self, **arguments: Any) -> Mapping[str, Any]:
        """Run up to 25 statements; answer `{"Responses": [...]}`, one entry a statement."""
        ...


class BrokenRow(Exception):
    """A stored row that is not a row of a tape; the message says what is wrong with it."""


def row_of(image: Image) -> Row:
    """Return a row as the table and its stream hold it. Raises :class:`BrokenRow`."""
    size = image.get("size")
    kind = _KINDS.get(_attribute(image, "kind", "S"))
    if kind is None:
        raise BrokenRow(f"kind is {image['kind']['S'][:SHOWN]!r}, expected 'trade' or 'ticker'")
    price = _number(image, "price")
    if price <= 0:
        raise BrokenRow(f"price is {price}, expected a number above 0")
    return Row(
        Print(
            key=key_of(image),
            price=price,
            size=None if size is None else _number(image, "size"),
            exchange=_attribute(image, "exchange", "S"),
            kind=kind,
        ),
        _attribute(image, "window", "S"),
        {name: value["N"] for name in ATTRIBUTES if (value := image.get(name)) and "N" in value},
    )


def key_of(image: Image) -> str:
    """Return the sort key of a row as canonical text. Raises :class:`BrokenRow`."""
    try:
        return padded(_number(image, "timestamp"))
    except ValueError as error:
        raise BrokenRow(str(error)) from error


def _attribute(image: Image, name: str, kind: str) -> str:
    value = image.get(name, {}).get(kind)
    if not isinstance(value, str):
        found = repr(image.get(name))[:SHOWN]
        raise BrokenRow(f"{name} is {found}, expected an attribute of type {kind}")
    return value


def _number(image: Image, name: str) -> Decimal:
    text = _attribute(image, name, "N")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise BrokenRow(f"{name} is {text!r}, expected a number") from error


class PriceTape:
    """The price table, as far as enriching its rows goes.

    `client` is a DynamoDB client, `table` the table's name, `remaining_ms` tells how many
    milliseconds the invocation has left. `pause` waits for a number of seconds and `jitter` draws
    from 0 to 1; tests give their own.
    """

    def __init__(
        self,
        client: TapeClient,
        table: str,
        remaining_ms: Callable[[], int],
        *,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._table = table
        self._remaining_ms = remaining_ms
        self._reserve_ms = min(RESERVE_MS, remaining_ms() // 2)
        self._pause = pause
        self._jitter = jitter
        self.troubles: Counter[str] = Counter()
        """What DynamoDB answered beside the expected, and how often."""

    def read(self, reads: Sequence[Read]) -> list[Page | Unreadable]:
        """Answer reads, several at once; each with rows, or with why there are none."""
        return self._at_once(self._read, reads)

    def write(self, writes: Sequence[Write]) -> list[Answer]:
        """Make updates, 25 a call and several calls at once; return what became of each."""
        batches = [
            writes[start : start + STATEMENTS_A_CALL]
            for start in range(0, len(writes), STATEMENTS_A_CALL)
        ]
        return [answer for answers in self._at_once(self._write, batches) for answer in answers]

    @staticmethod
    def _at_once(call: Callable[[_T], _R], arguments: Sequence[_T]) -> list[_R]:
        if len(arguments) < 2:  # the usual case needs no threads
            return [call(argument) for argument in arguments]
        return list(_pool().map(call, arguments))

    def _read(self, read: Read) -> Page | Unreadable:
        names = _PRINT | (_STATE if read.with_metrics else _WINDOW)
        arguments = {
            "TableName": self._table,
            "KeyConditionExpression": f"#y = :y AND #t {read.beyond} :t",
            "ProjectionExpression": ",".join(names),
            "ExpressionAttributeNames": names | _SYMBOL,
            "ExpressionAttributeValues": {":y": {"S": read.symbol}, ":t": {"N": read.key}},
            "ConsistentRead": True,
            "ScanIndexForward": read.beyond != "<",
            "Limit": read.limit,
        }
        attempt = 0
        while self._has_time(attempt):
            try:
                return _page(self._client.query(**arguments))
            except aws.CALL_ERRORS as error:
                self._note(aws.error_code(error), str(error))
                if not aws.is_passing(error):
                    return Unreadable(f"{read.symbol} could not be read: {error}")
            attempt += 1
        return Unreadable(f"{read.symbol} could not be read before the invocation's time was over")

    def _write(self, writes: Sequence[Write]) -> list[Answer]:
        """Make up to 25 updates, repeating what is throttled."""
        answers = [Answer.FAILED] * len(writes)
        statements = [self._statement(write) for write in writes]
        pending = list(range(len(writes)))
        attempt = 0
        while pending and self._has_time(attempt):
            again = []
            verdicts = self._execute([statements[index] for index in pending])
            for index, verdict in zip(pending, verdicts, strict=True):
                if verdict is None:
                    again.append(index)
                else:
                    answers[index] = verdict
            pending = again
            attempt += 1
        return answers

    def _statement(self, write: Write) -> dict[str, Any]:
        """Return the update of a row.

        Statements of one shape have one text, which DynamoDB parses once. Clauses are repeated
        and not joined by commas, as the reference's examples do
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html).
        """
        metrics, window = write.enriched.metrics, {"S": write.enriched.window}
        bound, compared = ({"S": write.replaced}, "=") if write.replaced else (window, "<=")
        sets = "".join(f' SET "{name}"=?' for name in metrics)
        removes = "".join(f' REMOVE "{name}"' for name in write.obsolete)
        return {
            "Statement": f'UPDATE "{self._table}"{sets} SET "window"=?{removes}'
            f' WHERE "symbol"=? AND "timestamp"=? AND "window"{compared}?',
            "Parameters": [
                *({"N": value} for value in metrics.values()),
                window,
                {"S": write.symbol},
                {"N": write.key},
                bound,
            ],
        }

    def _execute(self, statements: list[dict[str, Any]]) -> list[Answer | None]:
        """Run up to 25 statements; return what became of each, None for those to try again."""
        try:
            responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except aws.CALL_ERRORS as error:
            self._note(aws.error_code(error), str(error))
            if aws.is_refusal(error) and len(statements) > 1:
                return [answer for one in statements for answer in self._execute([one])]
            return [None if aws.is_passing(error) else Answer.FAILED] * len(statements)
        answers = [self._answer(response) for response in responses[: len(statements)]]
        return answers + [None] * (len(statements) - len(answers))

    def _answer(self, response: Mapping[str, Any]) -> Answer | None:
        error = response.get("Error")
        if not error:
            return Answer.WRITTEN
        code = error.get("Code", "")
        if code == "ConditionalCheckFailed":
            return Answer.REFUSED
        self._note(code, error.get("Message", ""))
        return None if code in aws.PASSING_STATEMENT_CODES else Answer.FAILED

    def _has_time(self, attempt: int) -> bool:
        """Wait before all but the first attempt; tell whether there is time left for it."""
        left = self._remaining_ms() - self._reserve_ms
        if not attempt:
            return left >= 0
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempt, 10))
        seconds = self._jitter() * longest
        if seconds * 1000 > left:
            return False
        self._pause(seconds)
        return True

    def _note(self, code: str, message: str) -> None:
        self.troubles[f"{code}: {message}"[:200]] += 1


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the container's threads.

    Calls wait for the network nearly all the time; low-level clients are thread-safe
    (https://docs.aws.amazon.com/boto3/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients).
    """
    return ThreadPoolExecutor(CALLS_AT_ONCE)


def _page(answer: Mapping[str, Any]) -> Page:
    rows: list[Row] = []
    broken: list[str] = []
    for image in answer["Items"]:
        try:
            rows.append(row_of(image))
        except BrokenRow:
            # Its own record from the stream reports it; here it must not stop its neighbours.
            with suppress(BrokenRow):
                broken.append(key_of(image))
    last = answer.get("LastEvaluatedKey")
    return Page(rows, broken, key_of(last) if last else None)
