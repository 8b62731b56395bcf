"""The symbols of a table are found by one read a symbol, however long the tapes are."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from client.symbols import symbols
from tests.price_enricher.rows import walk
from tests.price_enricher.table import Item


class Partitions:
    """A table whose partitions lie in an order of its own, as DynamoDB's do."""

    def __init__(self, items: list[Item], order: list[str]) -> None:
        self._order = {symbol: number for number, symbol in enumerate(order)}
        self._items = sorted(items, key=self._place)
        self.scans = 0

    def _place(self, key: Item) -> tuple[int, str]:
        return self._order[key["symbol"]["S"]], key["timestamp"]["N"]

    def scan(self, Limit: int, ExclusiveStartKey: Item | None = None, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.scans += 1
        start = self._place(ExclusiveStartKey) if ExclusiveStartKey else (-1, "")
        found = [item for item in self._items if self._place(item) > start][:Limit]
        key = {name: found[-1][name] for name in ("symbol", "timestamp")} if found else None
        return {"Items": found} | ({"LastEvaluatedKey": key} if key else {})


@given(st.permutations(["BTC", "ETH", "SOL-EUR", "btc"]), st.integers(0, 4), st.integers(1, 9))
def test_every_symbol_comes_once_for_one_read_each(order: list[str], count: int, rows: int) -> None:
    held = order[:count]
    table = Partitions([item for each in held for item in walk(rows, each)], order)
    assert list(symbols(table, "prices")) == held
    assert table.scans == len(held) + 1
