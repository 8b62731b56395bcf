"""The price table in memory: what the enricher uses of DynamoDB, with its unit arithmetic.

Units are counted as AWS documents them: a consistent read costs one unit for each started 4 KB of
all items a query reads, a write one unit for each started KB of the larger of the item before and
after; a condition that fails costs what the write would have
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

Item = dict[str, dict[str, str]]

_UPDATE = re.compile(
    r'UPDATE "([^"]+)"((?: (?:SET "\w+"=\?|REMOVE "\w+"))+)'
    r' WHERE "symbol"=\? AND "timestamp"=\? AND "window"(<=|=)\?'
)
_SET, _REMOVE = re.compile(r' SET "(\w+)"=\?'), re.compile(r' REMOVE "(\w+)"')
_CONDITION = re.compile(r"#y = :y AND #t (<|>|>=) :t")

PAGE_BYTES = 1024 * 1024


def client_error(code: str, operation: str = "Query", status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"{code} by plan"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


def size_of(item: Item) -> int:
    total = 0
    for name, value in item.items():
        [(kind, text)] = value.items()
        total += len(name.encode())
        if kind == "S":
            total += len(text.encode())
        else:
            digits = "".join(map(str, Decimal(text).as_tuple().digits)).strip("0")
            total += (len(digits) + 1) // 2 + 1 + text.startswith("-")
    return total


class Table:
    """Rows by symbol and key, and what the calls cost.

    `faults` decides about each call before it runs: it is given the operation's name and its
    arguments and may raise, or return error codes by the statement's place, or `"lost"` to run
    the call and lose the answer.
    """

    def __init__(self, name: str = "prices", page_bytes: int = PAGE_BYTES) -> None:
        self.name = name
        self.page_bytes = page_bytes
        self._lock = Lock()  # the enricher calls from several threads
        self.rows: dict[str, dict[Decimal, Item]] = {}
        self.queries: list[dict[str, Any]] = []
        self.updates = 0
        self.calls = 0
        self.read_units = self.write_units = 0
        self.faults: Callable[[str, dict[str, Any]], Any] = lambda name, arguments: None

    def insert(self, items: Iterable[Item]) -> None:
        for item in items:
            stored = {
                name: {"N": number(value["N"])} if "N" in value else dict(value)
                for name, value in item.items()
            }
            self.rows.setdefault(item["symbol"]["S"], {})[Decimal(item["timestamp"]["N"])] = stored

    def tape(self, symbol: str) -> list[Item]:
        rows = self.rows.get(symbol, {})
        return [rows[key] for key in sorted(rows)]

    def query(self, **arguments: Any) -> Mapping[str, Any]:
        with self._lock:
            return self._query(arguments)

    def batch_execute_statement(self, **arguments: Any) -> Mapping[str, Any]:
        with self._lock:
            return self._execute(arguments)

    def _query(self, arguments: dict[str, Any]) -> Mapping[str, Any]:
        self.faults("Query", arguments)
        self.queries.append(arguments)
        assert arguments["TableName"] == self.name
        assert arguments["ConsistentRead"] is True
        names, values = (
            arguments["ExpressionAttributeNames"],
            arguments["ExpressionAttributeValues"],
        )
        comparison = _CONDITION.fullmatch(arguments["KeyConditionExpression"])
        assert comparison, arguments["KeyConditionExpression"]
        assert (names["#y"], names["#t"]) == ("symbol", "timestamp")
        bound = Decimal(values[":t"]["N"])
        compare = {"<": operator.lt, ">": operator.gt, ">=": operator.ge}[comparison[1]]
        rows = self.rows.get(values[":y"]["S"], {})
        keys = sorted(
            (key for key in rows if compare(key, bound)), reverse=not arguments["ScanIndexForward"]
        )
        items: list[Item] = []
        read = 0
        for key in keys:
            if len(items) == arguments["Limit"] or (items and read >= self.page_bytes):
                break
            items.append(rows[key])
            read += size_of(rows[key])
        self.read_units += max(1, -(-read // 4096))
        projected = [names[one] for one in arguments["ProjectionExpression"].split(",")]
        answer: dict[str, Any] = {
            "Items": [{name: item[name] for name in projected if name in item} for item in items]
        }
        if len(items) == arguments["Limit"] or len(items) < len(keys):
            answer["LastEvaluatedKey"] = {name: items[-1][name] for name in ("symbol", "timestamp")}
        return answer

    def _execute(self, arguments: dict[str, Any]) -> Mapping[str, Any]:
        statements: Sequence[dict[str, Any]] = arguments["Statements"]
        assert 1 <= len(statements) <= 25
        self.calls += 1
        plan = self.faults("BatchExecuteStatement", arguments)
        codes: Mapping[int, str] = plan if isinstance(plan, dict) else {}
        answers = [
            _error(codes[place]) if place in codes else self._update(**statement)
            for place, statement in enumerate(statements)
        ]
        if plan == "lost":
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return {"Responses": answers}

    def _update(self, Statement: str, Parameters: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        parsed = _UPDATE.fullmatch(Statement)
        assert parsed, f"not a statement of the enricher: {Statement}"
        if parsed[1] != self.name:
            return _error("ResourceNotFound")
        names = _SET.findall(parsed[2])
        *values, symbol, key, bound = Parameters
        assert len(names) == len(set(names)) == len(values)
        holds = {"<=": operator.le, "=": operator.eq}[parsed[3]]
        self.updates += 1
        rows = self.rows.get(symbol["S"], {})
        item = rows.get(Decimal(key["N"]))
        if item is None:
            self.write_units += 1
            return _error("ConditionalCheckFailed")
        before = size_of(item)
        if "window" not in item or not holds(item["window"]["S"], bound["S"]):
            self.write_units += -(-before // 1024)
            return _error("ConditionalCheckFailed")
        for name, value in zip(names, values, strict=True):
            item[name] = {"N": number(value["N"])} if "N" in value else value
        for name in _REMOVE.findall(parsed[2]):
            item.pop(name, None)
        self.write_units += -(-max(before, size_of(item)) // 1024)
        return {"TableName": self.name}


def number(text: str) -> str:
    """A number as DynamoDB gives it back: 38 significant digits, no trailing zeros."""
    value = Decimal(text)
    assert value.is_finite()
    assert len("".join(map(str, value.as_tuple().digits)).strip("0")) <= 38, text
    assert not value or -130 <= value.adjusted() <= 125, text
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _error(code: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": f"{code} by the table"}}
