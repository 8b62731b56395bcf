"""Whatever fails, an event that Lambda retries until it succeeds loses no tick."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters import aws, price_inserts
from lambdas.domain.errors import RetryLater
from lambdas.webhook_processor import handler
from tests.adapters.price_table import Fault, PriceTable, client_error
from tests.adapters.test_price_inserts import faults
from tests.webhook_processor.conftest import Function
from tests.webhook_processor.webhooks import ENVIRONMENT, RECEIVED_AT, event

entries = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(["BTC/USD", "ETH/USD"]),
            "price": st.sampled_from(["97000.5", "97001", "-1", "free"]),
            "time": st.just(RECEIVED_AT),
            # Ids that differ by 10**16 share the digits that are in the key.
            "id": st.integers(1, 5) | st.integers(1, 5).map(lambda number: number + 10**16),
        }
    ),
    min_size=1,
    max_size=60,
)


@given(entries, faults, st.lists(st.booleans(), max_size=4))
def test_every_tick_is_in_the_table_or_in_the_dead_letter(
    ticks: list[dict[str, Any]], plan: list[Fault], queue_fails: list[bool]
) -> None:
    sent = event("generic", json.dumps(ticks).encode())
    function = Function()
    function.table = PriceTable(faults=plan, tells_stored_row=False)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr(aws, "client", function.client)
        patch.setattr(price_inserts, "FIRST_PAUSE_SECONDS", 0)
        handler._processor.cache_clear()
        try:
            answer = _until_accepted(function, sent, len(plan), queue_fails)
        finally:
            handler._processor.cache_clear()
    stored = {
        (row["symbol"]["S"], row["event_id"]["S"], Decimal(row["price"]["N"]))
        for row in function.table.rows.values()
    }
    keys = [(row["symbol"]["S"], key) for (_, key), row in function.table.rows.items()]
    assert len(keys) == len(set(keys))
    missing = [
        tick
        for tick in ticks
        if tick["price"] in ("-1", "free")
        or (tick["symbol"][:3], str(tick["id"])) not in {row[:2] for row in stored}
    ]
    assert answer["stored"] + answer["duplicates"] + answer["refused"] == len(ticks)
    assert answer["refused"] == len(missing)
    assert function.queue.events() == ([sent] if missing else [])


def _until_accepted(
    function: Function, sent: object, faults: int, queue_fails: list[bool]
) -> dict[str, Any]:
    """Invoke as Lambda does, again after every error; there are no more errors than faults."""
    failures = list(queue_fails)
    for _ in range(faults + len(failures) + 1):
        fails = failures.pop() if failures else False
        function.queue.failure = client_error("ServiceUnavailable", 503) if fails else None
        try:
            return function.invoke(sent)
        except RetryLater:
            continue
    raise AssertionError("all is well again, and still the event is not accepted")
