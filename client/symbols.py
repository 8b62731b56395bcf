"""Which symbols a table holds, found without reading their rows.

DynamoDB has no list of a table's partition keys, and a scan reads every row. But a scan goes on
behind any key it is given, so one row a step is enough when each step begins behind the last row
that its symbol can have: half a read unit a symbol, whatever the tapes' length. That
`ExclusiveStartKey` need not be a stored key is how DynamoDB behaves, not what its page promises
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambdas.domain.keys import MAXIMUM_EVENT_MS

BEHIND_ALL = f"{MAXIMUM_EVENT_MS}.{'9' * 25}"
"""A sort key behind every row of a tape."""


def symbols(dynamodb: Any, table: str) -> Iterator[str]:
    """Yield every symbol of a table, in the table's own order. Needs `dynamodb:Scan`."""
    start: dict[str, Any] = {}
    while True:
        page = dynamodb.scan(
            TableName=table,
            Limit=1,
            ProjectionExpression="#y",
            ExpressionAttributeNames={"#y": "symbol"},
            **start,
        )
        for item in page["Items"]:
            yield item["symbol"]["S"]
        if (last := page.get("LastEvaluatedKey")) is None:
            return
        start = {"ExclusiveStartKey": {"symbol": last["symbol"], "timestamp": {"N": BEHIND_ALL}}}
