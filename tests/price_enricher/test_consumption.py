"""What enriching costs, in DynamoDB's units, with rows of the largest size."""

from __future__ import annotations

import random
from decimal import Decimal

from tests.price_enricher.conftest import Enricher
from tests.price_enricher.rows import START_MS, in_batches, row, walk, wrong
from tests.price_enricher.table import Item, size_of

LARGEST = 1024


def largest(count: int) -> list[Item]:
    """Rows whose attributes are as long as any that the pipeline stores."""
    chance = random.Random(8)
    rows = []
    for i in range(count):
        item = row(i, symbol="VERYLONGASSET-VERYLONGQUOTE")
        item |= {
            "timestamp": {"N": f"{START_MS + i}.999999129{10**16 - 1 - i}"},
            "price": {"N": f"{chance.randrange(10**17, 10**18)}E-{chance.randrange(7, 29)}"},
            "size": {"N": f"{chance.randrange(10**37, 10**38)}E-20"},
            "exchange": {"S": "coinbase_advanced"},
            "event_id": {"S": "x" * 64},
            "kind": {"S": "ticker" if i % 2 else "trade"},
            "time_source": {"S": "envelope"},
        }
        rows.append(item)
    return rows


def test_in_order_a_tick_costs_one_write_unit_and_a_batch_one_query(enricher: Enricher) -> None:
    rows = largest(1_000)
    symbol = rows[0]["symbol"]["S"]
    table = enricher.table
    enricher.insert(rows[:100])  # cold
    for batch in in_batches(rows[100:], 60):
        before = table.read_units
        table.write_units = 0
        table.queries.clear()
        enricher.insert(list(batch))
        assert table.write_units == len(batch)
        assert len(table.queries) == 1
        # From the cached tail on: the last enriched row and the new ones, which have no metrics.
        read = sum(size_of(item) for item in batch)
        assert table.read_units - before <= -(-(LARGEST + read) // 4096)
    assert wrong(table, symbol) == []
    assert max(map(size_of, table.tape(symbol))) <= LARGEST


def test_cold_a_batch_reads_one_window(enricher: Enricher) -> None:
    rows = largest(200)
    enricher.table.insert(rows[:150])
    enricher.insert(rows[150:])
    backwards, forwards = enricher.table.queries
    assert (backwards["Limit"], backwards["ScanIndexForward"]) == (99, False)
    assert forwards["ScanIndexForward"] is True
    assert enricher.table.read_units <= -(-99 * LARGEST // 4096) + -(-50 * LARGEST // 4096)


def test_a_tail_left_far_behind_is_not_read_on_from(enricher: Enricher) -> None:
    # GIVEN a container that has not seen the tape for 2,000 rows
    rows = walk(2_400)
    enricher.insert(rows[:100])
    enricher.table.insert(rows[100:-10])
    enricher.table.queries.clear()
    # WHEN it is handed the newest
    enricher.insert(rows[-10:])
    # THEN it reads a window afresh and not what lies between
    assert len(enricher.table.queries) == 3
    assert wrong(enricher.table)[-1] < rows[-10]["timestamp"]["N"]


def test_a_redelivered_batch_costs_no_write(enricher: Enricher) -> None:
    rows = walk(50)
    enricher.insert(rows)
    enricher.table.write_units = 0
    enricher.deliver(rows)
    assert enricher.table.write_units == 0


def test_writing_ahead_is_still_one_write_a_tick(enricher: Enricher) -> None:
    # GIVEN a function that is behind the table
    rows = walk(500)
    enricher.table.insert(rows)
    # WHEN it is handed the rows it already wrote ahead
    for batch in in_batches(rows, 20):
        enricher.deliver(list(batch))
    # THEN none is written twice
    assert enricher.table.write_units == 500
    assert wrong(enricher.table) == []


def test_a_function_that_is_behind_reads_on_from_where_it_got_to(enricher: Enricher) -> None:
    # GIVEN a function whose batches end long before the table does
    rows = walk(600)
    enricher.table.insert(rows)
    batches = in_batches(rows, 50)
    enricher.deliver(list(batches[0]))
    for batch in batches[1:]:
        enricher.table.queries.clear()
        # WHEN the next one comes, whose rows were written ahead
        enricher.deliver(list(batch))
        # THEN it makes one query, and one more where it writes ahead itself; never the window anew
        assert len(enricher.table.queries) <= 2
        assert all(query["ScanIndexForward"] for query in enricher.table.queries)
    assert wrong(enricher.table) == []


def test_a_late_tick_costs_at_most_a_window_of_writes(enricher: Enricher) -> None:
    rows = walk(400)
    late = rows.pop(120)
    enricher.insert(rows)
    enricher.table.write_units = enricher.table.read_units = 0
    enricher.insert([late])
    assert enricher.table.write_units == 100
    # Two looks at 99 rows before it and 100 from it on.
    assert enricher.table.read_units <= 2 * (
        -(-99 * LARGEST // 4096) - (-100 * LARGEST // 4096) + 1
    )


def test_what_a_container_remembers_is_bounded(enricher: Enricher) -> None:
    from lambdas.price_enricher import handler

    for batch in in_batches([row(1, symbol=f"COIN{i}") for i in range(1_200)], 100):
        enricher.insert(list(batch))
    assert len(handler._TAILS) == 1_000


def test_prices_of_any_size_fit_the_table(enricher: Enricher) -> None:
    prices = ["1E-12", "1E+12", "0.000000000001", "999999999999.999999"]
    rows = [row(i, prices[i % 4]) for i in range(130)]
    rows[7] |= {"size": {"N": str(Decimal("1e-20"))}}
    enricher.insert(rows)
    assert wrong(enricher.table) == []
