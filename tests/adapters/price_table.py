"""A price table in memory: the fake of DynamoDB's PartiQL, as far as the pipeline's inserts use it.

`tests/adapters/test_price_inserts.py` runs one contract on this fake and on an emulated DynamoDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from botocore.exceptions import ClientError, ReadTimeoutError

Item = dict[str, dict[str, str]]

_INSERT = re.compile(r"""INSERT INTO "([^"]+)" VALUE \{(.*)\}""")
_SELECT = re.compile(
    r"""SELECT "event_id" FROM "([^"]+)" WHERE "symbol" = \? AND "timestamp" = \?"""
)
_FIELD = re.compile(r"'(\w+)': \?")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call.

    `lost-before` and `lost-after` lose the connection before and after the statements ran,
    `throttled` and `refused` answer the whole call with an error, `statements` answers the
    statements at some places with an error code, `short` leaves the last answers out.
    """

    kind: Literal[
        "none", "lost-before", "lost-after", "throttled", "refused", "statements", "short"
    ]
    codes: Mapping[int, str] = field(default_factory=dict)


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"{code} by plan"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "BatchExecuteStatement")


class PriceTable:
    """The table: `rows` by symbol and key; `faults` strike one call each, then all is well.

    `tells_stored_row`: whether a `DuplicateItem` carries the stored row when asked to, which AWS
    documents for failed conditions and the emulator does not do.
    """

    def __init__(
        self, name: str = "prices", faults: Iterable[Fault] = (), *, tells_stored_row: bool = True
    ) -> None:
        self.name = name
        self.rows: dict[tuple[str, Decimal], Item] = {}
        self.calls: list[list[dict[str, Any]]] = []
        self._faults = iter(faults)
        self._tells_stored_row = tells_stored_row

    def batch_execute_statement(self, **arguments: Any) -> Mapping[str, Any]:
        statements: list[dict[str, Any]] = arguments.pop("Statements")
        assert not arguments
        assert 1 <= len(statements) <= 25
        assert len({statement["Statement"].split()[0] for statement in statements}) == 1
        self.calls.append(statements)
        fault = next(self._faults, Fault("none"))
        if fault.kind == "lost-before":
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        if fault.kind == "throttled":
            raise client_error("ThrottlingException")
        if fault.kind == "refused" and len(statements) > 1:
            raise client_error("ValidationException")
        answers = [
            {"Error": {"Code": fault.codes[place], "Message": "by plan"}}
            if fault.kind == "statements" and place in fault.codes
            else self._run(**statement)
            for place, statement in enumerate(statements)
        ]
        if fault.kind == "lost-after":
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        if fault.kind == "short":
            del answers[len(answers) // 2 :]
        return {"Responses": answers}

    def _run(
        self,
        Statement: str,  # noqa: N803 - the API's names
        Parameters: list[dict[str, str]],  # noqa: N803
        ReturnValuesOnConditionCheckFailure: str = "NONE",  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
    ) -> dict[str, Any]:
        if insert := _INSERT.fullmatch(Statement):
            table, names = insert[1], _FIELD.findall(insert[2])
        else:
            select = _SELECT.fullmatch(Statement)
            assert select, f"not a statement of the pipeline: {Statement}"
            table, names = select[1], ["symbol", "timestamp"]
        if table != self.name:
            return _error("ResourceNotFound")
        assert len(names) == len(set(names)) == len(Parameters)
        item = dict(zip(names, Parameters, strict=True))
        if not item["symbol"]["S"]:
            return _error("ValidationError")
        for value in item.values():
            if "N" in value and not _is_number(value["N"]):
                return _error("ValidationError")
        key = item["symbol"]["S"], Decimal(item["timestamp"]["N"])
        stored = self.rows.get(key)
        if not insert:
            assert ConsistentRead, "an eventually consistent read may miss the row it is asked for"
            return {"Item": {"event_id": stored["event_id"]}} if stored else {}
        if stored is None:
            self.rows[key] = item
            return {"TableName": table}
        error = _error("DuplicateItem")
        if ReturnValuesOnConditionCheckFailure == "ALL_OLD" and self._tells_stored_row:
            error["Error"]["Item"] = stored
        return error


def _error(code: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": f"{code} by the table"}}


def _is_number(text: str) -> bool:
    """38 significant digits, 1E-130 to 9.99E+125, as DynamoDB documents its numbers."""
    number = Decimal(text).normalize()
    return (
        number.is_finite()
        and len(number.as_tuple().digits) <= 38
        and (not number or -130 <= number.adjusted() <= 125)
    )
